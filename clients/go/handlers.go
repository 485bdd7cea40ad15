package client

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// handlerFunc handles one message.
type handlerFunc = func(ctx context.Context, in proto.Message) (proto.Message, error)

// handlers are the functions of the application, and what waits for them.
type handlers struct {
	queue    chan func(ctx context.Context) // in order of arrival
	life     context.Context                // of handlers; ended by Close
	abandon  context.CancelFunc
	requests context.Context // of handlers that answer; ended with the connection

	cancelRequests context.CancelFunc
	answering      atomic.Int32 // requests that are being answered
	authenticating atomic.Bool  // a fresh token is being got

	mu     sync.RWMutex // guards byType
	byType map[*wire.Entry][]handlerFunc
}

func newHandlers(queue int) *handlers {
	h := &handlers{queue: make(chan func(context.Context), max(queue, 1)), byType: map[*wire.Entry][]handlerFunc{}}
	h.life, h.abandon = context.WithCancel(context.Background())
	h.requests, h.cancelRequests = context.WithCancel(h.life)
	return h
}

// of returns the functions for a message; e may be nil.
func (h *handlers) of(e *wire.Entry) []handlerFunc {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.byType[e]
}

// OnMessage calls fn for each message of example's type; [Caller] says more.
// Messages are handled one after the other in order of arrival. Requests, which
// the server waits for, have a goroutine each, so that fn may call; what fn sends
// and calls with its ctx belongs to the request.
func (c *Conn) OnMessage(example proto.Message, fn func(ctx context.Context, in proto.Message) (proto.Message, error)) {
	if example == nil {
		panic("client: OnMessage: the example is nil: pass a message, such as (*chatv1.Said)(nil)")
	}
	e, err := c.options.catalog.Of(example)
	if err != nil {
		panic(fmt.Sprintf("client: OnMessage: %v", err))
	}
	h := c.handlers
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.byType[e]
	h.byType[e] = append(slices.Clip(before), fn) // a copy: readers hold the old one
}

// deliver queues what the goroutine of the handlers is to run.
func (c *Conn) deliver(run func(ctx context.Context)) { push(c, c.handlers.queue, run, nil) }

// runHandlers runs what arrives, in its order, and what is left when the
// connection has ended.
func (c *Conn) runHandlers() {
	defer close(c.end.done)
	defer c.handlers.abandon()
	defer c.end.working.Wait()
	for {
		select {
		case run := <-c.handlers.queue:
			c.guard(run)
		case <-c.end.quiet:
			c.runRest()
			return
		}
	}
}

func (c *Conn) runRest() {
	for {
		select {
		case run := <-c.handlers.queue:
			c.guard(run)
		default:
			return
		}
	}
}

// guard runs something of the application, unless the application has closed the
// connection.
func (c *Conn) guard(run func(ctx context.Context)) {
	if c.handlers.life.Err() != nil {
		return
	}
	defer func() {
		if reason := recover(); reason != nil {
			c.logPanic(reason)
		}
	}()
	run(c.handlers.life)
}

func (c *Conn) logPanic(reason any) {
	c.logger.Error("a handler panicked", "panic", reason, "stack", string(debug.Stack()))
}

// handle runs all handlers of a message. The first reply and the first error
// count, and an error more than a reply.
func (c *Conn) handle(ctx context.Context, fns []handlerFunc, in proto.Message) (reply proto.Message, first error) {
	for _, fn := range fns {
		out, err := c.handleOne(ctx, fn, in)
		if first == nil {
			first = err
		}
		if reply == nil {
			reply = out
		}
	}
	return reply, first
}

// handleOne runs one handler; a panic is an Internal error.
func (c *Conn) handleOne(ctx context.Context, fn handlerFunc, in proto.Message) (out proto.Message, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			c.logPanic(reason)
			out, err = nil, status.Internal.Wrap(fmt.Errorf("panic: %v", reason), "internal error")
		}
	}()
	return fn(ctx, in)
}
