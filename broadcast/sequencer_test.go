package broadcast_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/protoway/protoway/broadcast"
	"github.com/protoway/protoway/wire"
)

// TestSequencerIsCompleteOrDeclares, whatever the way from the broker does: each
// publication that is delivered follows the one before it, or the interruption that was
// declared.
func TestSequencerIsCompleteOrDeclares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]int{2, 5, 1000}).Draw(t, "size")
		m := broadcast.NewMemory()
		live := &tape{}
		if err := m.Start(context.Background(), live); err != nil {
			t.Fatal(err)
		}
		h := &flaky{History: m}
		h.failing.Store(rapid.SampledFrom([]int32{0, 0, 50}).Draw(t, "failing"))
		seq, l := listen(h, rapid.SampledFrom([]int{1, 3, 0}).Draw(t, "waiting"))
		defer seq.Close()
		begin := topOf(t, m)
		seq.Start(begin)

		order := []wire.Position{begin} // all positions there were
		payloads := map[wire.Position]string{}
		var way []*broadcast.Publication // from the broker to the sequencer
		dropped := false
		t.Repeat(map[string]func(*rapid.T){
			"publish": func(t *rapid.T) {
				for range rapid.IntRange(1, 5).Draw(t, "count") {
					p := put(t, m, fmt.Sprint(len(order)), &broadcast.Retention{Size: size, TTL: time.Hour})
					order = append(order, p.Position)
					payloads[p.Position] = string(p.Payload)
				}
				way = append(way, live.take()...)
			},
			"hand over": func(t *rapid.T) {
				for range min(len(way), rapid.IntRange(1, 6).Draw(t, "count")) {
					seq.OnPublication(way[0])
					way = way[1:]
				}
			},
			"lose": func(t *rapid.T) {
				if len(way) > 0 {
					i := rapid.IntRange(0, len(way)-1).Draw(t, "which")
					way = append(way[:i:i], way[i+1:]...)
				}
			},
			"repeat": func(t *rapid.T) {
				if len(way) > 0 {
					way = append(way, way[rapid.IntRange(0, len(way)-1).Draw(t, "which")])
				}
			},
			"swap": func(t *rapid.T) {
				if len(way) > 1 {
					i, j := rapid.IntRange(0, len(way)-1).Draw(t, "one"), rapid.IntRange(0, len(way)-1).Draw(t, "other")
					way[i], way[j] = way[j], way[i]
				}
			},
			"drop the history": func(t *rapid.T) {
				if rapid.IntRange(0, 3).Draw(t, "really") > 0 {
					return
				}
				if err := m.Drop(context.Background(), "room"); err != nil {
					t.Fatal(err)
				}
				order, dropped = append(order, topOf(t, m)), true
				if rapid.Bool().Draw(t, "told") {
					seq.Check()
				}
			},
			"top": func(t *rapid.T) { seq.OnTop(topOf(t, m)) },
		})
		for _, p := range way {
			seq.OnPublication(p)
		}
		seq.OnTop(topOf(t, m))
		l.reaches(t, begin, topOf(t, m))

		at, place := 0, map[wire.Position]int{}
		for i, position := range order {
			place[position] = i
		}
		for _, e := range l.all() {
			switch next, known := place[e.at]; {
			case !known:
				t.Fatalf("%v is no position of the group", e)
			case e.reason != "":
				if !dropped && size == 1000 {
					t.Fatalf("interrupted for %q, though all is there", e.reason)
				}
				if next < at {
					t.Fatalf("interrupted back to %v", e.at)
				}
				at = next
			case next != at+1 || payloads[e.at] != e.payload:
				t.Fatalf("number %d (%v) follows number %d", next, e, at)
			default:
				at = next
			}
		}
		if most := h.most.Load(); most > 1 {
			t.Fatalf("%d read at once", most)
		}
	})
}

// TestSequencerNeverWaits for a read: while one hangs, the broker's calls return, and
// what is more than may wait is read afterwards.
func TestSequencerNeverWaits(t *testing.T) {
	m, live := taped(t, broadcast.MemoryConfig{})
	hung := &hanging{History: m, entered: make(chan struct{}), release: make(chan struct{})}
	seq, l := listen(hung, 10)
	defer seq.Close()
	begin := topOf(t, m)
	seq.Start(begin)
	for i := range 1000 {
		put(t, m, fmt.Sprint(i), &keeping)
	}
	put(t, m, "not kept", nil)
	all := live.take()
	seq.OnPublication(all[1])
	<-hung.entered
	seq.OnPublication(all[1000])
	for _, p := range all[2:1000] {
		seq.OnPublication(p)
	}
	if events := l.all(); len(events) > 0 {
		t.Errorf("%v come before the hole is filled", events)
	}
	close(hung.release)
	l.until(t, "all come", func(events []event) bool { return len(events) == 1001 })
	number := 0
	for _, e := range l.all() {
		if e.payload != "not kept" && e.payload != fmt.Sprint(number) {
			t.Fatalf("%v comes where %d is next", e, number)
		}
		if e.payload != "not kept" {
			number++
		}
	}
}

// hanging is a history whose first read hangs.
type hanging struct {
	broadcast.History
	once             sync.Once
	entered, release chan struct{}
}

func (h *hanging) Since(ctx context.Context, group string, from wire.Position, most broadcast.Limit) (broadcast.Range, error) {
	h.once.Do(func() {
		close(h.entered)
		select {
		case <-h.release:
		case <-ctx.Done():
		}
	})
	if err := ctx.Err(); err != nil {
		return broadcast.Range{}, err
	}
	return h.History.Since(ctx, group, from, most)
}

