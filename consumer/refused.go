package consumer

import "github.com/protoway/protoway/status"

// refusals are the keyed frames of a lane that were refused for load and have not
// run since, in their order. All but the last one have come back and wait for
// their turn, so there are no more of them than frames in flight.
type refusals []refused

// refused is a frame that was refused for load.
type refused struct {
	key      string
	number   uint64 // of its arrival
	returned bool   // it has come back and waits for its turn
}

// find returns where the refusal of a key stands; -1 if there is none.
func (r refusals) find(key string) int {
	for i := range r {
		if r[i].key == key {
			return i
		}
	}
	return -1
}

// admit keeps the order of keyed frames: once one was refused for load, those
// behind it are refused until it comes again. The caller holds mu.
func (l *lane) admit(j *job) *status.Error {
	if j.key == "" || len(l.refused) == 0 {
		return nil
	}
	last := &l.refused[len(l.refused)-1]
	switch {
	case last.returned || j.number < last.number:
		return nil
	case last.key == j.key:
		last.returned = true
		return nil
	default:
		return outOfOrder(last.key)
	}
}

func outOfOrder(key string) *status.Error {
	return overload("an earlier frame of this lane, key %q, was refused: send it again first", key)
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
	l := j.lane
	if i := l.refused.find(j.key); i >= 0 {
		l.refused = l.refused[i+1:]
		return nil
	}
	if len(l.refused) == 0 || j.number < l.refused[0].number {
		return nil
	}
	return outOfOrder(l.refused[0].key)
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
	l := j.lane
	if i := l.refused.find(j.key); j.key != "" && i >= 0 {
		l.refused = l.refused[:i] // those behind it come behind it again
	}
	if n := len(l.refused); j.key != "" && (n == 0 || l.refused[n-1].returned) {
		l.refused = append(l.refused, refused{key: j.key, number: j.number})
	}
	if len(c.lanes) > 2*c.node.limits.MaxInFlight {
		c.outbox.close(CloseSlow, "too many frames were refused: reconnect and send them in their order")
	}
}
