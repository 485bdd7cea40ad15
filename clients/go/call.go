package client

import (
	"context"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

var _ Caller = (*Conn)(nil)

// calls are the frames of a connection that are not acked.
type calls struct {
	mu      sync.Mutex // guards what follows
	lastID  uint64
	waiting map[uint64]*pending
	slots   chan struct{} // holds one for each of them; nil before the handshake
}

func newCalls() *calls { return &calls{waiting: map[uint64]*pending{}} }

// open allows as many frames in flight as the server does. Hello is one.
func (cs *calls) open(most uint32) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.slots = make(chan struct{}, max(most, 1))
	cs.slots <- struct{}{}
}

// acquire waits until one more frame may be in flight.
func (cs *calls) acquire(ctx context.Context, closing <-chan struct{}) error {
	cs.mu.Lock()
	slots := cs.slots
	cs.mu.Unlock()
	if slots == nil {
		return status.FailedPrecondition.Errorf("the connection has not been welcomed yet")
	}
	if err := ctx.Err(); err != nil {
		return status.From(err)
	}
	select {
	case slots <- struct{}{}:
		return nil
	case <-closing:
		return nil // sending says what happened
	case <-ctx.Done():
		return status.From(ctx.Err())
	}
}

// add makes an id for a frame.
func (cs *calls) add(p *pending) uint64 {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.lastID++
	cs.waiting[cs.lastID], p.id = p, cs.lastID
	return cs.lastID
}

// get returns the frame with an id; nil if it was acked or never sent.
func (cs *calls) get(id uint64) *pending {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.waiting[id]
}

// several reports whether more than one frame is not acked.
func (cs *calls) several() bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return len(cs.waiting) > 1
}

// release gives back a place in flight that was acquired and is not needed.
func (cs *calls) release() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	select {
	case <-cs.slots:
	default:
	}
}

// take removes a frame that was not sent after all, and gives its place back.
func (cs *calls) take(id uint64) {
	if cs.remove(id) != nil {
		cs.release()
	}
}

// remove removes a frame that is acked; its place in flight is to be released.
func (cs *calls) remove(id uint64) *pending {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	p := cs.waiting[id]
	delete(cs.waiting, id)
	return p
}

// pending is a frame that is not acked. A call that was given up before its frame was
// written ends. After that it stays pending until its ack comes: its id and its place
// in flight are taken on the server.
type pending struct {
	options callOptions
	events  chan event          // what came for it, the ack last
	left    chan struct{}       // closed when nobody waits any more
	id      uint64              // set by calls.add
	acked   func(ack *wire.Ack) // if not nil, the reader gives the ack to it instead; it must not wait
	stage   atomic.Uint32       // of the frame: stageWaiting and so on
}

// event is something that came for a call: one of its fields is set.
type event struct {
	ack      *wire.Ack
	progress *protowayv1.Progress
	message  func()
}

// callEvents is how many events may wait for a call that wants to be told.
const callEvents = 64

func newPending(o callOptions) *pending {
	p := &pending{options: o, left: make(chan struct{})}
	size := 1 // the ack
	if o.told() {
		size = callEvents
	}
	p.events = make(chan event, size)
	return p
}

// Call sends in and waits for its ack; [Caller] says more. When the server
// allows no further frame in flight, it waits for that too.
func (c *Conn) Call(ctx context.Context, in, out proto.Message, opts ...CallOption) error {
	var o callOptions
	for _, opt := range opts {
		opt(&o)
	}
	e, err := c.options.outgoing(in, out)
	if err != nil {
		return err
	}
	if err := o.check(c.options.catalog); err != nil {
		return err
	}
	f := wire.Frame{Kind: wire.KindMessage, Message: wire.Message{Type: e.Type, Entry: e, Value: in, Key: o.key}}
	reply, err := c.ask(ctx, &f, newPending(o))
	if err != nil || out == nil {
		return err
	}
	return readReply(c.wire, e, reply, out)
}