// TestSequencerCloses while a read hangs, or waits for a slot.
func TestSequencerCloses(t *testing.T) {
	m, live := taped(t, broadcast.MemoryConfig{})
	for _, slots := range []chan struct{}{nil, make(chan struct{})} {
		hung := &hanging{History: m, entered: make(chan struct{}), release: make(chan struct{})}
		seq := broadcast.NewSequencer(broadcast.SequencerConfig{
			Group: "room", History: hung, Slots: slots,
			Deliver:     func(p *broadcast.Publication) { t.Errorf("%s comes", p.Payload) },
			Interrupted: func(broadcast.Reason, wire.Position) { t.Error("interrupted") },
		})
		seq.Start(topOf(t, m))
		put(t, m, "lost", &keeping)
		put(t, m, "seen", &keeping)
		seq.OnPublication(live.take()[1])
		if slots == nil {
			<-hung.entered
		}
		seq.Close()
		seq.Check()
		seq.OnPublication(put(t, m, "late", &keeping))
		live.take()
	}
}

// TestSequencerWithSlowDelivery holds back no more than may wait, and reads the rest.
func TestSequencerWithSlowDelivery(t *testing.T) {
	m, live := taped(t, broadcast.MemoryConfig{})
	h := &flaky{History: m}
	entered, release := make(chan struct{}), make(chan struct{})
	l := &listener{news: make(chan struct{}, 1)}
	var once sync.Once
	seq := broadcast.NewSequencer(broadcast.SequencerConfig{
		Group: "room", History: h, Waiting: 10,
		Deliver: func(p *broadcast.Publication) {
			once.Do(func() { close(entered); <-release })
			l.add(event{at: p.Position, payload: string(p.Payload)})
		},
		Interrupted: func(reason broadcast.Reason, _ wire.Position) { t.Errorf("interrupted for %q", reason) },
	})
	defer seq.Close()
	begin := topOf(t, m)
	seq.Start(begin)
	for i := range 1000 {
		put(t, m, fmt.Sprint(i), &keeping)
	}
	all := live.take()
	done := make(chan struct{})
	go func() { defer close(done); seq.OnPublication(all[0]) }()
	<-entered
	for _, p := range all[1:] {
		seq.OnPublication(p)
	}
	if at := seq.Last().Offset; at != 11 {
		t.Errorf("%d were taken in while nothing was delivered", at)
	}
	close(release)
	<-done
	l.until(t, "all come", func(events []event) bool { return len(events) == 1000 })
	for i, e := range l.all() {
		if e.payload != fmt.Sprint(i) {
			t.Fatalf("%v is number %d", e, i)
		}
	}
	if reads := h.reads.Load(); reads != 1 {
		t.Errorf("%d reads", reads)
	}
}

// TestSequencerFindsReusedOffsets: a publication with the offset of the last one and
// another tag is no duplicate.
func TestSequencerFindsReusedOffsets(t *testing.T) {
	m, live := taped(t, broadcast.MemoryConfig{})
	seq, l := listen(m, 0)
	defer seq.Close()
	begin := topOf(t, m)
	seq.Start(begin)
	other := *put(t, m, "first", &keeping)
	other.Position.Tag++ // what came before the broker was rolled back
	seq.OnPublication(&other)
	seq.OnPublication(live.take()[0])
	l.until(t, "it is declared", func(events []event) bool { return len(events) == 2 })
	if e := l.all()[1]; e.reason != broadcast.ReasonTag || e.at != topOf(t, m) {
		t.Errorf("%v", e)
	}
}

func TestResumeFails(t *testing.T) {
	m, _ := taped(t, broadcast.MemoryConfig{})
	away := errors.New("the broker is away")
	h := &flaky{History: m}
	h.failing.Store(100)
	for name, subscribe := range map[string]func(context.Context) error{
		"subscribe": func(context.Context) error { return away },
		"read":      func(context.Context) error { return nil },
	} {
		seq, l := listen(h, 0)
		begin := topOf(t, m)
		_, err := seq.Resume(t.Context(), begin, subscribe)
		if err == nil || err.Error() != away.Error() {
			t.Errorf("%s: %v", name, err)
		}
		seq.OnPublication(put(t, m, "late", &keeping))
		seq.Close()
		if events := l.all(); len(events) > 0 {
			t.Errorf("%s: %v come after the error", name, events)
		}
	}
}

func TestResumeDeclares(t *testing.T) {
	m, live := taped(t, broadcast.MemoryConfig{})
	seq, l := listen(m, 0)
	defer seq.Close()
	old := topOf(t, m)
	old.Epoch += "x"
	r, err := seq.Resume(t.Context(), old, func(context.Context) error {
		seq.OnPublication(put(t, m, "during", &keeping)) // in the answer's top
		return nil
	})
	if err != nil || r.Complete || r.Reason != broadcast.ReasonEpoch || r.Top != topOf(t, m) || len(r.Publications) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	put(t, m, "after", &keeping)
	for _, p := range live.take() {
		seq.OnPublication(p)
	}
	l.until(t, "the next comes", func(events []event) bool { return len(events) > 0 })
	if events := l.all(); len(events) != 1 || events[0].payload != "after" {
		t.Errorf("%v", events)
	}
}
