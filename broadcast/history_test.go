package broadcast_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/protoway/protoway/broadcast"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// record is all that was ever published to a group: what a history is measured by.
type record struct {
	base wire.Position // of the epoch
	all  []entry       // of the epoch
	old  []wire.Position
	gone int // of all, how many the sizes have trimmed
}

type entry struct {
	at      wire.Position
	payload string
	expires time.Time
}

func (r *record) position(i int) wire.Position {
	if i == 0 {
		return r.base
	}
	return r.all[i-1].at
}

// payloads returns what came after the i-th position.
func (r *record) payloads(i int) (payloads []string) {
	for _, e := range r.all[i:] {
		payloads = append(payloads, e.payload)
	}
	return payloads
}

func payloadsOf(all []broadcast.Publication) (payloads []string) {
	for i := range all {
		payloads = append(payloads, string(all[i].Payload))
	}
	return payloads
}

// TestHistoryIsExact compares the memory broker, and a ring that is fed by it, with
// all that was published.
func TestHistoryIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := &clock{}
		m := broadcast.NewMemoryWith(broadcast.MemoryConfig{Clock: now.Now})
		live := &tape{}
		if err := m.Start(context.Background(), live); err != nil {
			t.Fatal(err)
		}
		ring := broadcast.NewRing(rapid.SampledFrom([]int{500, 5_000, 1 << 20}).Draw(t, "budget"))
		r := &record{base: topOf(t, m)}
		ring.Begin("room", r.base)
		publish := func(t *rapid.T, payload string, kept broadcast.Retention) *broadcast.Publication {
			p := put(t, m, payload, &kept)
			if p.Prev != r.position(len(r.all)).Offset {
				t.Fatalf("%v says it follows %d", p.Position, p.Prev)
			}
			r.all = append(r.all, entry{p.Position, payload, now.Now().Add(kept.TTL)})
			r.gone = max(r.gone, len(r.all)-kept.Size)
			return p
		}
		t.Repeat(map[string]func(*rapid.T){
			"publish": func(t *rapid.T) {
				kept := broadcast.Retention{
					Size: rapid.SampledFrom([]int{1, 3, 100}).Draw(t, "size"),
					TTL:  rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Hour}).Draw(t, "ttl"),
				}
				ring.Add(publish(t, fmt.Sprint(len(r.all), " of ", r.base.Epoch), kept))
			},
			"not kept": func(t *rapid.T) { ring.Add(put(t, m, "not kept", nil)) },
			"miss": func(t *rapid.T) { // the ring does not see it
				publish(t, "missed", keeping)
			},
			"time": func(t *rapid.T) {
				now.Advance(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Hour}).Draw(t, "passes"))
			},
			"drop": func(t *rapid.T) {
				if err := m.Drop(context.Background(), "room"); err != nil {
					t.Fatal(err)
				}
				for i := range len(r.all) + 1 {
					r.old = append(r.old, r.position(i))
				}
				r.base, r.all, r.gone = topOf(t, m), nil, 0
				ring.Begin("room", r.base)
			},
			"": func(t *rapid.T) { r.compare(t, m, ring, now.Now()) },
		})
	})
}

// compare asks from every position there was.
func (r *record) compare(t *rapid.T, m *broadcast.Memory, ring *broadcast.Ring, now time.Time) {
	top := r.position(len(r.all))
	oldest := len(r.all) // the first that has to be there
	for oldest > r.gone && now.Before(r.all[oldest-1].expires) {
		oldest--
	}
	most := broadcast.Limit{Count: rapid.SampledFrom([]int{0, 2}).Draw(t, "most")}
	for i := range len(r.all) + 1 {
		from, want := r.position(i), r.payloads(i)
		got := sinceOf(t, m, from, most)
		tooMany := most.Count > 0 && len(want) > most.Count
		switch {
		case got.Top != top:
			t.Fatalf("the top is %v, not %v", got.Top, top)
		case got.Complete && (tooMany || !cmp.Equal(payloadsOf(got.Publications), want)):
			t.Fatalf("after %v: %v, not %v", from, payloadsOf(got.Publications), want)
		case !got.Complete && len(got.Publications) > 0:
			t.Fatalf("after %v: a part", from)
		case !got.Complete && i >= oldest && (!tooMany || got.Reason != broadcast.ReasonTooMany):
			t.Fatalf("after %v: %s, though all is there", from, got.Reason)
		}
		answer, ok := ring.Since("room", from, most)
		if !ok {
			continue
		}
		until := len(r.all) // the ring may not have seen the latest
		for until > 0 && r.position(until) != answer.Top {
			until--
		}
		if until < i {
			t.Fatalf("after %v: the ring stands at %v", from, answer.Top)
		}
		seen := want[:until-i]
		if len(seen) == 0 {
			seen = nil
		}
		if answer.Complete != (most.Count == 0 || len(seen) <= most.Count) || answer.Complete && !cmp.Equal(payloadsOf(answer.Publications), seen) {
			t.Fatalf("after %v: the ring says %+v, not %v", from, answer, seen)
		}
	}
	for _, from := range r.old {
		if got := sinceOf(t, m, from, most); got.Complete || got.Reason != broadcast.ReasonEpoch {
			t.Fatalf("after %v: %+v", from, got)
		}
		if answer, ok := ring.Since("room", from, most); ok {
			t.Fatalf("after %v: the ring says %+v", from, answer)
		}
	}
}

