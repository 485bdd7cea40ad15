package client

import (
	"sync/atomic"
	"time"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire"
)

// alive is when a connection was last heard and last written to, in nanoseconds
// since 1970.
type alive struct {
	lastRead, lastWrite atomic.Int64
}

// deadAfter is how many heartbeats may be missing.
const deadAfter = 3

// keepAlive shows the server that this side is alive, and ends a connection on
// which nothing is heard any more. every is the interval that the server states.
func (c *Conn) keepAlive(every time.Duration) {
	timer := time.NewTimer(every)
	defer timer.Stop()
	for {
		select {
		case <-c.end.closing:
			return
		case now := <-timer.C:
			timer.Reset(c.beat(now, every))
		}
	}
}

// beat does what is due and returns when to look again.
func (c *Conn) beat(now time.Time, every time.Duration) time.Duration {
	unheard := now.Sub(time.Unix(0, c.alive.lastRead.Load()))
	if unheard >= deadAfter*every {
		c.finish(closed(closeIdle, "nothing was heard from the server for too long"))
		return every
	}
	silent := now.Sub(time.Unix(0, c.alive.lastWrite.Load()))
	if silent >= every {
		c.sendHeartbeat()
		silent = 0
	}
	return min(every-silent, deadAfter*every-unheard)
}

func (c *Conn) sendHeartbeat() {
	f := control(wire.KindHeartbeat, &protowayv1.Heartbeat{})
	encoded, err := c.encode(&f)
	if err != nil {
		c.logger.Error("a heartbeat cannot be encoded", "error", err)
		return
	}
	select {
	case c.out <- outFrame{encoded: encoded}:
	default: // the writer has enough to say
	}
}
