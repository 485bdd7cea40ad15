package client

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// read reads until the connection has ended.
func (c *Conn) read() {
	defer close(c.end.read)
	for {
		message, text, err := c.transport.Read(c.end.io)
		if err != nil {
			c.finish(closedBy(err))
			return
		}
		c.alive.lastRead.Store(time.Now().UnixNano())
		c.wire.Decode(message, text, c.takeFrame)
	}
}

// takeFrame is where every frame of the server comes in. It waits for nothing
// but room in the queue of the handlers.
func (c *Conn) takeFrame(f *wire.Frame) {
	if c.welcome.Load() == nil {
		c.takeFirst(f)
		return
	}
	if f.Err != nil {
		c.takeMalformed(f)
		return
	}
	switch f.Kind {
	case wire.KindMessage:
		c.takeMessage(f)
	case wire.KindAck:
		c.takeAck(f)
	case wire.KindProgress:
		c.takeProgress(f)
	case wire.KindAuthenticate:
		c.takeAuthenticate(f)
	case wire.KindJoined, wire.KindLeft, wire.KindGoaway:
		c.takeEvent(f)
	case wire.KindHeartbeat:
		c.ackControl(f)
	default: // what a newer server says
	}
}

// takeFirst takes the first frame, which is Welcome.
func (c *Conn) takeFirst(f *wire.Frame) {
	w, ok := f.Control.(*protowayv1.Welcome)
	if !ok || f.Err != nil {
		c.finish(closed(closeProtocol, "the first frame of the server is not welcome"))
		return
	}
	c.groups.welcome(w)
	c.welcome.Store(w)
	c.calls.open(w.GetMaxInFlight())
	if every := time.Duration(w.GetHeartbeatMs()) * time.Millisecond; every > 0 {
		c.end.working.Go(func() { c.keepAlive(every) })
	}
}

// takeMalformed answers a frame that could not be decoded. A malformed ack fails
// its call, since no other will come.
func (c *Conn) takeMalformed(f *wire.Frame) {
	c.logger.Warn("a frame of the server is malformed", "error", f.Err)
	switch {
	case f.Kind == wire.KindAck:
		f.Ack = wire.Ack{Error: status.Internal.Errorf("the ack of the server is malformed: %w", f.Err)}
		c.takeAck(f)
	case f.ID != 0:
		c.ack(f.ID, wire.Message{}, f.Err)
	}
}

// takeAck ends the call that an ack names.
func (c *Conn) takeAck(f *wire.Frame) {
	if f.Re == 0 {
		c.logger.Warn("the server could not read a frame", "error", f.Ack.Error)
		return
	}
	p := c.calls.remove(f.Re)
	if p == nil {
		return
	}
	ack := f.Ack
	ack.Reply.Payload = slices.Clone(ack.Reply.Payload)
	if p.acked != nil {
		p.acked(&ack) // first: what it sends again must not be overtaken by who waits for the place
		c.calls.release()
		return
	}
	c.calls.release()
	push(c, p.events, event{ack: &ack}, p.left)
}

// takeProgress tells a call how far it has come.
func (c *Conn) takeProgress(f *wire.Frame) {
	p := c.calls.get(f.Re)
	if p == nil || p.options.progress == nil {
		return
	}
	push(c, p.events, event{progress: f.Control.(*protowayv1.Progress)}, p.left)
}

// takeMessage hands a message to the call that it belongs to, and to its handlers.
func (c *Conn) takeMessage(f *wire.Frame) {
	m := &f.Message
	told := c.tellCall(f)
	fns, events := c.registry.of(m)
	if len(events) > 0 {
		c.takeSeen(f, events, len(fns) == 0)
		told = true
	}
	if len(fns) == 0 {
		if !told || f.ID != 0 {
			c.takeUnknown(f)
		}
		return
	}
	in, err := c.decode(m)
	if err != nil {
		c.logger.Warn("a message of the server is not valid", "type", m.Type, "error", err)
		if f.ID != 0 {
			c.ack(f.ID, wire.Message{}, status.InvalidArgument.Errorf("the payload of %q is not valid: %v", m.Type, err))
		}
		return
	}
	if f.ID != 0 {
		c.takeRequest(f, fns, in)
		return
	}
	kind, group, position := m.Type, m.Group, m.Position
	c.deliver(func(ctx context.Context) {
		if _, err := c.handle(ctx, fns, in); err != nil {
			c.logger.Warn("a handler failed", "type", kind, "error", err)
		}
		c.advance(group, position)
	})
}

