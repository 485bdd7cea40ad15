package broadcast_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/protoway/protoway/broadcast"
	"github.com/protoway/protoway/wire"
)

// keeping is how most tests keep publications: all of them.
var keeping = broadcast.Retention{Size: 100_000, TTL: time.Hour}

// tape is a handler that keeps what a broker hands over.
type tape struct {
	mu  sync.Mutex // guards all
	all []*broadcast.Publication
}

func (t *tape) OnPublication(p *broadcast.Publication) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, p)
}
func (t *tape) OnInterrupted([]string) {}

// take returns what came since the last call.
func (t *tape) take() []*broadcast.Publication {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.all
	t.all = nil
	return all
}

// taped is a memory broker with a tape.
func taped(t testing.TB, config broadcast.MemoryConfig) (*broadcast.Memory, *tape) {
	t.Helper()
	m, all := broadcast.NewMemoryWith(config), &tape{}
	if err := m.Start(context.Background(), all); err != nil {
		t.Fatal(err)
	}
	return m, all
}

type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// put publishes to "room"; without a retention it is not kept.
func put(t fataler, m *broadcast.Memory, payload string, retention *broadcast.Retention) *broadcast.Publication {
	t.Helper()
	p := &broadcast.Publication{Group: "room", Type: "event", Payload: []byte(payload), Retention: retention}
	if err := m.Publish(context.Background(), p); err != nil {
		t.Fatal(err)
	}
	return p
}

// topOf returns where "room" stands.
func topOf(t fataler, h broadcast.History) wire.Position {
	t.Helper()
	tops, err := h.Top(context.Background(), "room")
	if err != nil {
		t.Fatal(err)
	}
	return tops[0]
}

// sinceOf returns what came to "room" after a position.
func sinceOf(t fataler, h broadcast.History, from wire.Position, most broadcast.Limit) broadcast.Range {
	t.Helper()
	r, err := h.Since(context.Background(), "room", from, most)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// flaky is a history that fails now and then, and notes how many read at once.
type flaky struct {
	broadcast.History
	failing       atomic.Int32 // in how many of a hundred
	reading, most atomic.Int32
	reads         atomic.Int32
}

func (f *flaky) Since(ctx context.Context, group string, from wire.Position, most broadcast.Limit) (broadcast.Range, error) {
	f.reads.Add(1)
	now := f.reading.Add(1)
	defer f.reading.Add(-1)
	f.most.Store(max(f.most.Load(), now))
	if rand.Int32N(100) < f.failing.Load() {
		return broadcast.Range{}, errors.New("the broker is away")
	}
	return f.History.Since(ctx, group, from, most)
}

// listener is what a sequencer delivers to.
type listener struct {
	mu     sync.Mutex // guards what follows
	events []event
	news   chan struct{} // gets one whenever something comes
}

// event is a publication, or an interruption if it has a reason.
type event struct {
	at      wire.Position
	payload string
	reason  broadcast.Reason
}

func (l *listener) add(e event) {
	l.mu.Lock()
	l.events = append(l.events, e)
	l.mu.Unlock()
	select {
	case l.news <- struct{}{}:
	default:
	}
}

func (l *listener) all() []event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.events
}

// listen returns a sequencer of "room" and who listens to it.
func listen(h broadcast.History, waiting int) (*broadcast.Sequencer, *listener) {
	l := &listener{news: make(chan struct{}, 1)}
	return broadcast.NewSequencer(broadcast.SequencerConfig{
		Group: "room", History: h, Waiting: waiting,
		Backoff:     func(int) time.Duration { return time.Microsecond },
		Deliver:     func(p *broadcast.Publication) { l.add(event{at: p.Position, payload: string(p.Payload)}) },
		Interrupted: func(reason broadcast.Reason, top wire.Position) { l.add(event{at: top, reason: reason}) },
	}), l
}

// until waits until a condition holds for the events.
func (l *listener) until(t fataler, what string, is func([]event) bool) {
	t.Helper()
	late := time.After(30 * time.Second)
	for !is(l.all()) {
		select {
		case <-l.news:
		case <-late:
			events := l.all()
			t.Fatalf("it never happens that %s: %d events, the last %v", what, len(events), events[max(0, len(events)-5):])
		}
	}
}

// reaches waits until the last event with a position is at one.
func (l *listener) reaches(t fataler, begin, at wire.Position) {
	t.Helper()
	l.until(t, fmt.Sprintf("%v is reached", at), func(events []event) bool {
		last := begin
		for _, e := range events {
			if e.at != (wire.Position{}) {
				last = e.at
			}
		}
		return last == at
	})
}
