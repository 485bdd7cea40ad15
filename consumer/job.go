package consumer

import (
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// job is a frame that waits for its turn or has it. Jobs are used again: nothing
// may hold one after its turn.
type job struct {
	c       *Consumer
	id, re  uint64
	kind    wire.Kind
	binding *Binding // KindMessage
	key     string
	payload []byte        // a copy of the frame's
	control proto.Message // the other kinds
	inner   func()        // work of the server's own, with no frame

	slot    slot
	lane    *lane
	next    *job // in its lane
	barrier bool // later frames of the connection wait until it has ended
}

var jobs = sync.Pool{New: func() any { return &job{} }}

// maxKeptPayload is the largest payload buffer that is used again.
const maxKeptPayload = 4 << 10

func newJob(c *Consumer, f *wire.Frame) *job {
	j := jobs.Get().(*job)
	j.c, j.id, j.re, j.kind, j.control = c, f.ID, f.Re, f.Kind, f.Control
	if f.Kind == wire.KindMessage {
		j.key = f.Message.Key
		j.payload = append(j.payload[:0], f.Message.Payload...)
	}
	return j
}

func (j *job) recycle() {
	payload := j.payload
	if cap(payload) > maxKeptPayload {
		payload = nil
	}
	*j = job{payload: payload[:0]}
	jobs.Put(j)
}

// name is what metrics call the frame.
func (j *job) name() string {
	if j.binding != nil {
		return j.binding.Entry.Type
	}
	return j.kind.String()
}

// laneKey names a lane of a connection. The zero value is the connection's own.
type laneKey struct{ name, value string }

// laneRef is a laneKey whose value is not a string yet, so that finding a lane
// does not allocate.
type laneRef struct {
	name  string
	value []byte
}

// reLane is the name of the lanes of calls that belong to a request. It cannot
// be a name that a schema states.
const reLane = "\x00re"

// lane finds or makes a lane. The caller holds mu.
func (c *Consumer) lane(ref laneRef) *lane {
	if ref.name == "" {
		return &c.own
	}
	if l := c.lanes[laneKey{ref.name, string(ref.value)}]; l != nil {
		return l
	}
	l := &lane{c: c, key: laneKey{ref.name, string(ref.value)}}
	if c.lanes == nil {
		c.lanes = map[laneKey]*lane{}
	}
	c.lanes[l.key] = l
	return l
}

// lane runs frames one after the other. All fields but key are guarded by the
// consumer's mu.
type lane struct {
	c    *Consumer
	key  laneKey
	head *job
	tail *job

	waiting   int    // frames that belong to it, held ones included
	scheduled bool   // a worker has it or will
	refused   string // key of a frame that was refused for load and has not come back
}

// laneTurn is how many frames a lane runs before others have their turn.
const laneTurn = 16

// run runs the frames of the lane.
func (l *lane) run() (more bool) {
	for range laneTurn {
		j := l.c.nextJob(l)
		if j == nil {
			return false
		}
		l.c.runJob(j)
		l.c.endJob(j)
	}
	return true
}

// nextJob takes the first frame of a lane; nil ends the lane's turn.
func (c *Consumer) nextJob(l *lane) *job {
	c.mu.Lock()
	defer c.mu.Unlock()
	j := l.head
	if j == nil {
		l.scheduled = false
		c.forgetLane(l)
		return nil
	}
	l.head, j.next = j.next, nil
	return j
}

// forgetLane drops a lane that nothing needs. The caller holds mu.
func (c *Consumer) forgetLane(l *lane) {
	if l.waiting == 0 && !l.scheduled && l.refused == "" && l.key != (laneKey{}) {
		delete(c.lanes, l.key)
	}
}

// overload is how a frame is refused when there is no room for it.
func overload(format string, args ...any) *status.Error {
	return status.ResourceExhausted.Errorf(format, args...).After(overloadRetry)
}

// enqueue gives a frame its place, or says why there is none.
func (c *Consumer) enqueue(j *job, ref laneRef) *status.Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lane(ref)
	if err := l.admit(j.key); err != nil {
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
	limits := &c.node.limits
	if c.inFlight >= limits.MaxInFlight {
		return overload("%d frames are in flight, which is the limit: wait for acks", c.inFlight)
	}
	if c.inFlightBytes > 0 && c.inFlightBytes+len(j.payload) > limits.InFlightBytes {
		return overload("%d bytes are in flight, which is about the limit: wait for acks", c.inFlightBytes)
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

// admit keeps the order of keyed frames: once one was refused for load, those
// behind it are refused until it comes again.
func (l *lane) admit(key string) *status.Error {
	if l.refused == "" || key == "" {
		return nil
	}
	if l.refused != key {
		return overload("an earlier frame of this lane, key %q, was refused: send it again first", l.refused)
	}
	l.refused = ""
	return nil
}

// admitAgain is admit for a frame whose turn it is: one before it may have been
// refused meanwhile.
func (c *Consumer) admitAgain(j *job) *status.Error {
	if j.key == "" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return j.lane.admit(j.key)
}

// markRefused has later keyed frames of a lane wait for one that was refused for
// load when its turn had come.
func (c *Consumer) markRefused(j *job) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if j.lane.refused == "" {
		j.lane.refused = j.key
	}
}

// refuseLane takes back what enqueue did. The caller holds mu.
func (c *Consumer) refuseLane(j *job) {
	l := j.lane
	l.waiting--
	c.jobs--
	c.freeSlotLocked(&j.slot)
	if j.key != "" && l.refused == "" {
		l.refused = j.key
	}
	c.forgetLane(l)
	if len(c.lanes) > 2*c.node.limits.MaxInFlight {
		c.outbox.close(CloseSlow, "too many frames were refused: reconnect and send them in their order")
	}
}

// place puts a frame into its lane and has the lane run. The caller holds mu.
func (c *Consumer) place(j *job) *status.Error {
	l := j.lane
	if !l.scheduled {
		// The worker takes mu before it looks for the frame, so it finds it.
		if !c.node.sync.submit(l) {
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
	var refused []*job
	var reasons []*status.Error
	c.mu.Lock()
	c.jobs--
	c.freeSlotLocked(&j.slot)
	j.lane.waiting--
	if c.barrier == j {
		c.barrier = nil
		for c.barrier == nil && c.held.len() > 0 {
			freed := c.held.pop()
			err := freed.lane.admit(freed.key)
			if err == nil {
				err = c.place(freed)
			}
			if err != nil {
				c.refuseLane(freed)
				refused, reasons = append(refused, freed), append(reasons, err)
			}
		}
	}
	last := c.lastOne()
	c.mu.Unlock()
	j.recycle()
	for i, freed := range refused {
		c.refuse(freed.id, freed.name(), reasons[i])
		freed.recycle()
	}
	if last {
		c.node.goodbye(c)
	}
}
