package client

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire"
)

// Conn is a connection to a server. All its methods may be called concurrently.
//
// It owns four goroutines: one reads, one writes and closes the transport, one
// keeps the connection alive, one runs the handlers. They and the goroutines of
// requests end with the connection; [Conn.Done] says when all have.
type Conn struct {
	options   *options
	transport Transport
	wire      wire.Session
	logger    *slog.Logger

	welcome  atomic.Pointer[protowayv1.Welcome] // nil before the handshake
	out      chan outFrame                      // for the writer
	calls    *calls
	registry *registry
	handlers *handlers
	groups   *memberships
	end      *end
	alive    alive
}

// end is how a connection ends, in this order: closing, quiet, done.
type end struct {
	closing chan struct{}  // closed once the connection is about to end, after err is set
	read    chan struct{}  // closed when the reader has ended
	quiet   chan struct{}  // closed when nothing is read or written any more
	done    chan struct{}  // closed when the last handler has returned
	working sync.WaitGroup // goroutines of requests and of the heartbeat
	io      context.Context
	cut     context.CancelFunc // ends io, and with it a read or write that is stuck

	mu  sync.Mutex // guards err
	err *CloseError
}

func newEnd() *end {
	e := &end{
		closing: make(chan struct{}), read: make(chan struct{}),
		quiet: make(chan struct{}), done: make(chan struct{}),
	}
	e.io, e.cut = context.WithCancel(context.Background())
	return e
}

// begin starts the end and reports whether this call did; the first reason counts.
func (e *end) begin(reason *CloseError) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err != nil {
		return false
	}
	e.err = reason
	close(e.closing)
	return true
}

// get returns why the connection ends; nil if it does not.
func (e *end) get() *CloseError {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

// outFrames is how many encoded frames may wait for the writer: as many as a message
// may have.
const outFrames = wire.MaxBatchFrames

// newConn makes a connection and starts its goroutines.
func newConn(transport Transport, o *options) *Conn {
	c := &Conn{
		options:   o,
		transport: transport,
		wire:      o.dialect.Open(o.catalog, wire.ClientSide),
		logger:    o.logger,
		out:       make(chan outFrame, outFrames),
		calls:     newCalls(),
		registry:  o.registry,
		handlers:  newHandlers(o.link.life, o.queue),
		groups:    newMemberships(o.resume),
		end:       newEnd(),
	}
	for _, register := range o.handlers {
		register(c)
	}
	go c.read()
	go c.write()
	go c.runHandlers()
	return c
}

// Session names the connection in the logs of the server.
func (c *Conn) Session() string { return c.welcome.Load().GetSession() }

// User returns who was signed in when the connection began; empty for nobody.
func (c *Conn) User() string { return c.welcome.Load().GetUser() }

// Welcome returns what the server said about itself and its limits. It must not
// be changed.
func (c *Conn) Welcome() *protowayv1.Welcome { return c.welcome.Load() }

// Groups returns the groups that receivers have joined for this connection,
// sorted.
func (c *Conn) Groups() []string { return c.groups.names() }

// Resume returns what restores the memberships on another connection. After
// [Conn.Done] it is final: no message counts as handled that was not, and none
// that was is sent again.
func (c *Conn) Resume() Resume { return c.groups.resume() }

// Done is closed when the connection has ended and the last handler has returned.
func (c *Conn) Done() <-chan struct{} { return c.end.done }

// Err returns why the connection ended, as a [CloseError]; nil if it has not.
func (c *Conn) Err() error {
	if reason := c.end.get(); reason != nil {
		return reason
	}
	return nil
}

// closeTimeout is how long it may take to write what waits and to close.
const closeTimeout = 5 * time.Second

// Close sends what waits to be sent, ends the connection with code 1000 and
// waits for that, at most five seconds. Messages that have arrived and were not
// handled are dropped; the contexts of handlers that run are canceled, and they
// are not waited for, so that a handler may call it. It always returns nil.
func (c *Conn) Close() error {
	c.handlers.abandon()
	c.finish(closed(closeNormal, ""))
	<-c.end.quiet
	return nil
}

// finish ends the connection. What is being written or read after closeTimeout is
// cut, since a server that does not read would hold it up for ever; at once if there
// is nobody to say anything to.
func (c *Conn) finish(reason *CloseError) {
	if !c.end.begin(reason) {
		return
	}
	c.handlers.cancelRequests()
	if reason.Code == closeAbnormal {
		c.end.cut()
		return
	}
	timer := time.AfterFunc(closeTimeout, c.end.cut)
	context.AfterFunc(c.end.io, func() { timer.Stop() })
}

// encode returns a frame as the dialect spells it.
func (c *Conn) encode(f *wire.Frame) ([]byte, error) { return c.wire.Append(nil, f) }

// control returns the frame of a kind that is neither message nor ack.
func control(kind wire.Kind, body proto.Message) wire.Frame {
	return wire.Frame{Kind: kind, Control: body}
}
