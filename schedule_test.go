package protoway_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/internal/testpeer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// blocker is a handler that holds frames until it is opened.
type blocker struct {
	entered chan string
	open    chan struct{}
	once    sync.Once
}

func newBlocker(t *testing.T) *blocker {
	t.Helper()
	b := &blocker{entered: make(chan string, 10_000), open: make(chan struct{})}
	t.Cleanup(b.release)
	return b
}

func (b *blocker) release() { b.once.Do(func() { close(b.open) }) }

func (b *blocker) work(_ context.Context, in *testv1.Work) error {
	b.entered <- in.GetTopic()
	<-b.open
	return nil
}

// TestBlockedReceiverDelaysNobody holds one lane for ten seconds and more: all
// the while pings are answered within a second, and other lanes and connections
// are served.
func TestBlockedReceiverDelaysNobody(t *testing.T) {
	blocked := newBlocker(t)
	_, url := start(t, protoway.Config{}, receivers.Handle(blocked.work), whoAmI(),
		receivers.Handle(func(context.Context, *testv1.Rework) error { return nil }))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	other := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	held := p.Send(&testv1.Work{Topic: "a"})
	await(t, "the handler", blocked.entered)
	behind := p.Send(&testv1.Rework{Subject: "a"}) // shares the lane
	for began := time.Now(); time.Since(began) < 10*time.Second; {
		if took := p.Ping(); took > time.Second {
			t.Errorf("a ping took %v", took)
		}
		ok(t, p.Call(&testv1.Rework{Subject: "b"}))
		mustBe(t, p, "")
		mustBe(t, other, "")
		<-time.After(100 * time.Millisecond)
	}
	for _, f := range p.Came() {
		t.Errorf("frame %d was acked though its lane is held", f.Re)
	}
	blocked.release()
	ok(t, p.AwaitAck(held))
	ok(t, p.AwaitAck(behind))
}

// TestPoolBounds sends N+M+1,000 blocking frames to N workers with a queue of M.
func TestPoolBounds(t *testing.T) {
	const workers, queue, extra = 5, 7, 1000
	blocked := newBlocker(t)
	server, url := start(t, protoway.Config{
		Pools:  consumer.Pools{SyncWorkers: workers, SyncQueue: queue},
		Limits: consumer.Limits{MaxInFlight: 2000},
	}, receivers.Handle(blocked.work))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	for i := range workers + queue {
		p.Send(&testv1.Work{Topic: fmt.Sprint(i)})
	}
	for range workers {
		await(t, "a worker", blocked.entered)
	}
	for i := range extra {
		p.Send(&testv1.Work{Topic: fmt.Sprint("extra", i)})
	}
	for range extra {
		ack := p.Await("refusal", func(f *testpeer.Frame) bool { return f.Kind == wire.KindAck })
		fails(t, ack, status.ResourceExhausted)
		if ack.Ack.Error.RetryAfter <= 0 {
			t.Fatal("the refusal does not say when to try again")
		}
	}
	stats := server.Stats()
	if stats.SyncRunning != workers || stats.SyncQueued != queue || len(blocked.entered) != 0 {
		t.Errorf("%d run, %d wait, %d more were entered", stats.SyncRunning, stats.SyncQueued, len(blocked.entered))
	}
	blocked.release()
	for range workers + queue {
		ok(t, p.Await("ack", func(f *testpeer.Frame) bool { return f.Kind == wire.KindAck }))
	}
	if left := p.Came(); len(left) != 0 {
		t.Errorf("%d more acks", len(left))
	}
}

func TestAsyncPoolIsAnother(t *testing.T) {
	blocked := newBlocker(t)
	_, url := start(t, protoway.Config{Pools: consumer.Pools{SyncWorkers: 1, SyncQueue: 1, AsyncWorkers: 1, AsyncQueue: 1}},
		receivers.Handle(blocked.work), receivers.Reply(lateGreeting))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	late := p.Send(&testv1.Greet{Name: "Ada"})
	eventually(t, "the asynchronous frame is acked", func() bool { return len(p.Came()) == 1 })
	ok(t, p.AwaitAck(late))
	p.Send(&testv1.Work{Topic: "a"})
	await(t, "the only worker", blocked.entered)
	p.Send(&testv1.Work{Topic: "b"})
	fails(t, p.Call(&testv1.Work{Topic: "c"}), status.ResourceExhausted)
	blocked.release()
}

func TestTooManyInFlight(t *testing.T) {
	blocked := newBlocker(t)
	_, url := start(t, protoway.Config{Limits: consumer.Limits{MaxInFlight: 3}}, receivers.Handle(blocked.work))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	for range 3 {
		p.Send(&testv1.Work{Topic: "same"})
	}
	fails(t, p.Call(&testv1.Work{Topic: "same"}), status.ResourceExhausted)
	fails(t, p.Call(&testv1.Work{Topic: "other"}), status.ResourceExhausted)
	blocked.release()
	for id := range uint64(3) {
		ok(t, p.AwaitAck(id+1))
	}
	ok(t, p.Call(&testv1.Work{Topic: "same"}))
}

