package protoway_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

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

// Guarded wants to be told everything.
type Guarded struct {
	Greeter
	refuse  atomic.Pointer[string] // user that may not connect
	forbid  atomic.Pointer[string] // group that may not be resumed
	happens chan string
}

func (g *Guarded) Connected(ctx context.Context) error {
	me := consumer.From(ctx)
	if refused := g.refuse.Load(); refused != nil && *refused == me.User().ID {
		return status.PermissionDenied.Errorf("user %q is not wanted", me.User().ID)
	}
	g.happens <- "connected " + me.User().ID
	return errors.Join(me.Join(ctx, "hall"), me.Send(ctx, &testv1.Event{Text: "hello"}))
}

func (g *Guarded) Authenticated(ctx context.Context) {
	g.happens <- "authenticated " + consumer.From(ctx).User().ID
}

func (g *Guarded) Rejoin(_ context.Context, group string) error {
	if forbidden := g.forbid.Load(); forbidden != nil && *forbidden == group {
		return status.PermissionDenied.Errorf("not %s any more", group)
	}
	g.happens <- "rejoin " + group
	return nil
}

func (g *Guarded) Disconnected(ctx context.Context) {
	g.happens <- "disconnected " + consumer.From(ctx).User().ID
}

func newGuarded() *Guarded { return &Guarded{happens: make(chan string, 100)} }

func (g *Guarded) expect(t *testing.T, want string) {
	t.Helper()
	if got := await(t, want, g.happens); got != want {
		t.Fatalf("%q happened, want %q", got, want)
	}
}

func TestLifecycle(t *testing.T) {
	g := newGuarded()
	_, url := start(t, protoway.Config{}, receivers.Discover(g), whoAmI())
	p := testpeer.Dial(t, url, as(t, auth.User{ID: "ada"}), fromServer...)
	g.expect(t, "connected ada")
	hall := awaitJoined(t, p)
	p.AwaitMessage("event")
	ok(t, authenticate(p, 11, token(t, auth.User{ID: "bob"})))
	g.expect(t, "authenticated bob")
	p.Close()
	g.expect(t, "disconnected bob")

	// Connected joins the hall of its own accord, so a ticket finds it joined.
	forbidden := "hall"
	g.forbid.Store(&forbidden)
	back, answer := resume(t, url, as(t, auth.User{ID: "ada"}), tickets(hall.GetTicket()))
	_ = answer
	g.expect(t, "connected ada")
	refused := "eve"
	g.refuse.Store(&refused)
	eve := testpeer.Dial(t, url, withSilence(as(t, auth.User{ID: "eve"})), fromServer...)
	eve.Write(&wire.Frame{Kind: wire.KindHello, Control: &protowayv1.Hello{}})
	if code := eve.AwaitEnd(); code != int(consumer.CloseRefused) || len(eve.Came()) != 0 {
		t.Errorf("refused with %d and %v", code, eve.Came())
	}
	back.Close()
	g.expect(t, "disconnected ada")
}

func withSilence(o testpeer.Options) testpeer.Options {
	o.Silent = true
	return o
}

func TestRejoinMayRefuse(t *testing.T) {
	g := newGuarded()
	_, url := start(t, protoway.Config{}, receivers.PerConnection(func() *rejoiner { return &rejoiner{Guarded: g} }), joiner())
	ada := as(t, auth.User{ID: "ada"})
	p := testpeer.Dial(t, url, ada, fromServer...)
	ticket := joinGroup(t, p, "room")
	p.Close()
	_, answer := resume(t, url, ada, tickets(ticket))
	g.expect(t, "rejoin room")
	if answer.Kind != wire.KindJoined {
		t.Errorf("answer %v", answer.Control)
	}
	forbidden := "room"
	g.forbid.Store(&forbidden)
	_, answer = resume(t, url, ada, tickets(ticket))
	if left, isLeft := answer.Control.(*protowayv1.Left); !isLeft || !strings.Contains(left.GetReason(), "not room any more") {
		t.Errorf("answer %v", answer.Control)
	}
}

// rejoiner has only Rejoin of Guarded, and state of its own.
type rejoiner struct {
	*Guarded
	calls int
}

func (r *rejoiner) Connected(context.Context) error { return nil }
func (r *rejoiner) Authenticated(context.Context)   {}
func (r *rejoiner) Disconnected(context.Context)    {}

// Note hides the one of Greeter: another receiver handles notes in this test.
func (r *rejoiner) Note() {}

