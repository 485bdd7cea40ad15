package consumer

import (
	"time"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// rates bounds how much a connection sends. A connection has one only if there is
// such a limit, and its reader is alone with it.
type rates struct {
	frames, bytes meter
	now           time.Duration // when the message that is being read came
	late          *status.Error // why none of its frames is taken
}

// meter is what a connection sends of one kind.
type meter struct {
	allowed bucket // what was taken
	sent    bucket // that, and what was refused
}

// take counts n, says after how long it would be allowed, and whether the client
// has gone on for too long.
func (m *meter) take(r *rate, now time.Duration, n int) (wait time.Duration, tooFar bool) {
	if !r.on() {
		return 0, false
	}
	return m.allowed.take(r, now, n), m.sent.force(r, now, n)
}

// newRates returns nil if there is no limit.
func newRates(n *Node) *rates {
	if !n.frameRate.on() && !n.byteRate.on() {
		return nil
	}
	return &rates{}
}

// meterBytes counts a message of the transport before it is decoded.
func (c *Consumer) meterBytes(bytes int) {
	r := c.rates
	r.now, r.late = c.node.sinceStart(), nil
	wait, tooFar := r.bytes.take(&c.node.byteRate, r.now, bytes)
	if wait == 0 || !c.greeted || c.outbox.over.Load() {
		return
	}
	r.late = tooFast("bytes", c.node.byteRate.count, wait)
	c.limited(limitBytes, tooFar)
}

// meterFrame counts a frame, and reports whether it was refused. The acks of a
// client are counted and taken: whoever asked waits for them.
func (c *Consumer) meterFrame(f *wire.Frame) (refused bool) {
	r := c.rates
	late := r.late
	if late == nil {
		wait, tooFar := r.frames.take(&c.node.frameRate, r.now, 1)
		if wait == 0 {
			return false
		}
		late = tooFast("frames", c.node.frameRate.count, wait)
		c.limited(limitFrames, tooFar)
	}
	switch {
	case f.Err != nil:
		c.refuse(fromOf(f), malformed, late)
	case f.Kind == wire.KindAck:
		return false
	case f.Kind == wire.KindMessage:
		c.refuseMessage(f, late)
	default:
		c.refuse(fromOf(f), f.Kind.String(), late)
	}
	return true
}

func tooFast(what string, most int, wait time.Duration) *status.Error {
	return status.ResourceExhausted.Errorf("the connection sends more than %d %s a second, which is the limit", most, what).After(wait)
}

// limited notes that a connection sends too fast, and ends one that goes on.
func (c *Consumer) limited(limit string, tooFar bool) {
	c.node.observer.Limited(limit)
	if tooFar {
		c.outbox.close(CloseTooFast, "the client goes on sending faster than it may")
	}
}

// refuseMessage refuses a message that came too fast. One with a key keeps its
// place in its lane.
func (c *Consumer) refuseMessage(f *wire.Frame, late *status.Error) {
	binding, failure := c.route(&f.Message)
	if failure != nil || !binding.Keyed || f.Message.Key == "" {
		c.refuse(fromOf(f), kindOf(&f.Message), late)
		return
	}
	lane := c.laneOf(f, binding)
	f.Message.Payload = nil // nobody will read it
	j := newJob(c, f)
	j.binding, j.late = binding, late
	c.take(j, lane)
}
