package consumer

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

	waiting   int  // frames that belong to it, held ones included
	scheduled bool // a worker has it or will
	refused   refusals
}

// laneTurn is how many frames a lane runs before others have their turn.
const laneTurn = 16

// run runs the frames of the lane.
func (l *lane) run(w *worker) (more bool) {
	var j *job
	for range laneTurn {
		if j = l.c.nextJob(l, j); j == nil {
			return false
		}
		l.c.runJob(j, w)
	}
	l.c.endJob(j)
	return true
}

// nextJob ends the turn of the job before, if there is one, and takes the first
// frame of a lane; nil ends the lane's turn.
func (c *Consumer) nextJob(l *lane, before *job) *job {
	var after afterJob
	c.mu.Lock()
	if before != nil {
		after = c.endJobLocked(before)
	}
	j := l.head
	if j == nil {
		l.scheduled = false
		c.forgetLane(l)
	} else {
		l.head, j.next = j.next, nil
		j.skip = c.skips(j)
		j.more = l.head != nil
	}
	c.mu.Unlock()
	if before != nil {
		c.afterJob(before, after)
	}
	return j
}

// forgetLane drops a lane that nothing needs. The caller holds mu.
func (c *Consumer) forgetLane(l *lane) {
	if l.waiting == 0 && !l.scheduled && len(l.refused) == 0 && l.key != (laneKey{}) {
		delete(c.lanes, l.key)
	}
}