// Greet counts without a lock: the frames of a connection run one by one.
func (r *rejoiner) Greet(context.Context, *testv1.Greet) (*testv1.Greeting, error) {
	r.calls++
	return &testv1.Greeting{Text: strings.Repeat("i", r.calls)}, nil
}

func TestPerConnectionKeepsState(t *testing.T) {
	g := newGuarded()
	_, url := start(t, protoway.Config{}, receivers.PerConnection(func() *rejoiner { return &rejoiner{Guarded: g} }))
	a, b := testpeer.Dial(t, url, testpeer.Options{}, fromServer...), testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	for i, want := range []struct {
		p    *testpeer.Peer
		text string
	}{{a, "i"}, {a, "ii"}, {b, "i"}, {a, "iii"}} {
		if got := want.p.Call(&testv1.Greet{}).Value.(*testv1.Greeting).GetText(); got != want.text {
			t.Errorf("call %d: %q, want %q", i, got, want.text)
		}
	}
}

// TestDisconnectedComesAfterTheLastHandler and handlers without a key are canceled.
func TestDisconnectedComesAfterTheLastHandler(t *testing.T) {
	g := newGuarded()
	entered := make(chan struct{})
	_, url := start(t, protoway.Config{}, receivers.Discover(g), receivers.Handle(func(ctx context.Context, _ *testv1.Work) error {
		close(entered)
		<-ctx.Done()
		g.happens <- "handler " + ctx.Err().Error()
		if err := consumer.From(ctx).Join(context.WithoutCancel(ctx), "late"); status.CodeOf(err) != status.Canceled {
			g.happens <- "joined a closed connection"
		}
		return nil
	}))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	g.expect(t, "connected ")
	p.Send(&testv1.Work{})
	await(t, "handler", entered)
	p.Close()
	g.expect(t, "handler context canceled")
	g.expect(t, "disconnected ")
}

func TestShutdownFinishesWhatRuns(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	server, url := start(t, protoway.Config{}, whoAmI(), receivers.Handle(func(context.Context, *testv1.Work) error {
		close(entered)
		<-release
		return nil
	}))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	id := p.Send(&testv1.Work{})
	await(t, "handler", entered)
	ended := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), testpeer.Patience)
		defer cancel()
		ended <- server.Shutdown(ctx)
	}()
	p.Await("goaway", func(f *testpeer.Frame) bool { return f.Kind == wire.KindGoaway })
	fails(t, p.Call(&testv1.WhoAmI{}), status.Unavailable)
	if _, err := testpeer.TryDial(t, url, testpeer.Options{}); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("a new connection: %v", err)
	}
	close(release)
	ok(t, p.AwaitAck(id))
	if code := p.AwaitEnd(); code != int(consumer.CloseGoingAway) {
		t.Errorf("close code %d", code)
	}
	if err := await(t, "shutdown", ended); err != nil {
		t.Error(err)
	}
}

func TestShutdownSaysWhatItCutOff(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	server, url := start(t, protoway.Config{}, receivers.Handle(func(context.Context, *testv1.Work) error {
		close(entered)
		<-release
		return nil
	}))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	p.Send(&testv1.Work{})
	await(t, "handler", entered)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("shutdown: %v", err)
	}
	close(release)
}

func TestHandlersMayClose(t *testing.T) {
	_, url := start(t, protoway.Config{}, notes(func(ctx context.Context, text string) error {
		consumer.From(ctx).Close(text, text == "again")
		return nil
	}))
	for text, code := range map[string]consumer.CloseCode{"again": consumer.CloseByServer, "for good": consumer.CloseDisconnected} {
		p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
		p.Send(&testv1.Note{Text: text})
		if got := p.AwaitEnd(); got != int(code) {
			t.Errorf("%q closed with %d, want %d", text, got, code)
		}
	}
}

// TestSilenceEndsAndHeartbeatsKeep: who says nothing is closed, who beats is not.
func TestSilenceEndsAndHeartbeatsKeep(t *testing.T) {
	_, url := start(t, protoway.Config{Limits: consumer.Limits{Heartbeat: 300 * time.Millisecond}}, whoAmI())
	silent := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	alive := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	ended := make(chan int, 1)
	go func() { ended <- silent.AwaitEnd() }()
	for {
		alive.Write(&wire.Frame{Kind: wire.KindHeartbeat, Control: &protowayv1.Heartbeat{}})
		select {
		case code := <-ended:
			if code != int(consumer.CloseIdle) {
				t.Errorf("close code %d", code)
			}
			mustBe(t, alive, "")
			alive.Await("heartbeat", func(f *testpeer.Frame) bool { return f.Kind == wire.KindHeartbeat })
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}
