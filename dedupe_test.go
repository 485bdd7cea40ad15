package protoway_test

import (
	"context"
	"fmt"
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

// counted greets with a running number, so that a second run shows. "fail <code>"
// fails instead.
func counted(runs *atomic.Int64) receivers.Receiver {
	return receivers.Reply(func(_ context.Context, in *testv1.Greet) (*testv1.Greeting, error) {
		n := runs.Add(1)
		if name, failing := strings.CutPrefix(in.GetName(), "fail "); failing {
			code, _ := status.ParseCode(name)
			return nil, code.Errorf("run %d", n)
		}
		return &testv1.Greeting{Text: fmt.Sprintf("run %d", n)}, nil
	})
}

func TestKeyedFramesRunOnce(t *testing.T) {
	var runs atomic.Int64
	_, url := start(t, protoway.Config{}, counted(&runs))
	ada := as(t, auth.User{ID: "ada"})
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			runs.Store(0)
			ada.Dialect = dialect
			p := testpeer.Dial(t, url, ada, fromServer...)
			again := testpeer.Dial(t, url, ada, fromServer...) // another connection of the same user
			bob := testpeer.Dial(t, url, as(t, auth.User{ID: "bob"}), fromServer...)
			key := testpeer.Key("k" + dialect.Name())
			for _, from := range []*testpeer.Peer{p, p, again} {
				if got := from.Call(&testv1.Greet{Name: "x"}, key).Value.(*testv1.Greeting).GetText(); got != "run 1" {
					t.Errorf("reply %q", got)
				}
			}
			fails(t, p.Call(&testv1.Greet{Name: "y"}, key), status.AlreadyExists)
			if got := bob.Call(&testv1.Greet{Name: "x"}, key).Value.(*testv1.Greeting).GetText(); got != "run 2" {
				t.Errorf("another user's reply %q", got)
			}
			p.Call(&testv1.Greet{Name: "x"})
			p.Call(&testv1.Greet{Name: "x"})
			if runs.Load() != 4 {
				t.Errorf("%d runs, want 4: frames without a key always run", runs.Load())
			}
		})
	}
}

func TestWhichOutcomesAreKept(t *testing.T) {
	var runs atomic.Int64
	_, url := start(t, protoway.Config{}, counted(&runs))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	kept := map[status.Code]bool{
		status.NotFound: true, status.InvalidArgument: true, status.FailedPrecondition: true, status.Internal: true,
		status.Unavailable: false, status.ResourceExhausted: false, status.PermissionDenied: false,
		status.Unauthenticated: false, status.Canceled: false, status.DeadlineExceeded: false,
	}
	for code, stored := range kept {
		runs.Store(0)
		in, key := &testv1.Greet{Name: "fail " + code.String()}, testpeer.Key(code.String())
		fails(t, p.Call(in, key), code)
		fails(t, p.Call(in, key), code)
		if ran := runs.Load(); (ran == 1) != stored {
			t.Errorf("%v: ran %d times, kept should be %v", code, ran, stored)
		}
	}
}

// TestRetryWaitsForTheFirstAttempt: a frame that comes again while it runs is
// acked when it has ended, also after its first connection is gone.
func TestRetryWaitsForTheFirstAttempt(t *testing.T) {
	var runs atomic.Int64
	entered, release := make(chan struct{}, 2), make(chan struct{})
	_, url := start(t, protoway.Config{}, whoAmI(), receivers.Reply(func(ctx context.Context, _ *testv1.Greet) (*testv1.Greeting, error) {
		entered <- struct{}{}
		<-release
		return &testv1.Greeting{Text: fmt.Sprintf("run %d, canceled %v", runs.Add(1), ctx.Err() != nil)}, nil
	}))
	ada := as(t, auth.User{ID: "ada"})
	first := testpeer.Dial(t, url, ada, fromServer...)
	first.Send(&testv1.Greet{}, testpeer.Key("k"))
	await(t, "the handler", entered)
	first.Close()
	second := testpeer.Dial(t, url, ada, fromServer...)
	id := second.Send(&testv1.Greet{}, testpeer.Key("k"))
	mustBe(t, second, "ada") // the waiting frame takes no lane and no worker
	if len(second.Came()) != 0 {
		t.Error("the retry was acked before its first attempt ended")
	}
	close(release)
	if got := second.AwaitAck(id).Value.(*testv1.Greeting).GetText(); got != "run 1, canceled false" {
		t.Errorf("reply %q", got)
	}
	if len(entered) != 0 {
		t.Error("it ran twice")
	}
}

