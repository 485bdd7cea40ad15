package consumer

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/broadcast"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// Handle is what a receiver can do while it handles a frame, and after that as
// long as the connection lives. [From] returns it.
type Handle struct {
	c       *Consumer
	call    *call
	who     *identity                // the snapshot that User shows
	acts    atomic.Pointer[identity] // what SignIn made of who; nil before it
	binding *Binding                 // nil in lifecycle methods
	from    from
	keyed   bool
	claim   atomic.Pointer[claim] // of its key, until it is settled
	acked   atomic.Bool
	// progressed says that the client was told how far the frame has come.
	progressed atomic.Bool
	slot       slot   // guarded by Consumer.mu
	lane       *lane  // nil in lifecycle methods
	more       bool   // another frame of its lane waited when it began: its ack may be written with that one's
	goesOn     func() // what Async left to do
}

type handleKey struct{}

// From returns the handle of the frame that ctx belongs to. Outside a frame it
// panics; tests get a context from gatewaytest.Context.
func From(ctx context.Context) *Handle {
	h, ok := ctx.Value(handleKey{}).(*Handle)
	if !ok {
		panic("consumer.From: the context does not belong to a frame: pass on the ctx that the receiver's method got, or use gatewaytest.Context in tests")
	}
	return h
}

// User returns who sent the frame. It never changes during a call and is
// [auth.Anonymous] for who is not signed in.
func (h *Handle) User() *auth.User { return h.who.user }

// Session names the connection, for logs and for [broadcast.Except].
func (h *Handle) Session() string { return h.c.name }

// Type returns the type of the frame; empty in lifecycle methods.
func (h *Handle) Type() string {
	if h.binding == nil {
		return ""
	}
	return h.binding.Entry.Type
}

// Path returns the name of the path that the client connected to.
func (h *Handle) Path() string { return h.c.opening.Path.Name }

// RemoteAddr returns the address of the client.
func (h *Handle) RemoteAddr() string { return h.c.opening.RemoteAddr }

// Send sends m to this client, where m is a proto.Message of server origin or
// has a method Message that returns one. It is correlated to the frame and
// precedes its ack. On a closed connection nothing happens.
func (h *Handle) Send(_ context.Context, m any) error {
	value, e, err := h.c.node.outgoing(m)
	if err != nil {
		return err
	}
	f := wire.Frame{Re: h.from.id, Tag: h.from.tag, Kind: wire.KindMessage, Message: wire.Message{Type: e.Type, Entry: e, Value: value}}
	if err := h.c.send(&f); err != nil {
		return err
	}
	if h.binding != nil && !h.c.opening.Dialect.Handshake() {
		h.call.remember(value)
	}
	return nil
}

// Progress tells the client how far the frame has come: value goes from 0 to 1,
// info is for people. A client that asked for no ack is told nothing.
func (h *Handle) Progress(_ context.Context, value float64, info string) error {
	if h.from.id == 0 || h.acked.Load() {
		return nil
	}
	h.progressed.Store(true)
	f := wire.Frame{Re: h.from.id, Tag: h.from.tag, Kind: wire.KindProgress, Control: &protowayv1.Progress{Value: value, Info: validText(info)}}
	return h.c.send(&f)
}

// Join makes the connection a member of a group. The client gets a ticket that
// restores the membership after a reconnect. Joining twice changes nothing.
//
// Errors: InvalidArgument for a name that is not allowed, what AuthorizeJoin of the
// configuration says, ResourceExhausted past Limits.MaxGroups, Canceled on a closed
// connection, Aborted if the user of the connection has changed since the frame
// began.
func (h *Handle) Join(ctx context.Context, group string) error {
	if err := broadcast.CheckGroup(group); err != nil {
		return err
	}
	who := h.actor()
	if ask := h.c.opening.Path.AuthorizeJoin; ask != nil {
		if err := ask(ctx, who.user, group); err != nil {
			return err
		}
	}
	return h.c.join(ctx, joining{group: group, who: who})
}

// In reports whether the connection is a member of a group.
func (h *Handle) In(group string) bool {
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	return h.c.groups.get(group) != nil
}

// actor is as whom groups are joined.
func (h *Handle) actor() *identity {
	if acts := h.acts.Load(); acts != nil {
		return acts
	}
	return h.who
}