// TestRefusedKeyKeepsItsPlace: once a keyed frame was refused for load, later
// keyed frames of its lane are refused until it comes again.
func TestRefusedKeyKeepsItsPlace(t *testing.T) {
	blocked := newBlocker(t)
	_, url := start(t, protoway.Config{Limits: consumer.Limits{MaxInFlight: 1}}, receivers.Handle(blocked.work))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	first := p.Send(&testv1.Work{Topic: "a", Number: 1}, testpeer.Key("1"))
	await(t, "the handler", blocked.entered)
	fails(t, p.Call(&testv1.Work{Topic: "a", Number: 2}, testpeer.Key("2")), status.ResourceExhausted)
	blocked.release()
	ok(t, p.AwaitAck(first))
	fails(t, p.Call(&testv1.Work{Topic: "a", Number: 3}, testpeer.Key("3")), status.ResourceExhausted)
	ok(t, p.Call(&testv1.Work{Topic: "b", Number: 3}, testpeer.Key("3b"))) // another lane
	ok(t, p.Call(&testv1.Work{Topic: "a", Number: 2}, testpeer.Key("2")))
	ok(t, p.Call(&testv1.Work{Topic: "a", Number: 3}, testpeer.Key("3")))
}

func TestLanesKeepOrderAndRunBesideEachOther(t *testing.T) {
	var mu sync.Mutex
	got := map[string][]int64{}
	var running, most atomic.Int64
	_, url := start(t, protoway.Config{}, receivers.Handle(func(_ context.Context, in *testv1.Work) error {
		now := running.Add(1)
		defer running.Add(-1)
		for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
		}
		<-time.After(time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		got[in.GetTopic()] = append(got[in.GetTopic()], in.GetNumber())
		return nil
	}))
	for _, dialect := range dialects {
		clear(got)
		p := testpeer.Dial(t, url, testpeer.Options{Dialect: dialect}, fromServer...)
		const topics, each = 8, 25
		for n := range each {
			for topic := range topics {
				p.Send(&testv1.Work{Topic: fmt.Sprint(topic), Number: int64(n)})
			}
		}
		for range topics * each {
			ok(t, p.Await("ack", func(f *testpeer.Frame) bool { return f.Kind == wire.KindAck }))
		}
		if len(got) != topics {
			t.Errorf("%d lanes", len(got))
		}
		for topic, numbers := range got {
			if len(numbers) != each || !slices.IsSorted(numbers) {
				t.Errorf("lane %s ran %v", topic, numbers)
			}
		}
	}
	if most.Load() < 2 {
		t.Error("no two lanes ran at once")
	}
}

// TestIdentityIsABarrier: what arrives behind a login sees its user, whatever
// its lane.
func TestIdentityIsABarrier(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	users := make(chan string, 10)
	_, url := start(t, protoway.Config{}, whoAmI(),
		receivers.Handle(func(ctx context.Context, in *testv1.SignIn) error {
			close(entered)
			<-release
			if err := consumer.From(ctx).SignIn(ctx, &auth.User{ID: in.GetUser()}); err != nil {
				return err
			}
			users <- "still " + consumer.From(ctx).User().ID
			return nil
		}),
		receivers.Handle(func(ctx context.Context, _ *testv1.Work) error {
			users <- consumer.From(ctx).User().ID
			return nil
		}))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	p.Send(&testv1.SignIn{User: "ada"})
	work := p.Send(&testv1.Work{Topic: "elsewhere"})
	<-entered
	if took := p.Ping(); took > time.Second || len(p.Came()) != 0 {
		t.Errorf("ping %v, %d frames came before the login ended", took, len(p.Came()))
	}
	close(release)
	ok(t, p.AwaitAck(work))
	for _, want := range []string{"still ", "ada"} {
		if got := await(t, "user", users); got != want {
			t.Errorf("user %q, want %q", got, want)
		}
	}
	mustBe(t, p, "ada")
}

// TestTimeoutKeepsTheLane: a frame that timed out is acked at once, its lane
// waits until the handler returns.
func TestTimeoutKeepsTheLane(t *testing.T) {
	release, done := make(chan struct{}), make(chan error, 1)
	_, url := start(t, protoway.Config{}, whoAmI(), receivers.Handle(func(ctx context.Context, _ *testv1.Slow) error {
		<-release
		done <- ctx.Err()
		return nil
	}))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	fails(t, p.Call(&testv1.Slow{}), status.DeadlineExceeded)
	waiting := p.Send(&testv1.WhoAmI{})
	p.Ping()
	if len(p.Came()) != 0 {
		t.Error("the lane went on while its handler ran")
	}
	close(release)
	ok(t, p.AwaitAck(waiting))
	if err := await(t, "handler", done); status.CodeOf(err) != status.DeadlineExceeded {
		t.Errorf("the handler's context: %v", err)
	}
}

// TestAckFreesItsPlace: a client that keeps to the frames in flight is never
// refused, however fast it goes on after an ack.
func TestAckFreesItsPlace(t *testing.T) {
	_, url := start(t, protoway.Config{Limits: consumer.Limits{MaxInFlight: 1}}, whoAmI(), receivers.Reply(lateGreeting))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	for i := range uint64(500) {
		mustBe(t, p, "")
		ok(t, p.Call(&testv1.Greet{Name: "Ada"}))
		ok(t, authenticate(p, 10_000+i, ""))
	}
}
