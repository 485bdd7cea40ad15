package broadcast_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/protoway/protoway/broadcast"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// member counts what it is handed.
type member struct {
	session string
	dialect wire.Dialect
	staff   bool

	mu     sync.Mutex
	frames [][]byte
}

func (m *member) Session() string                        { return m.session }
func (m *member) Dialect() wire.Dialect                  { return m.dialect }
func (m *member) MayReceive(*wire.Entry, time.Time) bool { return m.staff }
func (m *member) Deliver(b *broadcast.Bundle) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data := bytes.Clone(b.Data)
	begin := 0
	for _, end := range append(slices.Clone(b.Ends), len(data)) {
		m.frames = append(m.frames, data[begin:end])
		begin = end
	}
}

func (m *member) got() int                          { m.mu.Lock(); defer m.mu.Unlock(); return len(m.frames) }
func newMember(name string, d wire.Dialect) *member { return &member{session: name, dialect: d} }

// silent is an observer that counts drops.
type silent struct{ drops int }

func (s *silent) Published(string, int)             {}
func (s *silent) PublicationDropped(string, string) { s.drops++ }

// countingDialect counts how often publications are encoded.
type countingDialect struct {
	wire.Dialect
	encoded *int
}

func (d countingDialect) AppendPublication(dst []byte, c *wire.Catalog, f *wire.Frame) ([]byte, error) {
	*d.encoded++
	return d.Dialect.AppendPublication(dst, c, f)
}

func newHub(t *testing.T, broker broadcast.Broker) *broadcast.Hub {
	t.Helper()
	hub, err := broadcast.NewHub(t.Context(), broker, wire.NewCatalog(nil), &silent{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return hub
}

// join adds m to a group and returns how to leave it.
func join(t *testing.T, hub *broadcast.Hub, name string, m broadcast.Member) (leave func()) {
	t.Helper()
	g, err := hub.Acquire(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if !g.Add(m, nil) {
		t.Fatalf("%s was a member of %q already", m.Session(), name)
	}
	return func() {
		g.Remove(m, nil)
		hub.Release(g)
	}
}

func TestEncodeOncePerDialect(t *testing.T) {
	hub := newHub(t, broadcast.NewMemory())
	var binary, text int
	dialects := []wire.Dialect{countingDialect{wire.Protobuf, &binary}, countingDialect{wire.JSON, &text}}
	var members []*member
	for i := range 100 {
		m := newMember(fmt.Sprint(i), dialects[i%2])
		members = append(members, m)
		t.Cleanup(join(t, hub, "room", m))
	}
	n, err := hub.Publish(t.Context(), "room", &testv1.Event{Text: "hi"}, broadcast.Except("7"))
	if n != 99 || err != nil {
		t.Errorf("reached %d, %v", n, err)
	}
	if binary != 1 || text != 1 {
		t.Errorf("encoded %d times in binary and %d times in JSON", binary, text)
	}
	for i, m := range members {
		want := 1
		if i == 7 {
			want = 0
		}
		if m.got() != want {
			t.Errorf("member %d got %d frames", i, m.got())
		}
	}
}

// slowBroker is a memory broker whose subscriptions are watched and can fail.
type slowBroker struct {
	*broadcast.Memory
	mu      sync.Mutex
	active  map[string]int
	fail    error
	entered chan struct{} // if not nil, Subscribe says that it was called and waits
	release chan struct{}
}

func (b *slowBroker) Subscribe(_ context.Context, groups ...string) error {
	if b.entered != nil {
		b.entered <- struct{}{}
		<-b.release
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return b.fail
	}
	for _, g := range groups {
		b.active[g]++
		if b.active[g] != 1 {
			return fmt.Errorf("%q is subscribed %d times", g, b.active[g])
		}
	}
	return nil
}

func (b *slowBroker) Unsubscribe(_ context.Context, groups ...string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, g := range groups {
		b.active[g]--
		if b.active[g] != 0 {
			return fmt.Errorf("%q was unsubscribed without a subscription", g)
		}
	}
	return nil
}

func newSlowBroker() *slowBroker {
	return &slowBroker{Memory: broadcast.NewMemory(), active: map[string]int{}}
}

// TestSubscriptionsFollowMembers joins and leaves from many sides: the broker
// sees each group subscribed once while it has members, and not after.
func TestSubscriptionsFollowMembers(t *testing.T) {
	broker := newSlowBroker()
	hub := newHub(t, broker)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			m, random := newMember(fmt.Sprint(i), wire.Protobuf), rand.New(rand.NewPCG(uint64(i), 2))
			for range 500 {
				name := fmt.Sprint("g", random.IntN(3))
				g, err := hub.Acquire(context.Background(), name)
				if err != nil {
					t.Errorf("acquire: %v", err)
					return
				}
				g.Add(m, nil)
				if n, err := hub.Publish(context.Background(), name, &testv1.Event{}); n < 1 || err != nil {
					t.Errorf("a member was not reached: %d, %v", n, err)
				}
				g.Remove(m, nil)
				hub.Release(g)
			}
		})
	}
	all.Wait()
	if hub.Groups() != 0 {
		t.Errorf("%d groups are left", hub.Groups())
	}
	for name, n := range broker.active {
		if n != 0 {
			t.Errorf("group %q is still subscribed", name)
		}
	}
}

