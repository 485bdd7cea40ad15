package consumer

import (
	"sync"
	"sync/atomic"
	"time"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire"
)

// wheel looks at every connection when something of it may be due, from one
// goroutine for all of them.
type wheel struct {
	once sync.Once // closes quit
	quit chan struct{}
	gone chan struct{}

	clock clock
	watch func(before time.Time) // called at each tick

	mu    sync.Mutex // guards what follows
	slots [wheelSlots][]spoke
	at    int
}

// spoke is a connection to look at. Every connection has one that comes again;
// others are for a moment that was not known before.
type spoke struct {
	c    *Consumer
	once bool
}

const (
	wheelTick  = 250 * time.Millisecond
	wheelSlots = 256
)

// clock is the time as of the last tick, for what needs no better and is asked
// for often.
type clock struct{ nanos atomic.Int64 }

// now returns nanoseconds since 1970.
func (c *clock) now() int64 { return c.nanos.Load() }

// time returns it as a time.
func (c *clock) time() time.Time { return time.Unix(0, c.now()) }

func startWheel(watch func(before time.Time)) *wheel {
	w := &wheel{quit: make(chan struct{}), gone: make(chan struct{}), watch: watch}
	w.clock.nanos.Store(time.Now().UnixNano())
	go w.turn()
	return w
}

func (w *wheel) stop() {
	w.once.Do(func() { close(w.quit) })
	<-w.gone
}

// nudge has c looked at, once more, just after a moment that comes before the
// next look may; the zero time is none. A later one is found by that look: a spoke
// for it would only keep a connection in memory that has ended meanwhile.
func (w *wheel) nudge(c *Consumer, at time.Time) {
	if after := time.Until(at); !at.IsZero() && after <= c.node.limits.longestLook() {
		w.add(spoke{c, true}, after+wheelTick) // the running tick is not a whole one
	}
}

// longestLook is the longest time between two looks at a connection.
func (l *Limits) longestLook() time.Duration { return max(l.WriteTimeout, l.HandshakeTimeout) }

// add has a connection looked at after a while, rounded up to a tick. Longer
// than a turn of the wheel is a turn.
func (w *wheel) add(s spoke, after time.Duration) {
	ticks := int((after + wheelTick - 1) / wheelTick)
	ticks = min(max(ticks, 1), wheelSlots-1)
	w.mu.Lock()
	defer w.mu.Unlock()
	slot := (w.at + ticks) % wheelSlots
	w.slots[slot] = append(w.slots[slot], s)
}

func (w *wheel) turn() {
	defer close(w.gone)
	ticker := time.NewTicker(wheelTick)
	defer ticker.Stop()
	for {
		select {
		case <-w.quit:
			return
		case now := <-ticker.C:
			w.clock.nanos.Store(now.UnixNano())
			w.watch(now.Add(watchAhead))
			for _, s := range w.due() {
				if again := s.c.look(now); again > 0 && !s.once {
					w.add(s, again)
				}
			}
		}
	}
}

func (w *wheel) due() []spoke {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = (w.at + 1) % wheelSlots
	due := w.slots[w.at]
	w.slots[w.at] = nil
	return due
}

// look does what is due for a connection and returns when to look again; 0 is
// never.
func (c *Consumer) look(now time.Time) time.Duration {
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	if closed {
		return 0
	}
	limits := &c.node.limits
	if c.outbox.stuck(now) > limits.WriteTimeout {
		c.log().Info("a write is stuck", "timeout", limits.WriteTimeout)
		c.node.observer.Limited(limitWrite)
		c.outbox.conn.Abort(CloseSlow)
		return 0
	}
	reading := c.lookAtReading(now)
	if c.outbox.isHeld() {
		return min(c.lookBeforeWelcome(now), reading)
	}
	c.renew(now, limits.TicketLife/2)
	c.announceSoon()
	return min(c.beat(now), c.lookAtUser(now), c.lookAtRights(now), reading)
}

// lookAtReading closes a connection whose client does not complete what it began
// to send.
func (c *Consumer) lookAtReading(now time.Time) time.Duration {
	timeout := c.node.limits.ReadTimeout
	since := c.outbox.conn.Partial()
	if since.IsZero() {
		return timeout // what begins right now may last until then
	}
	left := timeout - now.Sub(since)
	if left <= 0 {
		c.end(CloseStalled, "a message was not completed in time", limitRead)
		return c.node.limits.WriteTimeout
	}
	return left
}

// end closes a connection that has reached a limit. Only the first time counts.
func (c *Consumer) end(code CloseCode, reason, limit string) {
	if !c.outbox.over.Load() {
		c.node.observer.Limited(limit)
	}
	c.outbox.close(code, reason)
}

// lookBeforeWelcome closes a connection that does not say hello in time.
func (c *Consumer) lookBeforeWelcome(now time.Time) time.Duration {
	if c.saidHello.Load() {
		return wheelTick
	}
	left := c.node.limits.HandshakeTimeout - now.Sub(c.began)
	if left > 0 {
		return left
	}
	c.end(CloseHandshake, "no hello in time", limitHandshake)
	return c.node.limits.WriteTimeout
}

// beat shows that this side is alive, and ends the connection if the other side
// is not.
func (c *Consumer) beat(now time.Time) time.Duration {
	if !c.opening.Dialect.Handshake() { // silence is no sign: such clients have no heartbeats
		return c.node.limits.WriteTimeout
	}
	every := c.node.limits.Heartbeat
	silent := now.Sub(time.Unix(0, c.lastRead.Load()))
	if silent >= 3*every {
		c.end(CloseIdle, "nothing was heard for too long", limitSilence)
		return c.node.limits.WriteTimeout
	}
	idle := now.Sub(time.Unix(0, c.outbox.lastWrite.Load()))
	if idle >= every {
		_ = c.send(&wire.Frame{Kind: wire.KindHeartbeat, Control: &protowayv1.Heartbeat{}})
		idle = 0
	}
	return min(min(every-idle, 3*every-silent), c.node.limits.WriteTimeout)
}