// Leave ends the membership of the connection in a group, and voids its tickets.
// Leaving a group that was not joined changes nothing.
func (h *Handle) Leave(ctx context.Context, group string) error {
	if err := broadcast.CheckGroup(group); err != nil {
		return err
	}
	h.c.leave(ctx, group, "")
	return nil
}

// Broadcast sends m to all members of a group on all nodes, this connection
// included if it is one. m is a proto.Message of server origin or has a method
// Message that returns one.
func (h *Handle) Broadcast(ctx context.Context, group string, m any, opts ...broadcast.PublishOption) error {
	if err := broadcast.CheckGroup(group); err != nil {
		return err
	}
	value, err := wire.ProtoOf(m)
	if err != nil {
		return err
	}
	if h.moreWaits() {
		opts = append(opts, broadcast.More)
	}
	_, err = h.c.node.hub.Publish(ctx, group, value, opts...)
	return err
}

// moreWaits reports whether the next frame of the lane is there already: what it
// publishes may share the writes.
func (h *Handle) moreWaits() bool {
	if h.lane == nil {
		return false
	}
	h.c.mu.Lock()
	defer h.c.mu.Unlock()
	return h.lane.head != nil
}

// SignIn makes user the user of the connection; nil signs out. One who has no
// IssuedAt signs in now, for who revokes what was before. When another user
// was signed in, the connection leaves all groups that receivers joined. Frames
// that arrived after this one see the new user: the rules of its message must say
// identity: true, or its route must have the option Identity.
func (h *Handle) SignIn(ctx context.Context, user *auth.User) error {
	if h.binding == nil || !h.binding.Identity {
		return status.FailedPrecondition.Errorf("only a message whose rules say identity: true may change the user, or a route with the option Identity")
	}
	if h.goesOn != nil {
		return status.FailedPrecondition.Errorf("the user cannot be changed in asynchronous work: frames behind this one have run")
	}
	told := h.c.node.revoked.told.Load()
	if user.SignedIn() && user.IssuedAt.IsZero() {
		signed := *user
		signed.IssuedAt = time.Now()
		user = &signed
	}
	if err := h.c.node.checkRevoked(ctx, user); err != nil {
		return err
	}
	next, err := h.c.setUser(ctx, user, "the user of the connection changed")
	if err != nil {
		return err
	}
	h.acts.Store(next)
	h.c.revokedSince(ctx, told)
	return nil
}

// Async goes on with the frame in the pool of asynchronous workers, and acks it
// when fn has ended. It starts when the method that called it has returned nil,
// with or without a reply; an error is the ack, and fn does not run. A full pool
// acks ResourceExhausted. fn's context has no deadline and is canceled when the
// connection ends, unless the frame has a key.
//
// To ack at once and go on in the background instead, start a goroutine and
// return: the handle stays valid, Sends stay correlated, and the context to use
// is context.WithoutCancel(ctx).
func (h *Handle) Async(fn func(ctx context.Context) (proto.Message, error)) error {
	return h.later(func() { h.submit(fn) })
}

// AckAfter is Async after a delay. Waiting takes no worker and no goroutine.
func (h *Handle) AckAfter(delay time.Duration, fn func() (proto.Message, error)) error {
	return h.later(func() {
		h.c.node.delayed.Add(1)
		time.AfterFunc(delay, func() {
			defer h.c.node.delayed.Add(-1)
			h.submit(func(context.Context) (proto.Message, error) { return fn() })
		})
	})
}

// later keeps what goes on once the method has returned.
func (h *Handle) later(begin func()) error {
	switch {
	case h.binding == nil:
		return status.Internal.Errorf("a lifecycle method has no frame to ack later")
	case h.goesOn != nil:
		return status.Internal.Errorf("the frame is asynchronous already")
	}
	h.goesOn = begin
	return nil
}

// submit hands work to the asynchronous workers, or acks that there are none.
func (h *Handle) submit(fn func(ctx context.Context) (proto.Message, error)) {
	if !h.c.node.async.submit(&background{call: h.call, fn: fn}) {
		h.c.node.observer.Limited(limitAsyncQueue)
		h.call.finish(nil, overload("all asynchronous workers are busy and their queue is full"))
	}
}

// Close ends the connection once all that was sent is written. The client
// reconnects if reconnect is true.
func (h *Handle) Close(reason string, reconnect bool) {
	code := CloseDisconnected
	if reconnect {
		code = CloseByServer
	}
	h.c.outbox.close(code, validText(reason))
}
