package protoway_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/internal/testpeer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// bouncer refuses every connection with an error and counts what runs all the same.
type bouncer struct {
	why  error
	ran  atomic.Int64
	left atomic.Int64
}

func (b *bouncer) Connected(context.Context) error { return b.why }

func (b *bouncer) Disconnected(context.Context) { b.left.Add(1) }

func (b *bouncer) Note(context.Context, *testv1.Note) error {
	b.ran.Add(1)
	return nil
}

// TestRefusedConnectionsRunNothing: neither frames behind hello, nor keyed ones,
// nor Disconnected of who was never there. A failure asks the client to come again.
func TestRefusedConnectionsRunNothing(t *testing.T) {
	for code, why := range map[consumer.CloseCode]error{
		consumer.CloseRefused:  status.PermissionDenied.Errorf("no"),
		consumer.CloseTryLater: errors.New("the database is away"),
	} {
		b := &bouncer{why: why}
		server, url := start(t, protoway.Config{}, receivers.Discover(b))
		p := testpeer.Dial(t, url, testpeer.Options{Silent: true}, fromServer...)
		batch, err := wire.Protobuf.Open(wire.NewCatalog(nil), wire.ClientSide).Append(nil, &wire.Frame{Kind: wire.KindHello, Control: &protowayv1.Hello{}})
		if err != nil {
			t.Fatal(err)
		}
		p.WriteRaw(append(append(batch, message(t, "note", nil, "")...), message(t, "note", nil, "key")...))
		if got := p.AwaitEnd(); got != int(code) {
			t.Errorf("%v: closed with %d, want %d", why, got, code)
		}
		if err := server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if b.ran.Load() != 0 || b.left.Load() != 0 {
			t.Errorf("%d frames ran, Disconnected was called %d times", b.ran.Load(), b.left.Load())
		}
	}
}

// tally is not safe for concurrent use: it counts on the connection's lane.
type tally struct{ most, running int }

func (c *tally) Note(context.Context, *testv1.Note) error {
	c.running++
	c.most = max(c.most, c.running)
	<-time.After(time.Millisecond)
	c.running--
	return nil
}

// TestInventedCorrelationOpensNoLane: re has a lane of its own only if it names a
// request that waits.
func TestInventedCorrelationOpensNoLane(t *testing.T) {
	state := &tally{}
	_, url := start(t, protoway.Config{}, receivers.PerConnection(func() *tally { return state }))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	for i := range uint64(50) {
		p.Send(&testv1.Note{}, testpeer.Re(i))
	}
	for range 50 {
		ok(t, p.Await("ack", func(f *testpeer.Frame) bool { return f.Kind == wire.KindAck }))
	}
	if state.most != 1 {
		t.Errorf("%d methods of one connection ran at once", state.most)
	}
}

// TestErrorAfterAsyncWins: the error is the ack and the work does not run; other
// calls of the connection are still canceled when it ends.
func TestErrorAfterAsyncWins(t *testing.T) {
	g := newGuarded()
	entered, worked := make(chan struct{}), make(chan struct{}, 1)
	_, url := start(t, protoway.Config{}, receivers.Discover(g), whoAmI(),
		receivers.Handle(func(ctx context.Context, _ *testv1.Work) error {
			close(entered)
			<-ctx.Done()
			g.happens <- "canceled"
			return nil
		}),
		receivers.Handle(func(ctx context.Context, in *testv1.Rework) error {
			err := consumer.From(ctx).Async(func(context.Context) (proto.Message, error) {
				worked <- struct{}{}
				return nil, nil
			})
			if in.GetSubject() == "panic" {
				panic("after Async")
			}
			return errors.Join(err, status.NotFound.Errorf("after all"))
		}))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	g.expect(t, "connected ")
	p.Send(&testv1.Work{Topic: "a"})
	await(t, "handler", entered)
	fails(t, p.Call(&testv1.Rework{Subject: "b"}, testpeer.Key("k")), status.NotFound)
	fails(t, p.Call(&testv1.Rework{Subject: "panic"}), status.Internal)
	mustBe(t, p, "")
	p.Close()
	g.expect(t, "canceled")
	g.expect(t, "disconnected ")
	if len(worked) != 0 {
		t.Error("the asynchronous work ran")
	}
}

