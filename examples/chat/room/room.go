// Package room is the chat of the example: its receiver, its page, and a server
// of both.
//
//	server, err := room.Listen(ctx, "localhost:8080")
//	...
//	err = server.Serve(ctx)
//
// The one idea: the schema in chat/v1/chat.proto says who may send what, the
// receiver only what happens then.
package room

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"net"
	"net/http"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/receivers"
)

//go:embed web
var web embed.FS

// Pages are the files of the page.
func Pages() fs.FS {
	pages, err := fs.Sub(web, "web")
	if err != nil {
		panic(err) // the name is not valid, and it is right here
	}
	return pages
}

// Server serves the page and the gateway on one listener.
type Server struct {
	gateway  *protoway.Server
	listener net.Listener
}

// Listen makes a server on a TCP address, such as ":8080". [Server.Serve] ends it.
func Listen(ctx context.Context, addr string) (*Server, error) {
	gateway, err := protoway.New(protoway.Config{
		Paths: map[string]protoway.Path{
			"/ws": {Receivers: []receivers.Receiver{receivers.Discover(&Chat{})}},
		},
		Strict: true,
	})
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, errors.Join(err, gateway.Shutdown(ctx))
	}
	return &Server{gateway: gateway, listener: listener}, nil
}

// URL is where the page is, seen from this machine.
func (s *Server) URL() string {
	_, port, err := net.SplitHostPort(s.listener.Addr().String())
	if err != nil {
		return "http://" + s.listener.Addr().String()
	}
	return "http://localhost:" + port
}

// Serve serves until ctx ends.
func (s *Server) Serve(ctx context.Context) error {
	files := http.FileServerFS(Pages())
	mux := http.NewServeMux()
	mux.Handle("/", s.gateway) // the gateway: /ws, /healthz, /readyz, /metrics
	mux.Handle("GET /{$}", files)
	for _, name := range []string{"chat.js", "gateway.js", "chat.css"} {
		mux.Handle("GET /"+name, files)
	}
	return s.gateway.Serve(ctx, s.listener, mux)
}
