package consumer

import (
	"sync"
	"time"
)

// watchAhead is how long before its end a call gets a timer, if it runs so long.
const watchAhead = 2 * wheelTick

// begin starts the clock of a call. On a worker the node looks after it.
func (k *call) begin(now time.Time, timeout time.Duration, w *worker) {
	if timeout == 0 {
		timeout = k.c.node.limits.HandlerTimeout
	}
	k.deadline = now.Add(timeout) // nobody else has the call yet
	if w == nil || timeout <= watchAhead {
		k.arm(time.Time{})
		return
	}
	w.running.Store(k)
}

// arm starts the timer of a call that ends before a moment, or at any time if that
// is zero, unless its handlers have returned.
func (k *call) arm(before time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.timer != nil || k.halted || !before.IsZero() && k.deadline.After(before) {
		return
	}
	k.timer = timers.Get().(*callTimer)
	k.timer.start(k, time.Until(k.deadline))
}

// halt stops the clock of a call whose handlers have returned. Only who runs the
// call, or has taken it over, does that.
func (k *call) halt() {
	if k.halted {
		return
	}
	k.mu.Lock()
	k.halted = true
	timer := k.timer
	k.timer = nil
	if k.goesOn != nil { // what goes on has no deadline
		k.deadline = time.Time{}
	}
	k.mu.Unlock()
	if timer != nil {
		timer.stop()
	}
}

// callTimer is a timer that is used again, so that a call costs none.
type callTimer struct {
	timer *time.Timer
	mu    sync.Mutex
	call  *call // guarded by mu
}

var timers = sync.Pool{New: func() any { return &callTimer{} }}

func (t *callTimer) start(k *call, after time.Duration) {
	t.mu.Lock()
	t.call = k
	t.mu.Unlock()
	if t.timer == nil {
		t.timer = time.AfterFunc(after, t.fire)
		return
	}
	t.timer.Reset(after)
}

// stop ends the timer. One that is firing is not used again.
func (t *callTimer) stop() {
	stopped := t.timer.Stop()
	t.mu.Lock()
	t.call = nil
	t.mu.Unlock()
	if stopped {
		timers.Put(t)
	}
}

func (t *callTimer) fire() {
	t.mu.Lock()
	k := t.call
	t.mu.Unlock()
	if k != nil {
		k.expire()
	}
}