// advance notes that a publication was handled.
func (c *Conn) advance(group string, position wire.Position) {
	if group != "" && position != (wire.Position{}) {
		c.groups.advance(group, position)
	}
}

// takeUnknown takes a message that nobody handles.
func (c *Conn) takeUnknown(f *wire.Frame) {
	m := &f.Message
	if f.ID != 0 {
		c.ack(f.ID, wire.Message{}, status.Unimplemented.Errorf("the client does not handle %q", m.Type))
	}
	kind, group, position := m.Type, m.Group, m.Position
	told := c.options.events.unknown
	if _, events := c.registry.of(m); len(events) > 0 {
		return // seen already
	}
	if told == nil {
		c.logger.Debug("a message has no handler", "type", kind, "group", group)
	}
	if told == nil && position == (wire.Position{}) {
		return
	}
	payload := slices.Clone(m.Payload)
	c.deliver(func(ctx context.Context) {
		if told != nil {
			told(ctx, kind, payload)
		}
		c.advance(group, position)
	})
}

// tellCall hands a message to the call that it belongs to and reports whether that
// wants it.
func (c *Conn) tellCall(f *wire.Frame) (told bool) {
	if f.Re == 0 || f.Message.Entry == nil {
		return false
	}
	p := c.calls.get(f.Re)
	if p == nil {
		return false
	}
	for _, m := range p.options.messages {
		if proto.MessageName(m.example) != f.Message.Entry.Name() {
			continue
		}
		in, err := c.decode(&f.Message)
		if err != nil {
			c.logger.Warn("a message of the server is not valid", "type", f.Message.Type, "error", err)
			return true
		}
		push(c, p.events, event{message: func() { m.fn(in) }}, p.left)
		told = true
	}
	return told
}

func (c *Conn) decode(m *wire.Message) (proto.Message, error) {
	in := m.Entry.Message.New().Interface()
	return in, c.wire.Unmarshal(m.Payload, in)
}

// takeEvent keeps memberships and tells the application of them.
func (c *Conn) takeEvent(f *wire.Frame) {
	told := &c.options.events
	switch in := f.Control.(type) {
	case *protowayv1.Joined:
		c.groups.join(in)
		c.deliver(func(ctx context.Context) {
			c.groups.start(in)
			if told.joined != nil {
				told.joined(ctx, in)
			}
		})
	case *protowayv1.Left:
		c.groups.leave(in.GetGroup())
		if told.left != nil {
			c.deliver(func(ctx context.Context) { told.left(ctx, in) })
		}
	case *protowayv1.Goaway:
		if c.options.link.goaway != nil {
			c.options.link.goaway(in)
		}
		if told.goaway != nil {
			c.deliver(func(ctx context.Context) { told.goaway(ctx, in) })
		}
	}
	c.ackControl(f)
}

// ackControl acks a frame that has nothing to answer.
func (c *Conn) ackControl(f *wire.Frame) {
	if f.ID != 0 {
		c.ack(f.ID, wire.Message{}, nil)
	}
}

// stallTimeout is how long the reader waits for a handler or a caller to take
// what has arrived.
const stallTimeout = 10 * time.Second

// push hands over what has arrived. When nobody takes it for too long, the
// connection ends. gone is closed when nobody wants it any more. Once something
// was dropped because the connection ends, so is all that follows: what is
// handled has no holes.
func push[T any](c *Conn, to chan<- T, item T, gone <-chan struct{}) {
	select {
	case <-c.end.closing:
		return
	default:
	}
	select {
	case to <- item:
		return
	default:
	}
	timer := time.NewTimer(stallTimeout)
	defer timer.Stop()
	select {
	case to <- item:
	case <-gone:
	case <-c.end.closing:
	case <-timer.C:
		c.finish(closed(closeSlow, "the handlers of the client take too long"))
	}
}
