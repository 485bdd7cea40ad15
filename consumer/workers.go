package consumer

import "sync"

// task is what a pool runs.
type task interface {
	// run reports whether there is more to do, after others had their turn.
	run() (more bool)
}

// workers is a bounded pool of goroutines with a bounded queue. Workers are
// started when they are needed, wait for more, and end with the pool.
type workers struct {
	size  int // goroutines at most
	bound int // waiting tasks at most

	mu      sync.Mutex // guards what follows
	idle    []chan task
	started int
	queue   ring[task]
	closed  bool
	running sync.WaitGroup
}

func newWorkers(size, bound int) *workers {
	return &workers{size: size, bound: bound}
}

// submit takes a task if a worker is free or the queue has room. It never waits.
func (w *workers) submit(t task) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return false
	case len(w.idle) > 0:
		last := len(w.idle) - 1
		w.idle[last] <- t // has room for one: its worker waits
		w.idle = w.idle[:last]
		return true
	case w.started < w.size:
		w.started++
		w.running.Add(1)
		go w.work(make(chan task, 1), t)
		return true
	case w.queue.len() < w.bound:
		w.queue.push(t)
		return true
	default:
		return false
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
func (w *workers) work(next chan task, t task) {
	defer w.end()
	for ok := true; ok; {
		if t.run() {
			t = w.swap(t)
			continue
		}
		if t, ok = w.take(next); !ok {
			t, ok = <-next
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

// take returns a waiting task, or makes the worker idle.
func (w *workers) take(next chan task) (task, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.queue.len() > 0 {
		return w.queue.pop(), true
	}
	if w.closed {
		close(next)
		return nil, false
	}
	w.idle = append(w.idle, next)
	return nil, false
}

// stats returns how many workers run and how many tasks wait.
func (w *workers) stats() (running, queued int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.started - len(w.idle), w.queue.len()
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
