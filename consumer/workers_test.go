package consumer

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// step is a task of a test: it takes turns until it has had enough.
type step struct {
	turns atomic.Int64
	gate  chan struct{} // if not nil, each turn takes one
	ended *sync.WaitGroup
}

func (s *step) run(*worker) (more bool) {
	if s.gate != nil {
		<-s.gate
	}
	if s.turns.Add(-1) > 0 {
		return true
	}
	s.ended.Done()
	return false
}

// TestWorkersTakeExactlyWhatFits: of any number of tasks, size and bound decide
// how many are taken, and all that are taken run to their end.
func TestWorkersTakeExactlyWhatFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size, bound := rapid.IntRange(1, 6).Draw(t, "size"), rapid.IntRange(0, 6).Draw(t, "bound")
		offered := rapid.IntRange(0, 20).Draw(t, "offered")
		pool := newWorkers(size, bound)
		gate := make(chan struct{})
		var ended sync.WaitGroup
		taken := 0
		for range offered {
			s := &step{gate: gate, ended: &ended}
			s.turns.Store(int64(rapid.IntRange(1, 4).Draw(t, "turns")))
			ended.Add(1)
			if pool.submit(s) {
				taken++
			} else {
				ended.Done()
			}
		}
		if want := min(offered, size+bound); taken != want {
			t.Fatalf("%d of %d were taken by %d workers with a queue of %d", taken, offered, size, bound)
		}
		for running, queued := pool.stats(); running != min(taken, size); running, queued = pool.stats() {
			if running+queued != taken || running > size {
				t.Fatalf("%d run and %d wait of %d", running, queued, taken)
			}
			runtime.Gosched() // one worker wakes the other
		}
		close(gate)
		ended.Wait()
		pool.close()
		if pool.submit(&step{}) {
			t.Fatal("a closed pool took a task")
		}
	})
}

// TestWorkersShareTurns: a task that always has more to do does not starve
// another one, even with a single worker.
func TestWorkersShareTurns(t *testing.T) {
	pool := newWorkers(1, 1)
	var ended sync.WaitGroup
	ended.Add(2)
	endless, short := &step{gate: make(chan struct{}), ended: &ended}, &step{ended: &ended}
	endless.turns.Store(1 << 30)
	short.turns.Store(1)
	pool.submit(endless)
	pool.submit(short)
	endless.gate <- struct{}{}
	for short.turns.Load() > 0 { // it runs though the other one has not ended
		select {
		case endless.gate <- struct{}{}:
		default:
		}
	}
	endless.turns.Store(1)
	close(endless.gate)
	ended.Wait()
	pool.close()
}

func TestRingIsAQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r ring[int]
		var model []int
		for i := range rapid.IntRange(0, 200).Draw(t, "steps") {
			if len(model) > 0 && rapid.Bool().Draw(t, "pop") {
				if got := r.pop(); got != model[0] {
					t.Fatalf("got %d, want %d", got, model[0])
				}
				model = model[1:]
			} else {
				r.push(i)
				model = append(model, i)
			}
			if r.len() != len(model) {
				t.Fatalf("length %d, want %d", r.len(), len(model))
			}
		}
	})
}
