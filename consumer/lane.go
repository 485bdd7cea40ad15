package consumer

import "github.com/protoway/protoway/status"

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
	refused   string // key of a frame that was refused for load and has not run since
	refusedAt uint64 // its number
	returned  bool   // it has come back and waits for its turn
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

// admit keeps the order of keyed frames: once one was refused for load, those
// behind it are refused until it comes again. The caller holds mu.
func (l *lane) admit(j *job) *status.Error {
	switch {
	case j.key == "" || l.refused == "" || l.returned || j.number < l.refusedAt:
		return nil
	case l.refused == j.key:
		l.returned = true
		return nil
	default:
		return l.outOfOrder()
	}
}

func (l *lane) outOfOrder() *status.Error {
	return overload("an earlier frame of this lane, key %q, was refused: send it again first", l.refused)
}

// admitAgain is admit for a frame whose turn it is. One that was admitted before
// an earlier one was refused stands before the retry of that, and is refused too;
// one that came before the refused one runs.
func (c *Consumer) admitAgain(j *job) *status.Error {
	if j.key == "" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case j.lane.refused == "" || j.number < j.lane.refusedAt:
		return nil
	case j.lane.refused == j.key:
		j.lane.refused, j.lane.returned = "", false
		return nil
	default:
		return j.lane.outOfOrder()
	}
}

// markRefused has later keyed frames of a lane wait for one that was refused for
// load when its turn had come.
func (c *Consumer) markRefused(j *job) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refuseBehind(j)
}

// refuseBehind notes that a keyed frame was refused for load. The caller holds mu.
func (c *Consumer) refuseBehind(j *job) {
	if !c.opening.Dialect.Handshake() {
		return // such clients do not know the rule, and many never send a frame again
	}
	if j.key != "" && (j.lane.refused == "" || j.lane.refused == j.key) {
		j.lane.refused, j.lane.refusedAt, j.lane.returned = j.key, j.number, false
	}
	if len(c.lanes) > 2*c.node.limits.MaxInFlight {
		c.outbox.close(CloseSlow, "too many frames were refused: reconnect and send them in their order")
	}
}
