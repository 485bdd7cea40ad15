package consumer

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// task is what a pool runs.
type task interface {
	// run reports whether there is more to do, after others had their turn.
	run(w *worker) (more bool)
}

// worker is a goroutine of a pool.
type worker struct {
	woken chan struct{} // has room for one
	// running is the call whose handlers run now, or ran last, so that its time can
	// be looked after from outside: most calls end long before, and need no timer.
	running atomic.Pointer[call]
}

// workers is a bounded pool of goroutines with a bounded queue. Workers are
// started when they are needed, wait for more, and end with the pool.
//
// At most one worker is being woken at a time, and it wakes the next one if there
// is more: while tasks are short, a worker runs many of them, and none has to be
// woken for each.
type workers struct {
	size  int // goroutines at most
	bound int // waiting tasks at most

	mu      sync.Mutex // guards what follows
	idle    []*worker
	started map[*worker]struct{}
	waking  bool // a worker was woken or started, and has not looked at the queue
	queue   ring[task]
	closed  bool
	running sync.WaitGroup
}

func newWorkers(size, bound int) *workers {
	return &workers{size: size, bound: bound, started: map[*worker]struct{}{}}
}

// submit takes a task if the queue has room. It never waits.
func (w *workers) submit(t task) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.queue.len() >= w.bound+w.free() {
		return false
	}
	w.queue.push(t)
	w.wake()
	return true
}

// free returns how many workers may take a task at once. The caller holds mu.
func (w *workers) free() int { return w.size - w.busy() }

// busy returns how many workers run a task. The caller holds mu.
func (w *workers) busy() int {
	busy := len(w.started) - len(w.idle)
	if w.waking {
		busy-- // not yet
	}
	return busy
}

// wake has another worker look at the queue, unless one is about to. The caller
// holds mu.
func (w *workers) wake() {
	switch {
	case w.waking || w.queue.len() == 0:
	case len(w.idle) > 0:
		last := len(w.idle) - 1
		w.idle[last].woken <- struct{}{} // has room: its worker waits
		w.idle = w.idle[:last]
		w.waking = true
	case len(w.started) < w.size:
		next := &worker{woken: make(chan struct{}, 1)}
		w.started[next] = struct{}{}
		w.running.Add(1)
		w.waking = true
		go w.work(next)
	}
}

// swap is how a running task lets others run: it goes to the end of the queue
// and the first one comes back, which may be itself.
func (w *workers) swap(t task) task {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.queue.len() == 0 {
		return t
	}
	w.queue.push(t)
	return w.queue.pop()
}

// work runs tasks until the pool is closed.
func (w *workers) work(me *worker) {
	defer w.end(me)
	awake := true
	for {
		t, ok := w.take(me, awake)
		if !ok {
			return
		}
		if awake = t == nil; awake {
			if _, open := <-me.woken; !open {
				return
			}
			// Readers that have something first: one that is woken for each of them,
			// and finds one task each time, costs more than one that runs all.
			runtime.Gosched()
			continue
		}
		for t.run(me) {
			t = w.swap(t)
		}
	}
}

// end takes a worker off the pool.
func (w *workers) end(me *worker) {
	w.mu.Lock()
	delete(w.started, me)
	w.mu.Unlock()
	w.running.Done()
}

// take returns a waiting task; nil makes the worker idle, and false ends it. One
// that was woken says so.
func (w *workers) take(me *worker, awake bool) (task, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if awake {
		w.waking = false
	}
	if w.queue.len() > 0 {
		t := w.queue.pop()
		w.wake() // this task may block
		return t, true
	}
	if w.closed {
		return nil, false
	}
	me.running.Store(nil)
	w.idle = append(w.idle, me)
	return nil, true
}

// watch has each call whose time ends before a moment end in time.
func (w *workers) watch(before time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for each := range w.started {
		if k := each.running.Load(); k != nil {
			k.arm(before)
		}
	}
}

// stats returns how many workers run and how many tasks wait.
func (w *workers) stats() (running, queued int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.busy(), w.queue.len()
}

// close refuses new tasks and waits until all workers have ended, which is after
// the last task.
func (w *workers) close() {
	w.mu.Lock()
	w.closed = true
	for _, next := range w.idle {
		close(next.woken)
	}
	w.idle = nil
	w.mu.Unlock()
	w.running.Wait()
}
