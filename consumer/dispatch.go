package consumer

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// runJob runs a frame whose turn it is. Handlers are guarded where they are
// called; what else panics (a verifier, a store, a broker) ends the connection.
func (c *Consumer) runJob(j *job, w *worker) {
	defer func() {
		if reason := recover(); reason != nil {
			_ = c.panicked(j.kind.String(), reason)
			c.outbox.close(CloseInternal, "internal error")
		}
	}()
	switch {
	case j.skip:
	case j.inner != nil:
		j.inner()
	case j.kind == wire.KindMessage:
		c.dispatch(j, w)
	case j.kind == wire.KindHello:
		c.welcome(j)
	default:
		c.authenticate(j)
	}
}

// skips reports whether a frame is not run: its connection was refused, or has
// ended. Frames with a key run also after the end. The caller holds mu.
func (c *Consumer) skips(j *job) bool {
	if j.kind != wire.KindHello && !c.welcomed {
		return true
	}
	return c.closed && j.key == ""
}

// dispatch is the way of one message, from its lane to its ack.
func (c *Consumer) dispatch(j *job, w *worker) {
	began := c.node.sinceStart() // one reading of one clock
	if err := c.admitted(j); err != nil {
		c.freeSlot(&j.slot)
		c.refuseJob(j, err)
		return
	}
	k := c.newCall(j)
	defer func() { // handlers are guarded by themselves; this is for all around them
		if reason := recover(); reason != nil {
			k.finish(nil, c.panicked(j.name(), reason))
		}
	}()
	if err := c.allowed(j.binding, k.who, c.node.wheel.clock.time()); err != nil {
		k.finish(nil, err)
		return
	}
	in := j.binding.Entry.Message.New().Interface()
	if err := c.wire.Unmarshal(j.payload, in); err != nil {
		k.finish(nil, status.InvalidArgument.Errorf("the payload of %q is not valid: %v", j.binding.Entry.Type, err))
		return
	}
	k.begin(c.node.started.Add(began), j.binding.Timeout, w)
	if err := k.authorize(in); err != nil {
		k.finish(nil, err)
		return
	}
	if j.key != "" && !k.claimKey(j) {
		k.arm(time.Time{})
		return // it ran before, or whoever runs it now acks this one too
	}
	reply, err := c.invoke(k, j.binding.Routes, in)
	k.halt()
	c.node.observer.Handled(j.binding.Entry.Type, c.node.sinceStart()-began)
	if k.goesOn != nil && err == nil {
		k.goesOn() // and finishes the call later
		return
	}
	k.finish(reply, err)
}

// allowed checks what every route asks of the sender: a message is handled by
// all of its receivers or by none.
func (c *Consumer) allowed(b *Binding, who *identity, now time.Time) error {
	for i := range b.Policies {
		if err := b.Policies[i].Allow(who.user, c.asOf(now)); err != nil {
			return err
		}
	}
	return nil
}

// invoke runs the routes of a message in their order. All of them run, at most
// one replies, and the first error wins.
func (c *Consumer) invoke(k *call, routes []*Route, in proto.Message) (reply proto.Message, first error) {
	for _, route := range routes {
		out, err := c.invokeOne(k, route, in)
		if err != nil && first == nil {
			first = err
		}
		if route.Reply != nil {
			reply = out
		}
	}
	return reply, first
}

// invokeOne calls one handler; a panic is an Internal error.
func (c *Consumer) invokeOne(k *call, route *Route, in proto.Message) (out proto.Message, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			out, err = nil, c.panicked(k.Type(), reason)
		}
	}()
	return c.handler(route)(k, in)
}

// panicked logs a panic with its stack and returns what the client learns.
func (c *Consumer) panicked(kind string, reason any) error {
	c.node.observer.Panicked(kind)
	c.log().Error("a receiver panicked", "type", kind, "panic", reason, "stack", string(debug.Stack()))
	return status.Mask(panicError{reason})
}

// panicError is a panic as an error.
type panicError struct{ reason any }

func (e panicError) Error() string { return fmt.Sprint(e.reason) }

// handler returns the handler of a route on this connection.
func (c *Consumer) handler(route *Route) Handler {
	if route.Scope == nil {
		return route.Handle
	}
	// Only the connection's own lane comes here, so nothing is bound twice at once.
	handle := c.bound[route]
	if handle == nil {
		handle = route.Bind(c.instances[route.Scope])
		c.bound[route] = handle
	}
	return handle
}

// background is a frame that goes on in the asynchronous pool.
type background struct {
	call *call
	fn   func(ctx context.Context) (proto.Message, error)
}

func (b *background) run(*worker) (more bool) {
	reply, err := b.guarded()
	b.call.finish(reply, err)
	return false
}

func (b *background) guarded() (reply proto.Message, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			reply, err = nil, b.call.c.panicked(b.call.Type(), reason)
		}
	}()
	return b.fn(b.call)
}
