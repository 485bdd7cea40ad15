package consumer

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// asking is the requests of the server to the client. It is guarded by the
// consumer's mu.
type asking struct {
	requests map[uint64]*pending
	lastID   uint64
}

// pending is a request of the server that the client has not acked.
type pending struct {
	reply *wire.Entry   // nil if none is expected
	out   proto.Message // where the answer goes; the reader writes it before done
	err   *status.Error
	done  chan struct{}
}

// Request asks the client and waits for its answer, which is stored in out; out
// is nil if the message has no reply. m is a proto.Message of server origin or
// has a method Message that returns one. It takes no longer than ctx allows, the
// message's timeout, or by default Limits.HandlerTimeout.
//
// Errors: what the client answered, Canceled when the connection ends,
// DeadlineExceeded.
func (h *Handle) Request(ctx context.Context, m any, out proto.Message) error {
	if !h.c.opening.Dialect.Handshake() {
		return status.Unimplemented.Errorf("clients of %s cannot be asked", h.c.opening.Dialect.Name())
	}
	value, e, err := h.c.node.outgoing(m)
	if err != nil {
		return err
	}
	if err := checkReply(e, out); err != nil {
		return err
	}
	timeout := h.c.node.limits.HandlerTimeout
	if stated := e.Rules.GetTimeout(); stated != nil {
		timeout = stated.AsDuration()
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	p := &pending{reply: e.Reply, out: out, done: make(chan struct{})}
	id, err := h.c.addRequest(p)
	if err != nil {
		return err
	}
	f := wire.Frame{ID: id, Re: h.from.id, Kind: wire.KindMessage, Message: wire.Message{Type: e.Type, Entry: e, Value: value}}
	if err := h.c.send(&f); err != nil {
		h.c.takeRequest(id)
		return err
	}
	return h.c.await(ctx, id, p)
}

// checkReply says whether out is what the message is answered with.
func checkReply(e *wire.Entry, out proto.Message) error {
	switch {
	case e.Reply == nil && out == nil:
		return nil
	case e.Reply == nil:
		return status.Internal.Errorf("message %s has no reply in its schema: pass nil", e.Name())
	case out == nil || !out.ProtoReflect().IsValid() || out.ProtoReflect().Descriptor().FullName() != e.Reply.Name():
		return status.Internal.Errorf("message %s is answered with %s: pass a pointer to one", e.Name(), e.Reply.Name())
	}
	return nil
}

func (c *Consumer) addRequest(p *pending) (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, status.Canceled.Errorf("the connection is closed")
	}
	if !c.welcomed {
		return 0, status.FailedPrecondition.Errorf("the client cannot be asked in Connected and Rejoin: it has not been welcomed yet")
	}
	if len(c.requests) >= c.node.limits.MaxInFlight {
		return 0, overload("%d requests to the client are in flight, which is the limit", len(c.requests))
	}
	if c.requests == nil {
		c.requests = map[uint64]*pending{}
	}
	c.lastID++
	c.requests[c.lastID] = p
	return c.lastID, nil
}

// takeRequest removes a request; whoever gets it ends it.
func (c *Consumer) takeRequest(id uint64) *pending {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.requests[id]
	delete(c.requests, id)
	return p
}

// isAsked is asked for who does not hold mu.
func (c *Consumer) isAsked(re uint64) bool {
	if re == 0 {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked(re)
}

// asked reports whether re names a request that waits. The caller holds mu.
func (c *Consumer) asked(re uint64) bool { return re != 0 && c.requests[re] != nil }

// await returns how a request ended.
func (c *Consumer) await(ctx context.Context, id uint64, p *pending) error {
	select {
	case <-p.done:
	case <-ctx.Done():
		if c.takeRequest(id) != nil {
			return status.From(ctx.Err())
		}
		<-p.done // the reader has it and is writing the answer
	}
	if p.err != nil {
		return p.err
	}
	return nil
}

// takeAck ends the request that an ack names. One that names none is ignored:
// its request may have timed out.
func (c *Consumer) takeAck(f *wire.Frame) {
	p := c.takeRequest(f.Re)
	if p == nil {
		return
	}
	p.err = f.Ack.Error
	if p.err == nil && p.reply != nil {
		p.err = c.readReply(f, p)
	}
	close(p.done)
}

func (c *Consumer) readReply(f *wire.Frame, p *pending) *status.Error {
	reply := &f.Ack.Reply
	if reply.Type != p.reply.Type {
		return status.InvalidArgument.Errorf("the client answered with %q instead of %q", reply.Type, p.reply.Type)
	}
	if err := c.wire.Unmarshal(reply.Payload, p.out); err != nil {
		return status.InvalidArgument.Errorf("the client's answer is not valid: %v", err)
	}
	return nil
}

// failRequests ends all requests of a connection that has ended. The caller
// holds mu.
func (c *Consumer) failRequests() {
	for id, p := range c.requests {
		delete(c.requests, id)
		p.err = status.Canceled.Errorf("the connection ended")
		close(p.done)
	}
}

// cancelCalls cancels what runs for a connection that has ended, frames with a
// key excepted. The caller holds mu.
func (c *Consumer) cancelCalls() {
	for k := c.calls; k != nil; k = k.next {
		if !k.keyed {
			k.end(context.Canceled)
		}
	}
}