func TestDedupeBoundsAndWindow(t *testing.T) {
	var runs atomic.Int64
	server, url := start(t, protoway.Config{Limits: consumer.Limits{DedupePerUser: 2, DedupeTotal: 3, DedupeWindow: 300 * time.Millisecond}}, counted(&runs))
	ada := testpeer.Dial(t, url, as(t, auth.User{ID: "ada"}), fromServer...)
	bob := testpeer.Dial(t, url, as(t, auth.User{ID: "bob"}), fromServer...)
	ok(t, ada.Call(&testv1.Greet{}, testpeer.Key("1")))
	ok(t, ada.Call(&testv1.Greet{}, testpeer.Key("2")))
	ack := ada.Call(&testv1.Greet{}, testpeer.Key("3"))
	ok(t, bob.Call(&testv1.Greet{}, testpeer.Key("1")))
	full := bob.Call(&testv1.Greet{}, testpeer.Key("2"))
	if server.Stats().DedupeEntries > 3 {
		t.Errorf("%d entries", server.Stats().DedupeEntries)
	}
	if ack.Code() != status.ResourceExhausted && ack.Code() != status.OK || full.Code() != status.ResourceExhausted && full.Code() != status.OK {
		t.Errorf("past the bounds: %v, %v", ack.Ack.Error, full.Ack.Error)
	}
	eventually(t, "the window passes", func() bool {
		return ada.Call(&testv1.Greet{}, testpeer.Key("3")).Code() == status.OK
	})
}

func TestKeysMeanNothingWhereTheSchemaSaysNone(t *testing.T) {
	var runs atomic.Int64
	_, url := start(t, protoway.Config{}, whoAmI(), receivers.Handle(func(ctx context.Context, in *testv1.SignIn) error {
		runs.Add(1)
		return consumer.From(ctx).SignIn(ctx, &auth.User{ID: in.GetUser()})
	}))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	for range 2 {
		ok(t, p.Call(&testv1.SignIn{User: "ada"}, testpeer.Key("k")))
	}
	if runs.Load() != 2 {
		t.Errorf("%d runs", runs.Load())
	}
}

// TestSettledKeysAreForgotten as soon as the client says so, if it has the feature
// and the frame has ended.
func TestSettledKeysAreForgotten(t *testing.T) {
	var runs atomic.Int64
	for _, dialect := range dialects {
		server, url := start(t, protoway.Config{}, counted(&runs))
		p := testpeer.Dial(t, url, testpeer.Options{Dialect: dialect, Hello: &protowayv1.Hello{Features: []string{"settled"}}}, fromServer...)
		settle := func(p *testpeer.Peer, ids ...uint64) {
			p.Write(&wire.Frame{Kind: wire.KindSettled, Control: &protowayv1.Settled{Ids: ids}})
			p.Ping()
		}
		first := p.Send(&testv1.Greet{}, testpeer.Key("a"))
		ok(t, p.AwaitAck(first))
		again := p.Send(&testv1.Greet{}, testpeer.Key("a")) // a copy of it
		ok(t, p.AwaitAck(again))
		settle(p, 0, 999, 1<<63)
		if n := server.Stats().DedupeEntries; n != 1 {
			t.Errorf("%d keys are remembered before any is settled, want 1", n)
		}
		settle(p, first, first)
		settle(p, again)
		if n := server.Stats().DedupeEntries; n != 0 {
			t.Errorf("%d keys are remembered after all were settled", n)
		}
		// A client without the feature changes nothing.
		plain := testpeer.Dial(t, url, testpeer.Options{Dialect: dialect}, fromServer...)
		id := plain.Send(&testv1.Greet{}, testpeer.Key("a"))
		ok(t, plain.AwaitAck(id))
		settle(plain, id)
		if n := server.Stats().DedupeEntries; n != 1 {
			t.Errorf("%d keys are remembered, want 1", n)
		}
	}
}