// TestExpiryWaitsForNoLane: a user whose time is over receives nothing more,
// though a handler holds the connection's lane.
func TestExpiryWaitsForNoLane(t *testing.T) {
	blocked := newBlocker(t)
	server, url := start(t, protoway.Config{}, joiner(), receivers.Handle(func(ctx context.Context, in *testv1.SignIn) error {
		return consumer.From(ctx).SignIn(ctx, &auth.User{ID: in.GetUser(), Expires: time.Now().Add(700 * time.Millisecond)})
	}), receivers.Handle(func(ctx context.Context, _ *testv1.Small) error { return blocked.work(ctx, &testv1.Work{}) }))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	ok(t, p.Call(&testv1.SignIn{User: "ada"}))
	expires := time.Now().Add(700 * time.Millisecond)
	joinGroup(t, p, "room")
	p.Send(&testv1.Small{})
	await(t, "handler", blocked.entered)
	p.Await("left", func(f *testpeer.Frame) bool { return f.Kind == wire.KindLeft })
	if late := time.Since(expires); late > 2*time.Second {
		t.Errorf("the user was ended %v late", late)
	}
	room, _ := server.Broadcast(t.Context(), "room", &testv1.Event{})
	own, _ := server.SendToUser(t.Context(), "ada", &testv1.Event{})
	if room != 0 || own != 0 {
		t.Errorf("the user still receives: %d, %d", room, own)
	}
	blocked.release()
}