// Send sends in without asking for an ack. No error means that it was queued:
// whether the server gets and handles it is not known.
func (c *Conn) Send(ctx context.Context, in proto.Message) error {
	e, err := c.options.outgoing(in, nil)
	if err != nil {
		return err
	}
	return c.sendMessage(ctx, wire.Message{Type: e.Type, Entry: e, Value: in})
}

func (c *Conn) sendMessage(ctx context.Context, m wire.Message) error {
	if c.welcome.Load() == nil {
		return status.FailedPrecondition.Errorf("the connection has not been welcomed yet")
	}
	f := wire.Frame{Re: c.answering(ctx), Kind: wire.KindMessage, Message: m}
	return c.send(ctx, &f)
}

// outgoing checks a message that is to be sent, and where its reply goes.
func (o *options) outgoing(in, out proto.Message) (*wire.Entry, error) {
	if in == nil || !in.ProtoReflect().IsValid() {
		return nil, status.InvalidArgument.Errorf("the message is nil")
	}
	e, err := o.catalog.Of(in)
	if err != nil {
		return nil, status.InvalidArgument.Errorf("the message cannot be sent: %w", err)
	}
	switch {
	case !e.FromClient():
		return nil, status.InvalidArgument.Errorf("message %s has origin SERVER: a client cannot send it", e.Name())
	case out == nil:
		return e, nil
	case e.Reply == nil:
		return nil, status.InvalidArgument.Errorf("message %s has no reply in its schema: pass nil", e.Name())
	case out.ProtoReflect().Descriptor().FullName() != e.Reply.Name() || !out.ProtoReflect().IsValid():
		return nil, status.InvalidArgument.Errorf("message %s is answered with %s: pass a pointer to one", e.Name(), e.Reply.Name())
	}
	return e, nil
}

// ask sends a frame and waits for its ack.
func (c *Conn) ask(ctx context.Context, f *wire.Frame, p *pending) (wire.Message, error) {
	if err := c.calls.acquire(ctx, c.end.closing); err != nil {
		return wire.Message{}, err
	}
	f.ID, f.Re = c.calls.add(p), c.answering(ctx)
	if err := c.sendCall(ctx, f, p); err != nil {
		c.calls.take(f.ID)
		return wire.Message{}, err
	}
	return c.await(ctx, p)
}

// await returns how a frame was acked. What else comes for it is told here, in
// the goroutine of the caller.
func (c *Conn) await(ctx context.Context, p *pending) (wire.Message, error) {
	for {
		select {
		case e := <-p.events:
			if e.ack != nil {
				return e.ack.Reply, ackError(e.ack)
			}
			p.options.tell(e)
		case <-ctx.Done():
			c.takeBack(p)
			close(p.left)
			return wire.Message{}, status.From(ctx.Err())
		case <-c.end.closing:
			return c.awaitLast(p)
		}
	}
}

// awaitLast returns how a frame was acked before the connection ended.
func (c *Conn) awaitLast(p *pending) (wire.Message, error) {
	for {
		select {
		case e := <-p.events:
			if e.ack != nil {
				return e.ack.Reply, ackError(e.ack)
			}
			p.options.tell(e)
		default:
			close(p.left)
			return wire.Message{}, c.lost()
		}
	}
}

// ackError returns the error of an ack, as an interface that is nil if there is none.
func ackError(ack *wire.Ack) error {
	if ack.Error == nil {
		return nil
	}
	return ack.Error
}

// tell tells the caller what came before the ack.
func (o *callOptions) tell(e event) {
	if e.progress != nil {
		o.progress(e.progress.GetValue(), e.progress.GetInfo())
		return
	}
	e.message()
}

// readReply decodes a reply.
func readReply(session wire.Session, e *wire.Entry, reply wire.Message, out proto.Message) error {
	if reply.Type != e.Reply.Type {
		return status.Internal.Errorf("the server answered %q with %q instead of %q", e.Type, reply.Type, e.Reply.Type)
	}
	if err := session.Unmarshal(reply.Payload, out); err != nil {
		return status.Internal.Errorf("the reply %q is not valid: %w", reply.Type, err)
	}
	return nil
}
