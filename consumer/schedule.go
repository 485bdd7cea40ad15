package consumer

import (
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// schedule is the frames of a connection that wait or run. It is guarded by the
// consumer's mu.
type schedule struct {
	own           lane // the connection's
	lanes         map[laneKey]*lane
	barrier       *job       // later frames wait until it has ended
	held          ring[*job] // these
	arrived       uint64     // frames so far
	jobs          int        // frames that wait or run
	inFlight      int        // frames that are not acked
	inFlightBytes int        // their payloads
}

// overload is how a frame is refused when there is no room for it.
func overload(format string, args ...any) *status.Error {
	return status.ResourceExhausted.Errorf(format, args...).After(overloadRetry)
}

// enqueue gives a frame its place, or says why there is none.
func (c *Consumer) enqueue(j *job, ref laneRef) *status.Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrived++
	j.number = c.arrived
	l := c.lane(ref)
	if err := l.admit(j); err != nil {
		c.forgetLane(l)
		return err
	}
	if j.barrier && c.barrier != nil && c.asked(j.re) {
		return status.FailedPrecondition.Errorf("another frame that may change the user is running")
	}
	j.lane = l
	l.waiting++
	c.jobs++
	err := c.room(j)
	if err == nil && c.barrier != nil && !c.asked(j.re) {
		c.held.push(j)
		return nil
	}
	if err == nil {
		err = c.place(j)
	}
	if err != nil {
		c.refuseLane(j)
	}
	return err
}

// room gives a frame a place among those in flight. The caller holds mu.
func (c *Consumer) room(j *job) *status.Error {
	if j.inner != nil || j.kind == wire.KindHello { // the client sees Welcome before hello has ended
		return nil
	}
	if j.late != nil {
		return j.late
	}
	limits := &c.node.limits
	j.excess = true // unless it finds a place
	if c.inFlight >= limits.MaxInFlight {
		j.limit = limitInFlight
		return overload("%d frames are in flight, which is the limit: wait for acks", c.inFlight)
	}
	if c.inFlightBytes > 0 && c.inFlightBytes+len(j.payload) > limits.InFlightBytes {
		j.limit = limitFlightBytes
		return overload("%d bytes are in flight, which is about the limit: wait for acks", c.inFlightBytes)
	}
	j.excess = false
	// Behind a barrier it is not known whose frame it is.
	if j.unrated = c.barrier != nil && !c.asked(j.re); !j.unrated {
		if err := c.rated(j); err != nil {
			return err
		}
	}
	j.slot = slot{true, len(j.payload)}
	c.inFlight++
	c.inFlightBytes += j.slot.bytes
	return nil
}

// slot is the place of a frame among those in flight.
type slot struct {
	taken bool
	bytes int // of its payload
}

// freeSlot gives a place back. It comes before the ack, so that a client that
// has its ack may send the next frame.
func (c *Consumer) freeSlot(s *slot) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.freeSlotLocked(s)
}

// freeSlotLocked is freeSlot for who holds mu.
func (c *Consumer) freeSlotLocked(s *slot) {
	if s.taken {
		c.inFlight--
		c.inFlightBytes -= s.bytes
		*s = slot{}
	}
}

// refuseLane takes back what enqueue did. The caller holds mu.
func (c *Consumer) refuseLane(j *job) {
	l := j.lane
	l.waiting--
	c.jobs--
	c.freeSlotLocked(&j.slot)
	c.refuseBehind(j)
	c.forgetLane(l)
}

// place puts a frame into its lane and has the lane run. The caller holds mu.
func (c *Consumer) place(j *job) *status.Error {
	l := j.lane
	if !l.scheduled {
		// The worker takes mu before it looks for the frame, so it finds it.
		if !c.node.sync.submit(l) {
			j.limit = limitSyncQueue
			return overload("all workers are busy and their queue is full")
		}
		l.scheduled = true
	}
	if l.head == nil {
		l.head = j
	} else {
		l.tail.next = j
	}
	l.tail = j
	if j.barrier {
		c.barrier = j
	}
	return nil
}

// endJob ends a frame's turn and lets those run that waited for it.
func (c *Consumer) endJob(j *job) {
	c.mu.Lock()
	after := c.endJobLocked(j)
	c.mu.Unlock()
	c.afterJob(j, after)
}

// afterJob is what is left to do when a frame's turn has ended.
type afterJob struct {
	refused []*job // that waited for it, and why
	reasons []*status.Error
	last    bool // the connection has ended, and nothing of it runs
}

// endJobLocked is endJob for who holds mu, and calls afterJob when it does not.
func (c *Consumer) endJobLocked(j *job) (after afterJob) {
	c.jobs--
	c.freeSlotLocked(&j.slot)
	j.lane.waiting--
	if c.barrier == j {
		c.barrier = nil
		for c.barrier == nil && c.held.len() > 0 {
			freed := c.held.pop()
			err := freed.lane.admit(freed)
			if err == nil {
				err = c.place(freed)
			}
			if err != nil {
				c.refuseLane(freed)
				after.refused, after.reasons = append(after.refused, freed), append(after.reasons, err)
			}
		}
	}
	after.last = c.lastOne()
	return after
}

func (c *Consumer) afterJob(j *job, after afterJob) {
	j.recycle()
	for i, freed := range after.refused {
		c.refuseJob(freed, after.reasons[i])
		freed.recycle()
	}
	if after.last {
		c.node.goodbye(c)
	}
}