func TestFailedSubscriptionIsTriedAgain(t *testing.T) {
	broker := newSlowBroker()
	hub := newHub(t, broker)
	broker.fail = status.Unavailable.Errorf("the broker is away")
	if _, err := hub.Acquire(t.Context(), "room"); status.CodeOf(err) != status.Unavailable {
		t.Errorf("acquire: %v", err)
	}
	if hub.Groups() != 0 {
		t.Errorf("%d groups are left", hub.Groups())
	}
	broker.fail = nil
	join(t, hub, "room", newMember("a", wire.Protobuf))()
}

// TestWaitersShareTheSubscription and its failure, and may give up.
func TestWaitersShareTheSubscription(t *testing.T) {
	broker := newSlowBroker()
	broker.entered, broker.release = make(chan struct{}), make(chan struct{})
	broker.fail = errors.New("no")
	hub := newHub(t, broker)
	first := make(chan error, 1)
	go func() { _, err := hub.Acquire(context.Background(), "room"); first <- err }()
	<-broker.entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := hub.Acquire(ctx, "room"); !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up: %v", err)
	}
	second := make(chan error, 1)
	go func() { _, err := hub.Acquire(context.Background(), "room"); second <- err }()
	close(broker.release)
	if err := <-first; err == nil {
		t.Error("the first was not told")
	}
	go func() { // the second either waited for the first, or comes after it
		select {
		case <-broker.entered:
		case <-t.Context().Done():
		}
	}()
	if err := <-second; err == nil {
		t.Error("the second was not told")
	}
	if hub.Groups() != 0 {
		t.Errorf("%d groups are left", hub.Groups())
	}
}

func TestJoinedPrecedesAndNothingFollowsLeft(t *testing.T) {
	hub := newHub(t, broadcast.NewMemory())
	stop, publishing := make(chan struct{}), sync.WaitGroup{}
	publishing.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_, _ = hub.Publish(context.Background(), "room", &testv1.Event{})
			}
		}
	})
	for range 300 {
		m := newMember("m", wire.Protobuf)
		g, err := hub.Acquire(t.Context(), "room")
		if err != nil {
			t.Fatal(err)
		}
		g.Add(m, func() { m.Deliver(&broadcast.Bundle{Data: []byte("joined")}) })
		g.Remove(m, func() { m.Deliver(&broadcast.Bundle{Data: []byte("left")}) })
		hub.Release(g)
		if first, last := string(m.frames[0]), string(m.frames[len(m.frames)-1]); first != "joined" || last != "left" {
			t.Fatalf("first %q, last %q of %d", first, last, len(m.frames))
		}
	}
	close(stop)
	publishing.Wait()
}

func TestClosedBrokerRefuses(t *testing.T) {
	hub := newHub(t, broadcast.NewMemory())
	if err := hub.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := hub.Publish(t.Context(), "room", &testv1.Event{}); status.CodeOf(err) != status.Unavailable {
		t.Errorf("publish: %v", err)
	}
	if _, err := hub.Acquire(t.Context(), "room"); status.CodeOf(err) != status.Unavailable {
		t.Errorf("acquire: %v", err)
	}
}
