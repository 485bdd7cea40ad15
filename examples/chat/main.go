// Chat is the example of the README: two browser tabs that talk in a room.
//
//	go run ./examples/chat -addr :8080
package main

import (
	"context"
	"embed"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/receivers"
)

//go:embed web
var web embed.FS

func main() {
	addr := flag.String("addr", ":8080", "address to listen on")
	debug := flag.Bool("debug", false, "log every broadcast and change of identity")
	flag.Usage = func() {
		_, _ = fmt.Fprintf(flag.CommandLine.Output(), "Chat serves a chat page at / and its WebSocket at /ws.\n\nExample:\n  chat -addr 127.0.0.1:9000\n\nFlags:\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if *debug {
		slog.SetLogLoggerLevel(slog.LevelDebug)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr); err != nil {
		fmt.Fprintln(os.Stderr, "chat:", err)
		os.Exit(1) //nolint:gocritic // stop only frees the signals, which the exit does too
	}
}

// run serves until ctx ends.
func run(ctx context.Context, addr string) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("%w\nTo listen on another address: go run ./examples/chat -addr :9000", err)
	}
	return serve(ctx, listener)
}

// serve serves the page and the gateway on one listener.
func serve(ctx context.Context, listener net.Listener) error {
	server, err := protoway.New(protoway.Config{
		Paths: map[string]protoway.Path{
			"/ws": {Receivers: []receivers.Receiver{receivers.Discover(&Chat{})}},
		},
		Strict: true,
	})
	if err != nil {
		return err
	}
	pages, err := fs.Sub(web, "web")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", server) // the gateway: /ws, /healthz, /readyz, /metrics
	mux.Handle("GET /{$}", http.FileServerFS(pages))
	mux.Handle("GET /chat.js", http.FileServerFS(pages))
	mux.Handle("GET /gateway.js", http.FileServerFS(pages))
	mux.Handle("GET /chat.css", http.FileServerFS(pages))
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return err
	}
	fmt.Printf("Chat is ready: open http://localhost:%s in two tabs. Ctrl-C ends it.\n", port)
	return server.Serve(ctx, listener, mux)
}
