package consumer

import "sync"

// task is what a pool runs.
type task interface {
	// run reports whether there is more to do, after others had their turn.
	run() (more bool)
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
	idle    []chan struct{}
	started int
	waking  bool // a worker was woken or started, and has not looked at the queue
	queue   ring[task]
	closed  bool
	running sync.WaitGroup
}

func newWorkers(size, bound int) *workers {
	return &workers{size: size, bound: bound}
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
	busy := w.started - len(w.idle)
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
		w.idle[last] <- struct{}{} // has room for one: its worker waits
		w.idle = w.idle[:last]
		w.waking = true
	case w.started < w.size:
		w.started++
		w.running.Add(1)
		w.waking = true
		go w.work(make(chan struct{}, 1))
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
func (w *workers) work(woken chan struct{}) {
	defer w.end()
	awake := true
	for {
		t, ok := w.take(woken, awake)
		if !ok {
			return
		}
		if awake = t == nil; awake {
			if _, open := <-woken; !open {
				return
			}
			continue
		}
		for t.run() {
			t = w.swap(t)
		}
	}
}

// end takes a worker off the pool.
func (w *workers) end() {
	w.mu.Lock()
	w.started--
	w.mu.Unlock()
	w.running.Done()
}

// take returns a waiting task; nil makes the worker idle, and false ends it. One
// that was woken says so.
func (w *workers) take(woken chan struct{}, awake bool) (task, bool) {
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
	w.idle = append(w.idle, woken)
	return nil, true
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
		close(next)
	}
	w.idle = nil
	w.mu.Unlock()
	w.running.Wait()
}
