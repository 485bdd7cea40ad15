package client

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/status"
)

// handlers are what waits for the functions of the application, and what they
// run in.
type handlers struct {
	queue    chan func(ctx context.Context) // in order of arrival
	life     context.Context                // of handlers; ended by Close
	abandon  context.CancelFunc
	requests context.Context // of handlers that answer; ended with the connection

	cancelRequests context.CancelFunc
	answering      atomic.Int32 // requests that are being answered
	authenticating atomic.Bool  // a fresh token is being got
}

func newHandlers(life context.Context, queue int) *handlers {
	h := &handlers{queue: make(chan func(context.Context), max(queue, 1))}
	h.life, h.abandon = context.WithCancel(life)
	h.requests, h.cancelRequests = context.WithCancel(h.life)
	return h
}

// OnMessage calls fn for each message of example's type; [Caller] says more.
// Messages are handled one after the other in order of arrival. Requests, which
// the server waits for, have a goroutine each, so that fn may call; what fn sends
// and calls with its ctx belongs to the request.
func (c *Conn) OnMessage(example proto.Message, fn func(ctx context.Context, in proto.Message) (proto.Message, error)) {
	c.registry.add(example, fn)
}

// deliver queues what the goroutine of the handlers is to run.
func (c *Conn) deliver(run func(ctx context.Context)) { push(c, c.handlers.queue, run, nil) }

// runHandlers runs what arrives, in its order, and what is left when the
// connection has ended.
func (c *Conn) runHandlers() {
	defer close(c.end.done)
	defer c.handlers.abandon()
	defer c.end.working.Wait()
	if before := c.options.link.before; before != nil {
		<-before // what came earlier is handled earlier
	}
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
