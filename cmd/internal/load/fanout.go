package load

import "time"

// published bounds how many publications are remembered, that is in flight.
const published = maxInFlight

// fanout is a group in which the first member publishes, and everybody, that
// member too, hears it. A connection hears a group in order, so the nth that a
// member hears is the nth that was published.
type fanout struct {
	e       *engine
	from    *conn
	members int
	pace    pace
	flying  int // publications that not all members have heard
	next    uint64
	began   [published]int64 // by number, modulo its length
	missing [published]int   // how many members have not heard it yet
	started bool
	stopped bool
}

func newFanout(e *engine) scenario {
	e.result.Unit = "deliveries"
	e.result.Payload = len(e.config.Script.Messages[Publish].Body)
	return &fanout{e: e, pace: newPace(e.config.Rate / float64(e.config.Connections))}
}

func (f *fanout) start() {
	for _, c := range f.e.conns {
		if c == nil || c.failed != nil {
			continue
		}
		c.received = 0
		f.members++
		if f.from == nil {
			f.from = c
		}
	}
	f.started = true
	f.pace.start(f.e.clock())
	for range f.e.config.InFlight {
		if f.pace.every == 0 {
			f.publish(f.e.clock())
		}
	}
}

// publish publishes what was due at a time.
func (f *fanout) publish(due int64) {
	if f.from == nil || f.from.failed != nil {
		return
	}
	slot := f.next % published
	f.began[slot], f.missing[slot] = due, f.members
	f.next++
	f.flying++
	f.e.result.Begun += uint64(f.members) //nolint:gosec // it is not negative
	f.from.say(Publish, f.next, &f.e.scratch)
	f.e.driver.dirty(f.from)
}

func (f *fanout) step(now int64) time.Duration {
	if f.stopped {
		return never
	}
	for f.flying < published {
		due, ok := f.pace.take(now)
		if !ok {
			return f.pace.wait(now)
		}
		f.publish(due)
	}
	return longestWait // a delivery makes room, and calls again
}

func (f *fanout) delivered(c *conn) {
	if !f.started {
		return
	}
	if c.received >= f.next {
		f.e.count("a delivery of nothing that was published", 1)
		return
	}
	slot := c.received % published
	c.received++
	f.e.done(f.began[slot], c.now)
	f.heard(slot)
}

// heard notes that a member heard a publication.
func (f *fanout) heard(slot uint64) {
	if f.missing[slot]--; f.missing[slot] > 0 {
		return
	}
	f.flying--
	if !f.stopped && f.pace.every == 0 {
		f.publish(f.e.clock())
	}
}

func (f *fanout) acked(_ *conn, _ uint64, code string) {
	if code != "" {
		f.e.count("refused: "+code, 1)
	}
}

func (f *fanout) stop()         { f.stopped = true }
func (f *fanout) settled() bool { return f.flying == 0 }

// lost takes a member out of what the others wait for.
func (f *fanout) lost(c *conn) {
	if !f.started {
		return
	}
	f.members--
	last := f.next
	if n := last - c.received; n > 0 {
		f.e.count("lost with their connection", n)
	}
	for i := c.received; i < last; i++ {
		f.heard(i % published)
	}
}
