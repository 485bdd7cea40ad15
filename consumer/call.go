package consumer

import (
	"context"
	"slices"
	"sync"
	"time"
)

// call is a frame that is being handled. It is the context of its handlers: one
// allocation is context and handle together, and a channel or a timer is made
// only for who asks for it.
type call struct {
	Handle

	prev, next *call  // in Consumer.calls, guarded by Consumer.mu
	waitsFor   *claim // guarded by dedupe.mu: whose end acks this call

	mu       sync.Mutex // guards what follows
	deadline time.Time  // zero: none
	timer    *callTimer // nil: none is needed yet
	halted   bool       // its handlers have returned, and it has no time limit
	done     chan struct{}
	err      error
	after    []*afterFunc
}

// afterFunc runs when a call ends; the address is its identity.
type afterFunc struct{ run func() }

var _ context.Context = (*call)(nil)

// closedChan is the Done of calls that ended before anybody asked.
var closedChan = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// Deadline returns when the call times out.
func (k *call) Deadline() (time.Time, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.deadline, !k.deadline.IsZero()
}

// Done is closed when the call has timed out, was canceled or has ended.
func (k *call) Done() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.done == nil {
		if k.err != nil {
			k.done = closedChan
		} else {
			k.done = make(chan struct{})
		}
	}
	return k.done
}

// Err says why Done is closed.
func (k *call) Err() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.err
}

// Value returns the handle for its key.
func (k *call) Value(key any) any {
	if key == (handleKey{}) {
		return &k.Handle
	}
	return nil
}

// AfterFunc registers f to run in its own goroutine when the call ends. The
// context package asks for it, instead of starting a goroutine for each derived
// context.
func (k *call) AfterFunc(f func()) func() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		go f()
		return func() bool { return false }
	}
	entry := &afterFunc{f}
	k.after = append(k.after, entry)
	return func() bool { return k.unregister(entry) }
}

func (k *call) unregister(entry *afterFunc) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := slices.Index(k.after, entry)
	if i < 0 {
		return false
	}
	k.after = slices.Delete(k.after, i, i+1)
	return true
}

// end closes the context. Only the first reason counts.
func (k *call) end(reason error) {
	k.mu.Lock()
	if k.err != nil {
		k.mu.Unlock()
		return
	}
	k.err = reason
	if k.done != nil {
		close(k.done)
	}
	after := k.after
	k.after = nil
	k.mu.Unlock()
	for _, entry := range after {
		go entry.run()
	}
}
