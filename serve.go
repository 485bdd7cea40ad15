package protoway

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/protoway/protoway/consumer"
)

const (
	// shutdownTimeout is how long [Server.ListenAndServe] takes to shut down.
	shutdownTimeout = 15 * time.Second
	// idleTimeout is how long an HTTP connection may wait for its next request.
	idleTimeout = 2 * time.Minute
)

// ListenAndServe serves on a TCP address, such as ":8080", until ctx ends, and
// then shuts down. It serves handler, or the server itself if that is nil; a
// handler of an application passes on to the server what is the server's.
func (s *Server) ListenAndServe(ctx context.Context, address string, handler http.Handler) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return s.Serve(ctx, listener, handler)
}

// Serve is ListenAndServe on a listener, which it closes.
func (s *Server) Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	if handler == nil {
		handler = s
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: s.config.Limits.HandshakeTimeout, IdleTimeout: idleTimeout}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return errors.Join(err, s.shutdown())
	case <-ctx.Done():
	}
	err := s.shutdown()
	_ = server.Close()
	return errors.Join(err, closed(<-failed))
}

// closed leaves out the error that says that the server was closed.
func closed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (s *Server) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	return s.Shutdown(ctx)
}

// handlerMaker is an observer that serves what it has seen.
type handlerMaker interface{ Handler() http.Handler }

// watcher is an observer that asks for the state of the node.
type watcher interface {
	Watch(stats func() consumer.Stats, groups func() int)
}

// serveHealth adds the endpoints for operators.
func (s *Server) serveHealth() {
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok\n"))
	})
	s.mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if s.node.Draining() {
			http.Error(w, "draining", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	if seen, ok := s.config.Observer.(handlerMaker); ok {
		s.mux.Handle("GET /metrics", seen.Handler())
	}
	if asking, ok := s.config.Observer.(watcher); ok {
		asking.Watch(s.node.Stats, s.hub.Groups)
	}
}