// TestFaultsOfPartsEndOneConnection: a verifier that panics, a constructor that
// panics and a typed nil do not take the process down.
func TestFaultsOfPartsEndOneConnection(t *testing.T) {
	bad := auth.VerifierFunc(func(_ context.Context, token string) (*auth.User, error) { panic("no key for " + token) })
	asked := make(chan error, 1)
	var broken atomic.Bool
	server, url := start(t, protoway.Config{Verifier: bad}, whoAmI(),
		notes(func(ctx context.Context, _ string) error {
			asked <- consumer.From(ctx).Request(ctx, &testv1.Confirm{}, (*testv1.Confirmed)(nil))
			return nil
		}),
		receivers.PerConnection(func() *rejoiner {
			if broken.Load() {
				panic("no database")
			}
			return &rejoiner{Guarded: newGuarded()}
		}))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	fails(t, authenticate(p, 77, "x"), status.Unavailable)
	p.Send(&testv1.Note{})
	if err := await(t, "request", asked); status.CodeOf(err) != status.Internal {
		t.Errorf("typed nil: %v", err)
	}
	refused := testpeer.Dial(t, url+"?token=x", testpeer.Options{Silent: true}, fromServer...)
	refused.Write(&wire.Frame{Kind: wire.KindHello, Control: &protowayv1.Hello{}})
	if code := refused.AwaitEnd(); code != int(consumer.CloseTryLater) {
		t.Errorf("a verifier that is out of order: closed with %d", code)
	}
	broken.Store(true)
	testpeer.Dial(t, url, testpeer.Options{Silent: true}).AwaitEnd()
	mustBe(t, p, "")
	if err := server.Shutdown(t.Context()); err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

// TestShutdownWaitsForDelayedAcks: what AckAfter holds is acked.
func TestShutdownWaitsForDelayedAcks(t *testing.T) {
	server, url := start(t, protoway.Config{})
	p := testpeer.Dial(t, url, testpeer.Options{}, &protowayv1.Pong{})
	id := p.Send(&protowayv1.Ping{DelayMs: 300})
	p.Ping() // it has arrived
	eventually(t, "the ping waits", func() bool { return server.Stats().AsyncQueued == 1 })
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	ok(t, p.AwaitAck(id))
}

// TestWaitingRetryTimesOut: a retry does not wait for ever for a first attempt
// that does not end.
func TestWaitingRetryTimesOut(t *testing.T) {
	release := make(chan struct{})
	_, url := start(t, protoway.Config{}, receivers.Handle(func(context.Context, *testv1.Slow) error {
		<-release
		return nil
	}))
	ada := as(t, auth.User{ID: "ada"})
	first, second := testpeer.Dial(t, url, ada, fromServer...), testpeer.Dial(t, url, ada, fromServer...)
	fails(t, first.Call(&testv1.Slow{}, testpeer.Key("k")), status.DeadlineExceeded)
	fails(t, second.Call(&testv1.Slow{}, testpeer.Key("k")), status.DeadlineExceeded)
	close(release)
	eventually(t, "the first attempt has ended well", func() bool {
		return second.Call(&testv1.Slow{}, testpeer.Key("k")).Code() == status.OK
	})
}

// TestTicketsAreOfOneMembershipAndPath: leaving on one connection voids its
// tickets only, and a ticket is worth nothing on another path.
func TestTicketsAreOfOneMembershipAndPath(t *testing.T) {
	other := protoway.Path{Receivers: []receivers.Receiver{joiner()}}
	_, url := start(t, protoway.Config{Paths: map[string]protoway.Path{"/ws": {}, "/other": other}}, joiner())
	ada := as(t, auth.User{ID: "ada"})
	phone, desk := testpeer.Dial(t, url, ada, fromServer...), testpeer.Dial(t, url, ada, fromServer...)
	onPhone, onDesk := joinGroup(t, phone, "room"), joinGroup(t, desk, "room")
	ok(t, phone.Call(&testv1.Note{Text: "leave room"}))
	for name, tc := range map[string]struct {
		url      string
		ticket   []byte
		restored bool
	}{
		"left":         {url, onPhone, false},
		"still there":  {url, onDesk, true},
		"another path": {url[:len(url)-len("/ws")] + "/other", onDesk, false},
	} {
		if _, answer := resume(t, tc.url, ada, tickets(tc.ticket)); (answer.Kind == wire.KindJoined) != tc.restored {
			t.Errorf("%s: %v", name, answer.Control)
		}
	}
	// Leaving after a resume voids the tickets from before it too.
	back, _ := resume(t, url, ada, tickets(onDesk))
	ok(t, back.Call(&testv1.Note{Text: "leave room"}))
	if _, answer := resume(t, url, ada, tickets(onDesk)); answer.Kind != wire.KindLeft {
		t.Errorf("a ticket of an ended membership: %v", answer.Control)
	}
}

// TestPathGroupsSurviveTheUser though a receiver has joined them too.
func TestPathGroupsSurviveTheUser(t *testing.T) {
	server, url := start(t, protoway.Config{Paths: map[string]protoway.Path{"/ws": {Groups: []string{"app"}}}}, joiner(), whoAmI())
	p := testpeer.Dial(t, url, as(t, auth.User{ID: "ada"}), fromServer...)
	ok(t, p.Call(&testv1.Note{Text: "join app"}))
	ok(t, authenticate(p, 88, ""))
	if n, _ := server.Broadcast(t.Context(), "app", &testv1.Event{}); n != 1 {
		t.Errorf("reached %d", n)
	}
}

// TestNoiseIsAnsweredOnce: frames that name no id do not make the server talk.
func TestNoiseIsAnsweredOnce(t *testing.T) {
	_, url := start(t, protoway.Config{}, whoAmI())
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	noise := make([]byte, 0, 200_000)
	for len(noise) < 200_000 {
		noise = append(noise, 0x0a, 0x00) // an empty frame
	}
	p.WriteRaw(noise)
	mustBe(t, p, "")
	if came := p.Came(); len(came) > 1 {
		t.Errorf("%d answers to noise", len(came))
	}
}

func TestInFlightBytes(t *testing.T) {
	blocked := newBlocker(t)
	_, url := start(t, protoway.Config{Limits: consumer.Limits{InFlightBytes: 1000}}, receivers.Handle(blocked.work))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	large := string(make([]byte, 2000))
	alone := p.Send(&testv1.Work{Topic: large})
	await(t, "handler", blocked.entered)
	fails(t, p.Call(&testv1.Work{Topic: large + "2"}), status.ResourceExhausted)
	blocked.release()
	ok(t, p.AwaitAck(alone))
	ok(t, p.Call(&testv1.Work{Topic: large}))
}

// TestRefusalOnArrivalLeavesEarlierFrames: frames that came before one that was
// refused for load run, also if they have waited for their turn; those behind it
// wait until it has come again.
func TestRefusalOnArrivalLeavesEarlierFrames(t *testing.T) {
	for _, barrier := range []bool{false, true} {
		entered, release := make(chan struct{}, 1), make(chan struct{})
		block := func(context.Context) error {
			entered <- struct{}{}
			<-release
			return nil
		}
		var order []string
		_, url := start(t, protoway.Config{Limits: consumer.Limits{InFlightBytes: 30}},
			notes(func(ctx context.Context, text string) error {
				if order = append(order, text); text == "0" {
					return block(ctx)
				}
				return nil
			}),
			receivers.Handle(func(ctx context.Context, _ *testv1.SignIn) error { return block(ctx) }))
		p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
		if barrier { // the frames behind it wait outside of their lane
			p.Send(&testv1.SignIn{})
		} else {
			p.Send(&testv1.Note{Text: "0"}, testpeer.Key("0"))
		}
		await(t, "handler", entered)
		early := p.Send(&testv1.Note{Text: "1"}, testpeer.Key("1"))
		large := &testv1.Note{Text: strings.Repeat("2", 40)}
		fails(t, p.Call(large, testpeer.Key("2")), status.ResourceExhausted)
		fails(t, p.Call(&testv1.Note{Text: "3"}, testpeer.Key("3")), status.ResourceExhausted)
		close(release)
		ok(t, p.AwaitAck(early))
		ok(t, p.Call(large, testpeer.Key("2")))
		ok(t, p.Call(&testv1.Note{Text: "3"}, testpeer.Key("3")))
		if got := strings.Join(order, ""); !strings.HasSuffix(got, "1"+large.GetText()+"3") {
			t.Errorf("they ran in the order %s", got)
		}
	}
}

func TestStoredRepliesAreBounded(t *testing.T) {
	server, url := start(t, protoway.Config{Limits: consumer.Limits{DedupeBytes: 10_000, DedupeTotal: 8}}, receivers.Reply(
		func(_ context.Context, in *testv1.Greet) (*testv1.Greeting, error) {
			return &testv1.Greeting{Text: in.GetName()}, nil
		}))
	ada, stranger := testpeer.Dial(t, url, as(t, auth.User{ID: "ada"}), fromServer...), testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	ok(t, stranger.Call(&testv1.Greet{}, testpeer.Key("1")))
	ok(t, stranger.Call(&testv1.Greet{}, testpeer.Key("2")))
	fails(t, stranger.Call(&testv1.Greet{}, testpeer.Key("3")), status.ResourceExhausted) // a quarter of 8
	ok(t, ada.Call(&testv1.Greet{Name: string(make([]byte, 11_000))}, testpeer.Key("1")))
	fails(t, ada.Call(&testv1.Greet{}, testpeer.Key("2")), status.ResourceExhausted)
	if n := server.Stats().DedupeEntries; n != 3 {
		t.Errorf("%d entries", n)
	}
}

func TestSignInNeedsAnIdentityRoute(t *testing.T) {
	_, url := start(t, protoway.Config{}, whoAmI(), notes(func(ctx context.Context, text string) error {
		return consumer.From(ctx).SignIn(ctx, &auth.User{ID: text})
	}))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	fails(t, p.Call(&testv1.Note{Text: "ada"}), status.FailedPrecondition)
	mustBe(t, p, "")
}

// TestRefusedKeysAreBounded: a client that does not come back with what was
// refused cannot make the server remember without end.
func TestRefusedKeysAreBounded(t *testing.T) {
	_, url := start(t, protoway.Config{Limits: consumer.Limits{DedupePerUser: 1, MaxInFlight: 10}},
		receivers.Handle(func(context.Context, *testv1.Work) error { return nil }))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	ok(t, p.Call(&testv1.Work{Topic: "first"}, testpeer.Key("first")))
	for i := range 20 {
		fails(t, p.Call(&testv1.Work{Topic: fmt.Sprint(i)}, testpeer.Key("k")), status.ResourceExhausted)
	}
	p.Send(&testv1.Work{Topic: "one too many"}, testpeer.Key("k"))
	if code := p.AwaitEnd(); code != int(consumer.CloseSlow) {
		t.Errorf("closed with %d", code)
	}
}

// TestHugeTokensAreBadTokens: they end the identity as any bad token does, and
// are not kept while they wait.
func TestHugeTokensAreBadTokens(t *testing.T) {
	blocked := newBlocker(t)
	_, url := start(t, protoway.Config{}, whoAmI(), receivers.Handle(func(ctx context.Context, _ *testv1.Small) error {
		return blocked.work(ctx, &testv1.Work{})
	}))
	p := testpeer.Dial(t, url, as(t, auth.User{ID: "ada"}), fromServer...)
	p.Send(&testv1.Small{})
	await(t, "handler", blocked.entered)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const frames, size = 100, 1 << 19
	huge := strings.Repeat("x", size)
	for i := range uint64(frames) {
		p.Write(&wire.Frame{ID: 1000 + i, Kind: wire.KindAuthenticate, Control: &protowayv1.Authenticate{Token: huge}})
	}
	p.Ping() // they have arrived, and wait behind the handler
	runtime.GC()
	runtime.ReadMemStats(&after)
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > frames*size/4 {
		t.Errorf("%d bytes are kept for tokens that nobody could verify", kept)
	}
	blocked.release()
	for i := range uint64(frames) {
		fails(t, p.AwaitAck(1000+i), status.Unauthenticated)
	}
	mustBe(t, p, "")
}

// TestPanicsOfVerifiersDoNotLogTokens though their text may hold one.
func TestPanicsOfVerifiersDoNotLogTokens(t *testing.T) {
	var log syncBuilder
	bad := auth.VerifierFunc(func(_ context.Context, token string) (*auth.User, error) { panic("no key for " + token) })
	_, url := start(t, protoway.Config{Verifier: bad, Logger: slog.New(slog.NewTextHandler(&log, nil))}, whoAmI())
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	fails(t, authenticate(p, 5, "very.secret.token"), status.Unavailable)
	if text := log.String(); strings.Contains(text, "very.secret.token") || !strings.Contains(text, "no key for [token]") {
		t.Errorf("the log says %s", text)
	}
}

// syncBuilder is a strings.Builder for several goroutines.
type syncBuilder struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *syncBuilder) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuilder) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
