package client_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	client "github.com/protoway/protoway/clients/go"
	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/metrics"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/transport"
)

// host is a machine at one address, which can fail and come back: with the same
// server, whose memory has survived, or with another one.
type host struct {
	*testing.T
	url string

	mu       sync.Mutex // guards what follows
	handler  http.Handler
	address  string
	listener net.Listener
	web      *http.Server
	sockets  []*os.File // of all connections: servers take theirs over
	ended    chan struct{}
}

// newHost starts a host that serves handler.
func newHost(t *testing.T, handler http.Handler) *host {
	t.Helper()
	h := &host{T: t, handler: handler, address: "127.0.0.1:0"}
	h.up()
	h.url = "ws://" + h.address + "/ws"
	t.Cleanup(h.down)
	return h
}

// become has the host serve something else from the next connection on.
func (h *host) become(handler http.Handler) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.handler = handler
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	handler := h.handler
	h.mu.Unlock()
	handler.ServeHTTP(w, r)
}

// up has the host take connections again, at the same address.
func (h *host) up() {
	h.Helper()
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", h.address)
	if err != nil {
		h.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.address, h.listener, h.ended = listener.Addr().String(), listener, make(chan struct{})
	h.web = &http.Server{Handler: h, ReadHeaderTimeout: patience, ConnState: h.track, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go func(web *http.Server, ended chan struct{}) {
		defer close(ended)
		_ = web.Serve(listener)
	}(h.web, h.ended)
}

func (h *host) track(conn net.Conn, state http.ConnState) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok || state != http.StateNew {
		return
	}
	socket, err := tcp.File()
	if err != nil {
		h.Error(err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sockets = append(h.sockets, socket)
}

// cut cuts all connections, without a goodbye.
func (h *host) cut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, socket := range h.sockets {
		_ = syscall.Shutdown(int(socket.Fd()), syscall.SHUT_RDWR)
		_ = socket.Close()
	}
	h.sockets = nil
}

// down takes the host off the network.
func (h *host) down() {
	h.mu.Lock()
	web, ended := h.web, h.ended
	h.mu.Unlock()
	_ = web.Close()
	<-ended
	h.cut()
}

// newServer makes a server that ends with the test.
func newServer(t *testing.T, config protoway.Config, list ...receivers.Receiver) *protoway.Server {
	t.Helper()
	config.Paths = map[string]protoway.Path{"/ws": {Receivers: list}}
	config.Verifier = auth.HS256(secret)
	if config.Secret == nil {
		config.Secret = secret
	}
	config.Logger, config.Observer = slog.New(slog.DiscardHandler), metrics.Nop{}
	config.Mode = transport.Mode(os.Getenv("TEST_MODE")) // the suite runs in both
	server, err := protoway.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return server
}

// manyKeys is room for the keys of tests that send much.
var manyKeys = consumer.Limits{DedupePerUser: 50_000, DedupeTotal: 200_000}

// client makes a client that reconnects fast and ends with the test.
func (h *host) client(opts ...client.Option) *client.Client {
	h.Helper()
	c := client.New(h.url, append([]client.Option{client.WithBackoff(time.Millisecond, 20*time.Millisecond)}, opts...)...)
	h.Cleanup(func() {
		_ = c.Close()
		await(h, "the end of the client", c.Done())
	})
	return c
}

// connected makes a client that has a session.
func (h *host) connected(opts ...client.Option) *client.Client {
	h.Helper()
	c := h.client(opts...)
	if err := c.Connect(deadline(h)); err != nil {
		h.Fatal(err)
	}
	return c
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	until := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(until) {
			t.Fatalf("%s: it never became true", what)
		}
		<-time.After(time.Millisecond)
	}
}
