package consumer

import (
	"crypto/sha256"
	"strconv"
	"strings"

	"github.com/protoway/protoway/auth"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// Receive takes one message of the transport. The bytes are valid during the
// call. It never blocks.
func (c *Consumer) Receive(message []byte, text bool) {
	c.lastRead.Store(c.node.wheel.clock.now())
	c.complained = false
	if c.rates != nil {
		c.meterBytes(len(message))
	}
	c.wire.Decode(message, text, c.onFrame)
}

// takeFrame is where every frame of a client comes in.
func (c *Consumer) takeFrame(f *wire.Frame) {
	if c.outbox.over.Load() {
		return // the connection is being closed: nothing could be answered
	}
	if !c.greeted {
		c.takeFirst(f)
		return
	}
	if c.rates != nil && c.meterFrame(f) {
		return
	}
	if f.Err != nil {
		c.refuseMalformed(f)
		return
	}
	switch f.Kind {
	case wire.KindMessage:
		c.takeMessage(f)
	case wire.KindAck:
		c.takeAck(f)
	case wire.KindHeartbeat:
		c.answer(f, nil)
	case wire.KindSettled:
		c.takeSettled(f.Control.(*protowayv1.Settled))
		c.answer(f, nil)
	case wire.KindAuthenticate:
		c.takeAuthenticate(f)
	case wire.KindHello:
		c.answer(f, status.FailedPrecondition.Errorf("hello was said before: reconnect to say it again"))
	case wire.KindUnknown:
		c.answer(f, status.Unimplemented.Errorf("the frame has no kind that this server knows"))
	default:
		c.answer(f, status.InvalidArgument.Errorf("a client does not send %s", f.Kind))
	}
}

// takeFirst takes the first frame, which says hello.
func (c *Consumer) takeFirst(f *wire.Frame) {
	hello, ok := f.Control.(*protowayv1.Hello)
	if !ok || f.Err != nil {
		c.outbox.close(CloseNoHello, "the first frame must be hello")
		return
	}
	c.greeted = true
	c.saidHello.Store(true)
	if hello.GetToken() == "" {
		hello.Token = c.opening.Token
	}
	c.opening.Token = "" // it keeps the headers of the request in memory
	j := newJob(c, f)
	j.barrier = true
	if err := c.enqueue(j, laneRef{}); err != nil {
		j.recycle()
		c.outbox.close(CloseTryLater, err.Text)
	}
}

// takeAuthenticate takes a frame that changes the user. If the server has no room
// for it the connection ends, since what is behind it must not run as the user
// before. A client that has too much in flight is told so, as with any frame.
func (c *Consumer) takeAuthenticate(f *wire.Frame) {
	change := f.Control.(*protowayv1.Authenticate)
	change.Token = boundToken(change.GetToken())
	j := newJob(c, f)
	j.barrier = true
	err := c.enqueue(j, laneRef{})
	if err == nil {
		return
	}
	if j.excess || err.Code == status.FailedPrecondition {
		c.refuseJob(j, err)
	} else {
		c.outbox.close(CloseTryLater, err.Text)
	}
	j.recycle()
}

// boundToken cuts a token that is too long for any verifier, so that it is refused
// without being kept while it waits: it is no payload, which would be counted.
func boundToken(token string) string {
	if len(token) <= auth.MaxTokenBytes {
		return token
	}
	return strings.Clone(token[:auth.MaxTokenBytes+1])
}

// takeMessage finds the route and the lane of a message.
func (c *Consumer) takeMessage(f *wire.Frame) {
	m := &f.Message
	if token := boundToken(f.Token); token != "" && token != c.lastToken {
		c.lastToken = token
		c.takeAuthenticate(&wire.Frame{Kind: wire.KindAuthenticate, Control: &protowayv1.Authenticate{Token: token}})
	}
	c.checkVersion(f.APIVersion)
	binding, err := c.route(m)
	if err != nil {
		c.refuse(fromOf(f), kindOf(m), err)
		return
	}
	if !binding.Keyed {
		m.Key = ""
	}
	j := newJob(c, f)
	j.binding = binding
	j.barrier = binding.Identity
	c.take(j, c.laneOf(f, binding))
}

// checkVersion tells a client, once, that it is too old. It is served all the same.
func (c *Consumer) checkVersion(version int32) {
	if c.outdated || version == 0 || version >= c.node.minAPIVersion {
		return
	}
	c.outdated = true
	value, e, err := c.node.outgoing(&protowayv1.UpgradeApiVersion{Latest: c.node.minAPIVersion})
	if err != nil {
		c.log().Error("a client cannot be told that it is too old", "error", err)
		return
	}
	_ = c.send(&wire.Frame{Kind: wire.KindMessage, Message: wire.Message{Type: e.Type, Entry: e, Value: value}})
}

// take enqueues a frame or acks why it cannot be.
func (c *Consumer) take(j *job, ref laneRef) {
	if err := c.enqueue(j, ref); err != nil {
		c.refuseJob(j, err)
		j.recycle()
	}
}

// refuseJob acks a frame that was not queued, or not run.
func (c *Consumer) refuseJob(j *job, err *status.Error) {
	if j.limit != "" {
		c.node.observer.Limited(j.limit)
	}
	c.refuse(j.from, j.name(), err)
}

// route finds who handles a message.
func (c *Consumer) route(m *wire.Message) (*Binding, *status.Error) {
	if c.node.draining.Load() {
		return nil, status.Unavailable.Errorf("the server is shutting down: reconnect")
	}
	if m.Entry == nil {
		return nil, status.Unimplemented.Errorf("unknown type %q", shorten(m.Type))
	}
	binding := c.opening.Path.Router.Binding(m.Entry)
	if binding == nil {
		return nil, status.Unimplemented.Errorf("no receiver of this path handles %q", m.Type)
	}
	if binding.MaxBytes > 0 && len(m.Payload) > binding.MaxBytes {
		return nil, status.TooLarge("the payload of %q has %d bytes, at most %d are allowed",
			m.Type, len(m.Payload), binding.MaxBytes)
	}
	if len(m.Key) > wire.MaxKeyBytes {
		return nil, status.InvalidArgument.Errorf("the key has %d bytes, at most %d are allowed", len(m.Key), wire.MaxKeyBytes)
	}
	return binding, nil
}

// laneOf returns the lane that orders a message.
func (c *Consumer) laneOf(f *wire.Frame, binding *Binding) laneRef {
	switch {
	case binding.Identity || binding.PerConnection:
		return laneRef{}
	case c.isAsked(f.Re):
		// A call made while answering a request must not wait behind the frame
		// whose handler waits for the answer.
		c.scratch = strconv.AppendUint(c.scratch[:0], f.Re, 10)
		return laneRef{reLane, c.scratch}
	case !f.Message.Entry.HasLane():
		return laneRef{}
	default:
		c.scratch = c.wire.LaneValue(c.scratch[:0], f.Message.Entry, f.Message.Payload)
		if len(c.scratch) > maxLaneValue {
			sum := sha256.Sum256(c.scratch)
			c.scratch = append(c.scratch[:0], sum[:]...)
		}
		return laneRef{f.Message.Entry.LaneName(), c.scratch}
	}
}

// maxLaneValue is the longest value that names a lane; longer ones are hashed.
const maxLaneValue = 64

// shorten cuts what a stranger made up before it is said back.
func shorten(s string) string {
	const most = 100
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// answer acks a frame that needs no turn.
func (c *Consumer) answer(f *wire.Frame, err *status.Error) {
	if err != nil {
		c.refuse(fromOf(f), f.Kind.String(), err)
		return
	}
	c.node.observer.Acked(f.Kind.String(), status.OK)
	if f.ID != 0 {
		c.sendAck(fromOf(f), nil, wire.Message{}, false)
	}
}

// answerJob acks a frame that is no message and had its turn.
func (c *Consumer) answerJob(j *job, err *status.Error) {
	c.freeSlot(&j.slot)
	c.answer(&wire.Frame{ID: j.from.id, Tag: j.from.tag, Kind: j.kind}, err)
}

// refuse acks a frame with an error.
func (c *Consumer) refuse(to from, kind string, err *status.Error) {
	c.node.observer.Acked(kind, err.Code)
	if to.id != 0 {
		c.sendAck(to, err, wire.Message{}, false)
	}
}

// refuseMalformed acks a frame that could not be decoded. If not even its id
// could be read, the ack names no frame, so that a developer sees it; one of
// these for each message of the transport is enough.
func (c *Consumer) refuseMalformed(f *wire.Frame) {
	c.node.observer.Acked(malformed, f.Err.Code)
	if f.ID == 0 {
		if c.complained {
			return
		}
		c.complained = true
	}
	c.sendAck(fromOf(f), f.Err, wire.Message{}, false)
}

// malformed is what metrics call a frame that could not be decoded.
const malformed = "malformed"

// kindOf is what metrics call a message; names made up by strangers stay out.
func kindOf(m *wire.Message) string {
	if m.Entry == nil {
		return "unknown"
	}
	return m.Entry.Type
}
