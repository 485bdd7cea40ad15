package consumer

import (
	"sync"
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

	mu    sync.Mutex // guards what follows
	slots [wheelSlots][]*Consumer
	at    int
}

const (
	wheelTick  = 250 * time.Millisecond
	wheelSlots = 256
)

func startWheel() *wheel {
	w := &wheel{quit: make(chan struct{}), gone: make(chan struct{})}
	go w.turn()
	return w
}

func (w *wheel) stop() {
	w.once.Do(func() { close(w.quit) })
	<-w.gone
}

// add has c looked at after a while, rounded up to a tick. Longer than a turn of
// the wheel is a turn.
func (w *wheel) add(c *Consumer, after time.Duration) {
	ticks := int((after + wheelTick - 1) / wheelTick)
	ticks = min(max(ticks, 1), wheelSlots-1)
	w.mu.Lock()
	defer w.mu.Unlock()
	slot := (w.at + ticks) % wheelSlots
	w.slots[slot] = append(w.slots[slot], c)
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
			for _, c := range w.due() {
				if again := c.look(now); again > 0 {
					w.add(c, again)
				}
			}
		}
	}
}

func (w *wheel) due() []*Consumer {
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
		c.logger.Info("a write is stuck", "timeout", limits.WriteTimeout)
		c.outbox.conn.Abort(CloseSlow)
		return 0
	}
	if c.outbox.isHeld() {
		return c.lookBeforeWelcome(now)
	}
	next := c.beat(now)
	if expires := c.identity.Load().user.Expires; !expires.IsZero() {
		if left := expires.Sub(now); left > 0 {
			next = min(next, left)
		} else {
			c.expireSoon()
			next = wheelTick
		}
	}
	c.renewOld(now)
	return next
}

// lookBeforeWelcome closes a connection that does not finish its handshake.
func (c *Consumer) lookBeforeWelcome(now time.Time) time.Duration {
	left := c.node.limits.HandshakeTimeout - now.Sub(c.began)
	if left > 0 {
		return left
	}
	c.outbox.close(CloseHandshake, "no hello in time")
	return c.node.limits.WriteTimeout
}

// beat shows that this side is alive, and ends the connection if the other side
// is not.
func (c *Consumer) beat(now time.Time) time.Duration {
	every := c.node.limits.Heartbeat
	silent := now.Sub(time.Unix(0, c.lastRead.Load()))
	if silent >= 3*every {
		c.outbox.close(CloseIdle, "nothing was heard for too long")
		return c.node.limits.WriteTimeout
	}
	idle := now.Sub(time.Unix(0, c.outbox.lastPush.Load()))
	if idle >= every {
		_ = c.send(&wire.Frame{Kind: wire.KindHeartbeat, Control: &protowayv1.Heartbeat{}})
		idle = 0
	}
	return min(min(every-idle, 3*every-silent), c.node.limits.WriteTimeout)
}

// expireSoon has the user signed out in the connection's lane. Without a free
// worker it is tried again at the next look.
func (c *Consumer) expireSoon() {
	c.mu.Lock()
	expiring := c.expiring
	c.expiring = true
	c.mu.Unlock()
	if expiring {
		return
	}
	j := newJob(c, &wire.Frame{})
	j.barrier = true
	j.inner = func() {
		c.expireUser()
		c.mu.Lock()
		c.expiring = false
		c.mu.Unlock()
	}
	if err := c.enqueue(j, laneRef{}); err != nil {
		j.recycle()
		c.mu.Lock()
		c.expiring = false
		c.mu.Unlock()
	}
}
