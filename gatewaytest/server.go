// Package gatewaytest tests receivers without a network.
//
//	func TestSay(t *testing.T) {
//		server := gatewaytest.New(t, protoway.Config{
//			Paths: map[string]protoway.Path{"/ws": {Receivers: chat.Receivers()}},
//		})
//		ada, bob := server.Dial(t), server.Dial(t, gatewaytest.As(auth.User{ID: "bob"}))
//		...
//		said := gatewaytest.Next[*chatv1.Said](t, bob)
//	}
//
// A method of a receiver can also be called directly, with [Context].
//
// The one idea: everything but the network is real. Frames are encoded in a
// dialect, policies are checked, groups are joined, and what a test starts ends
// with it.
package gatewaytest

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/protoway/protoway"
	client "github.com/protoway/protoway/clients/go"
	"github.com/protoway/protoway/metrics"
)

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

// Server is a server in memory.
type Server struct {
	*protoway.Server
	path string // the first one
}

// New starts a server that ends with the test, after the connections to it. Its
// logger is the test's output and nothing is counted, unless the configuration
// says otherwise. A configuration that is not valid ends the test.
func New(t testing.TB, config protoway.Config) *Server {
	t.Helper()
	if config.Logger == nil {
		config.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	if config.Observer == nil {
		config.Observer = metrics.Nop{}
	}
	server, err := protoway.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Errorf("gatewaytest: shutdown: %v", err)
		}
	})
	return &Server{Server: server, path: slices.Min(slices.Collect(maps.Keys(config.Paths)))}
}

// Dial connects to the server. The connection ends with the test t. One that is
// refused ends the test: [Server.TryDial] is for those.
func (s *Server) Dial(t testing.TB, opts ...Option) *Conn {
	t.Helper()
	conn, err := s.TryDial(t, opts...)
	if err != nil {
		t.Fatalf("gatewaytest: dial: %v", err)
	}
	return conn
}

// TryDial is Dial for connections that may be refused. Errors are those of
// [client.Open].
func (s *Server) TryDial(t testing.TB, opts ...Option) (*Conn, error) {
	t.Helper()
	o := newOptions(s.path, opts)
	c := newConn(o.dialect)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	end := s.Pipe(o.path, o.dialect, o.user)
	conn, err := client.Open(ctx, end, append(o.client, client.WithDialect(o.dialect), client.WithCatalog(c.catalog), client.OnUnknown(c.keep))...)
	if err != nil {
		return nil, err
	}
	c.Conn = conn
	t.Cleanup(func() { c.end(t) })
	return c, nil
}
