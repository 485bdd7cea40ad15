package consumer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// newCall makes the call of a frame that is about to run, or of no frame.
func (c *Consumer) newCall(j *job) *call {
	k := &call{}
	k.c, k.call, k.who = c, k, c.identity.Load()
	if j != nil {
		k.from, k.binding, k.keyed, k.lane, k.more = j.from, j.binding, j.key != "", j.lane, j.more
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if j != nil {
		k.slot, j.slot = j.slot, slot{}
		if c.closed && !k.keyed {
			k.end(context.Canceled) // it began too late to be canceled with the others
		}
	}
	if k.next = c.calls; k.next != nil {
		k.next.prev = k
	}
	c.calls = k
	return k
}

// expire acks a call whose time is over. Its lane and worker stay taken until
// the handlers return.
func (k *call) expire() {
	k.c.node.observer.Limited(limitHandler)
	k.ack(nil, status.DeadlineExceeded.Errorf("%q took longer than allowed", k.Type()))
	k.end(context.DeadlineExceeded)
	if k.c.node.dedupe.forgetWaiter(k) {
		k.leave()
	}
}

// finish ends a call: it acks the frame unless that was done, settles its key
// and closes its context.
func (k *call) finish(reply proto.Message, err error) {
	k.halt()
	reply, err = k.outcome(reply, err)
	failure := status.From(err)
	if failure != nil && failure.Code == status.Internal {
		k.c.logFailure(k.Type(), err)
	}
	failure = k.c.node.unmask(failure)
	k.settle(reply, failure)
	k.ack(reply, failure)
	k.leave()
}

// outcome returns how a frame ended, as its dialect tells it.
func (k *call) outcome(reply proto.Message, err error) (proto.Message, error) {
	if err == nil {
		return k.checkReply(reply)
	}
	if refused, ok := errors.AsType[*refusal](err); ok && !k.c.opening.Dialect.Handshake() {
		return refused.message, nil
	}
	return nil, err
}

// checkReply says whether a reply is what the message is answered with.
func (k *call) checkReply(reply proto.Message) (proto.Message, error) {
	var want *wire.Entry
	if k.binding != nil {
		want = k.binding.Entry.Reply
	}
	switch {
	case want == nil:
		return reply, nil
	case reply == nil:
		return nil, k.noReply()
	}
	switch m := reply.ProtoReflect(); {
	case !m.IsValid():
		return nil, k.noReply()
	case m.Descriptor() != want.Message.Descriptor() && m.Descriptor().FullName() != want.Name():
		return nil, status.Mask(fmt.Errorf("the receiver of %s answered with %s instead of %s",
			k.binding.Entry.Name(), proto.MessageName(reply), want.Name()))
	}
	return reply, nil
}

func (k *call) noReply() error {
	return status.Mask(fmt.Errorf("the receiver of %s returned neither a reply nor an error", k.binding.Entry.Name()))
}

// leave takes a call that has ended off its connection.
func (k *call) leave() {
	k.end(context.Canceled)
	c := k.c
	c.mu.Lock()
	switch {
	case k.prev != nil:
		k.prev.next = k.next
	case c.calls == k:
		c.calls = k.next
	}
	if k.next != nil {
		k.next.prev = k.prev
	}
	k.prev, k.next = nil, nil
	last := c.lastOne()
	c.mu.Unlock()
	if last {
		c.node.goodbye(c)
	}
}

// ack acks the frame, once.
func (h *Handle) ack(reply proto.Message, err *status.Error) {
	var answer wire.Message
	if err == nil && reply != nil {
		e, unknown := h.entryOf(reply)
		if unknown == nil {
			answer = wire.Message{Type: e.Type, Entry: e, Value: reply}
		} else {
			err = status.From(unknown)
		}
	}
	h.ackEncoded(answer, err)
}

// entryOf finds what is known of a reply, which mostly is what the schema says that
// the message is answered with.
func (h *Handle) entryOf(reply proto.Message) (*wire.Entry, error) {
	if h.binding != nil {
		if want := h.binding.Entry.Reply; want != nil && reply.ProtoReflect().Descriptor() == want.Message.Descriptor() {
			return want, nil
		}
	}
	return h.c.node.catalog.Of(reply)
}

// ackEncoded is ack for a reply that is on its way already.
func (h *Handle) ackEncoded(answer wire.Message, err *status.Error) {
	if h.binding == nil || !h.acked.CompareAndSwap(false, true) {
		return
	}
	code := status.OK
	if err != nil {
		code = err.Code
	}
	h.c.node.observer.Acked(h.Type(), code)
	h.c.freeSlot(&h.slot)
	if h.progressed.Load() && !h.c.opening.Dialect.Handshake() {
		h.endProgress(err)
	}
	switch {
	case h.from.id != 0:
		h.c.sendAck(h.from, err, answer, h.more)
	case answer.Type != "" && !h.c.opening.Dialect.Handshake():
		_ = h.c.send(&wire.Frame{Tag: h.from.tag, Kind: wire.KindMessage, Message: answer})
	}
}

// endProgress tells that what was told by Progress has ended.
func (h *Handle) endProgress(err *status.Error) {
	progress := &protowayv1.Progress{}
	if err == nil {
		progress.Value = 1
	}
	_ = h.c.send(&wire.Frame{
		Re: h.from.id, Tag: h.from.tag, Kind: wire.KindProgress, Control: progress, Done: true, Ack: wire.Ack{Error: err},
	})
}

// sendAck queues an ack; soon says that others may come behind it. A reply or
// details that cannot be encoded become an Internal error: there is an ack in any
// case.
func (c *Consumer) sendAck(to from, err *status.Error, reply wire.Message, soon bool) {
	e := encoders.Get().(*encoder)
	defer e.recycle()
	e.frame.Re, e.frame.Tag, e.frame.Kind = to.id, to.tag, wire.KindAck // the rest is empty
	e.frame.Ack.Error, e.frame.Ack.Reply = err, reply
	if reply.Type != "" && !c.opening.Dialect.Handshake() {
		err = status.From(c.send(&wire.Frame{Re: to.id, Tag: to.tag, Kind: wire.KindMessage, Message: reply}))
		e.frame.Ack = wire.Ack{Error: err}
	}
	if e.send(c, &e.frame, soon) == nil {
		return
	}
	code := status.Internal
	if err != nil {
		code = err.Code
	}
	e.frame.Ack = wire.Ack{Error: code.Errorf("the answer cannot be encoded")}
	_ = e.send(c, &e.frame, false) // has nothing left that could fail
}

// send encodes a frame and sends it together with what comes soon, such as the
// ack of the frame that it belongs to.
func (c *Consumer) send(f *wire.Frame) error {
	e := encoders.Get().(*encoder)
	defer e.recycle()
	return e.send(c, f, true)
}

// encoder holds a frame while it is encoded. Encoders are used again.
type encoder struct {
	frame  wire.Frame // for frames that are made here: one of a caller escapes to the heap
	buffer []byte     // the frame is behind Headroom bytes
}

var encoders = sync.Pool{New: func() any { return &encoder{buffer: make([]byte, Headroom, firstEncoder)} }}

const (
	// firstEncoder is room for most acks.
	firstEncoder = 256
	// maxSoon is the largest frame that waits for others: a write of its own costs
	// little beside a larger one.
	maxSoon = 16 << 10
)

// send encodes a frame and sends it; soon says that others may come behind it.
func (e *encoder) send(c *Consumer, f *wire.Frame, soon bool) error {
	encoded, err := c.wire.Append(e.buffer[:Headroom], f)
	e.buffer = encoded
	switch {
	case err != nil:
		c.log().Error("a frame cannot be encoded", "kind", f.Kind.String(), "type", f.Message.Type+f.Ack.Reply.Type, "error", err)
		return status.Mask(err)
	case len(encoded) == Headroom:
	case soon && len(encoded) <= maxSoon:
		c.outbox.pushSoon(encoded)
	default:
		c.outbox.push(encoded)
	}
	return nil
}

func (e *encoder) recycle() {
	e.frame = wire.Frame{}
	if cap(e.buffer) <= maxKeptSheaf {
		encoders.Put(e)
	}
}

func validText(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