// TestRingAnswers what it was fed with: a ring that never answers would be right too.
func TestRingAnswers(t *testing.T) {
	m, _ := taped(t, broadcast.MemoryConfig{})
	ring := broadcast.NewRing(1 << 20)
	at := []wire.Position{topOf(t, m)}
	ring.Begin("room", at[0])
	for i := range 20 {
		p := put(t, m, fmt.Sprint(i), &keeping)
		ring.Add(p)
		at = append(at, p.Position)
	}
	for _, from := range at {
		answer, ok := ring.Since("room", from, broadcast.Limit{})
		if diff := cmp.Diff(sinceOf(t, m, from, broadcast.Limit{}), answer, cmp.AllowUnexported(broadcast.Publication{})); !ok || diff != "" {
			t.Fatalf("after %v: %v\n%s", from, ok, diff)
		}
	}
	ring.Forget("room")
	if _, ok := ring.Since("room", at[20], broadcast.Limit{}); ok {
		t.Error("the ring knows a group that was forgotten")
	}
}

// TestHistoryBudget: whatever is published, no more is kept, what is oldest goes first,
// and what is gone is declared.
func TestHistoryBudget(t *testing.T) {
	m, _ := taped(t, broadcast.MemoryConfig{HistoryBytes: 100_000})
	group := func(i int) string { return fmt.Sprint("group ", i) }
	publish := func(i int) *broadcast.Publication {
		p := &broadcast.Publication{Group: group(i), Type: "event", Payload: make([]byte, 1000), Retention: &keeping}
		if err := m.Publish(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	const groups, each = 100, 10
	var begin []wire.Position
	for i := range groups {
		tops, _ := m.Top(t.Context(), group(i))
		begin = append(begin, tops[0])
		for range each {
			publish(i)
		}
	}
	kept := 0
	for i := range groups {
		r, _ := m.Since(t.Context(), group(i), begin[i], broadcast.Limit{})
		switch {
		case r.Complete && len(r.Publications) != each:
			t.Errorf("%q: a part: %d", group(i), len(r.Publications))
		case !r.Complete && kept > 0:
			t.Errorf("%q is gone for %s before an older one", group(i), r.Reason)
		case r.Complete:
			kept++
		}
	}
	if kept < 5 || kept > 7 {
		t.Errorf("%d groups of 10 kB are kept in 100 kB", kept)
	}
}

// TestForgottenGroupsBeginAnew: where a group stood is forgotten at last, and then no
// position from before is good.
func TestForgottenGroupsBeginAnew(t *testing.T) {
	for name, forget := range map[string]func(*broadcast.Memory, *clock, func(string)){
		"time": func(_ *broadcast.Memory, now *clock, publish func(string)) {
			now.Advance(25 * time.Hour)
			for range 10 { // each pays for some of the sweep
				publish("other")
			}
		},
		"budget": func(_ *broadcast.Memory, _ *clock, publish func(string)) {
			for i := range 300 {
				publish(fmt.Sprint("other ", i))
			}
		},
	} {
		now := &clock{}
		m, _ := taped(t, broadcast.MemoryConfig{HistoryBytes: 100_000, Clock: now.Now})
		never := topOf(t, m)
		first := put(t, m, "first", &broadcast.Retention{Size: 1, TTL: time.Minute})
		forget(m, now, func(group string) {
			p := &broadcast.Publication{Group: group, Type: "event", Retention: &broadcast.Retention{Size: 1, TTL: time.Minute}}
			if err := m.Publish(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		})
		if top := topOf(t, m); top.Epoch == first.Position.Epoch || top.Offset != 0 {
			t.Errorf("%s: the group stands at %v", name, top)
		}
		put(t, m, "second", &keeping)
		for _, from := range []wire.Position{never, first.Position} {
			if r := sinceOf(t, m, from, broadcast.Limit{}); r.Complete || r.Reason != broadcast.ReasonEpoch {
				t.Errorf("%s: from %v: %+v", name, from, r)
			}
		}
	}
}

func TestKeysAreNotForgotten(t *testing.T) {
	now := &clock{}
	m, live := taped(t, broadcast.MemoryConfig{Keys: 100, Clock: now.Now})
	publish := func(key string) (*broadcast.Publication, error) {
		p := &broadcast.Publication{Group: "room", Type: "event", Key: key, Window: time.Minute, Retention: &keeping}
		return p, m.Publish(t.Context(), p)
	}
	for i := range 100 {
		if _, err := publish(fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	top := topOf(t, m)
	p, err := publish("one more")
	if status.CodeOf(err) != status.ResourceExhausted || p.Position.Offset != 0 || topOf(t, m) != top {
		t.Errorf("position %v, %v", p.Position, err)
	}
	if p, err := publish("0"); err != nil || !p.Duplicate {
		t.Errorf("the first key: duplicate %v, %v", p.Duplicate, err)
	}
	now.Advance(time.Minute)
	if p, err := publish("one more"); err != nil || p.Duplicate {
		t.Errorf("after the window: duplicate %v, %v", p.Duplicate, err)
	}
	if got := len(live.take()); got != 101 {
		t.Errorf("%d were delivered", got)
	}
}

func TestAskedTooMuch(t *testing.T) {
	m, live := taped(t, broadcast.MemoryConfig{})
	cases := map[string]struct {
		opt  broadcast.PublishOption
		text string
	}{
		"no size":       {broadcast.Keep(broadcast.Retention{TTL: time.Minute}), "both must be above 0"},
		"no ttl":        {broadcast.Keep(broadcast.Retention{Size: 1}), "both must be above 0"},
		"no key":        {broadcast.Once("", time.Minute), "has a window but no key"},
		"long key":      {broadcast.Once(string(make([]byte, 257)), time.Minute), "the key of event to \"room\" has 257 bytes, at most 256 are allowed"},
		"before window": {broadcast.Once("key", -1), "is negative: -1ns"},
	}
	for name, c := range cases {
		p := &broadcast.Publication{Group: "room", Type: "event"}
		c.opt(p)
		wantStatus(t, name, m.Publish(t.Context(), p), status.InvalidArgument, c.text)
	}
	if got := len(live.take()); got > 0 {
		t.Errorf("%d were delivered", got)
	}
}

// TestPublishGivesUp waiting for a group that somebody delivers to, without having
// stored anything.
func TestPublishGivesUp(t *testing.T) {
	m := broadcast.NewMemory()
	h := &stuck{entered: make(chan struct{}), release: make(chan struct{})}
	if err := m.Start(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); put(t, m, "stuck", &keeping) }()
	<-h.entered
	top := topOf(t, m)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := &broadcast.Publication{Group: "room", Type: "event", Retention: &keeping}
	if err := m.Publish(ctx, p); err == nil || err.Error() != "context canceled" || topOf(t, m) != top {
		t.Errorf("%v, and the top is %v after %v", err, topOf(t, m), top)
	}
	close(h.release)
	<-done
}

// stuck is a handler that takes its time.
type stuck struct{ entered, release chan struct{} }

func (s *stuck) OnPublication(*broadcast.Publication) { close(s.entered); <-s.release }
func (s *stuck) OnInterrupted([]string)               {}

// wantStatus wants an error with a code and a text.
func wantStatus(t *testing.T, name string, err error, code status.Code, text string) {
	t.Helper()
	if err == nil || status.CodeOf(err) != code || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: %v, want %v with %q", name, err, code, text)
	}
}

// liveOnly is a broker without a history.
type liveOnly struct{ broadcast.Broker }

func TestHubWithoutHistoryRefuses(t *testing.T) {
	hub := newHub(t, liveOnly{broadcast.NewMemory()})
	for name, opt := range map[string]broadcast.PublishOption{
		"retention": broadcast.Keep(keeping), "key": broadcast.Once("key", time.Minute),
	} {
		_, err := hub.Publish(t.Context(), "room", &testv1.Event{}, opt)
		wantStatus(t, name, err, status.Unimplemented, `event to "room" asks for history or for a key to be remembered: the broker broadcast_test.liveOnly does neither`)
	}
}

// TestHubDeliversWithPosition what is kept.
func TestHubDeliversWithPosition(t *testing.T) {
	m := broadcast.NewMemory()
	hub := newHub(t, m)
	to := newMember("m", wire.Protobuf)
	defer join(t, hub, "room", to)()
	if reached, err := hub.Publish(t.Context(), "room", &testv1.Event{Text: "hi"}, broadcast.Keep(keeping)); reached != 1 || err != nil {
		t.Fatalf("reached %d, %v", reached, err)
	}
	if at := topOf(t, m); at.Offset != 1 || !bytes.Contains(to.frames[0], []byte(at.Epoch)) {
		t.Errorf("the frame has no position: %q", to.frames[0])
	}
}
