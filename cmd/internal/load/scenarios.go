package load

import "time"

// idle is connections that do nothing.
type idle struct{}

func newIdle(*engine) scenario { return idle{} }

func (idle) start()                      {}
func (idle) step(int64) time.Duration    { return never }
func (idle) stop()                       {}
func (idle) settled() bool               { return true }
func (idle) lost(*conn)                  {}
func (idle) acked(*conn, uint64, string) {}
func (idle) delivered(*conn)             {}

// pace says when the next operation is due.
type pace struct {
	every float64 // nanoseconds; 0: there is no rate
	next  float64
}

func newPace(perSecond float64) pace {
	if perSecond <= 0 {
		return pace{}
	}
	return pace{every: 1e9 / perSecond}
}

// start makes the first operation due.
func (p *pace) start(now int64) { p.next = float64(now) }

// take reports whether an operation is due, and since when.
func (p *pace) take(now int64) (due int64, ok bool) {
	if p.every == 0 || float64(now) < p.next {
		return 0, false
	}
	due = int64(p.next)
	p.next += p.every
	return due, true
}

// back takes back what take has taken: there was no room for it.
func (p *pace) back() { p.next -= p.every }

// wait returns how long nothing is due.
func (p *pace) wait(now int64) time.Duration {
	if p.every == 0 {
		return never
	}
	return time.Duration(max(p.next-float64(now), 0))
}

// requests is connections that each send a request when one is answered, or
// together at a rate.
type requests struct {
	e       *engine
	pace    pace
	turn    int // whose turn it is at a rate
	flying  int
	stopped bool
}

func newRequests(e *engine) scenario {
	e.result.Unit = "requests"
	e.result.Payload = len(e.config.Script.Messages[Request].Body)
	return &requests{e: e, pace: newPace(e.config.Rate)}
}

func (r *requests) start() {
	r.pace.start(r.e.clock())
	for _, c := range r.e.conns {
		for range r.e.config.InFlight {
			if c != nil && c.failed == nil && r.pace.every == 0 {
				r.send(c, r.e.clock())
				r.e.driver.dirty(c)
			}
		}
	}
}

// send sends a request that was due at a time; it reports false if the
// connection has no room for it.
func (r *requests) send(c *conn, due int64) bool {
	if c == nil || c.failed != nil {
		return false
	}
	id := c.begin(due)
	if id == 0 {
		return false
	}
	c.say(Request, id, &r.e.scratch)
	r.flying++
	r.e.result.Begun++
	return true
}

func (r *requests) step(now int64) time.Duration {
	for !r.stopped {
		due, ok := r.pace.take(now)
		if !ok {
			break
		}
		if !r.sendSomewhere(due) {
			r.pace.back()
			return longestWait // an ack makes room, and calls again
		}
	}
	if r.stopped {
		return never
	}
	return r.pace.wait(now)
}

// sendSomewhere sends a request over the next connection that has room.
func (r *requests) sendSomewhere(due int64) bool {
	conns := r.e.conns
	for range conns {
		c := conns[r.turn]
		r.turn = (r.turn + 1) % len(conns)
		if r.send(c, due) {
			r.e.driver.dirty(c)
			return true
		}
	}
	return false
}

func (r *requests) acked(c *conn, id uint64, code string) {
	began := c.end(id)
	if began == 0 {
		r.e.count("an ack of nothing that waits: "+code, 1)
		return
	}
	r.flying--
	if code == "" {
		r.e.done(began, c.now)
	} else {
		r.e.count("refused: "+code, 1)
	}
	if !r.stopped && r.pace.every == 0 {
		r.send(c, c.now)
	}
}

func (r *requests) delivered(*conn) {}

func (r *requests) stop()         { r.stopped = true }
func (r *requests) settled() bool { return r.flying == 0 }

func (r *requests) lost(c *conn) {
	var n uint64
	for _, begun := range c.slots {
		if begun != 0 {
			n++
		}
	}
	r.flying -= int(n)
	if n > 0 {
		r.e.count("lost with their connection", n)
	}
}
