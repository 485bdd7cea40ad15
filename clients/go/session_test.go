package client_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/protoway/protoway"
	client "github.com/protoway/protoway/clients/go"
	"github.com/protoway/protoway/consumer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
)

// joins lets clients into the group of a topic.
func joins() receivers.Receiver {
	return receivers.Handle(func(ctx context.Context, in *testv1.Work) error {
		return consumer.From(ctx).Join(ctx, in.GetTopic())
	})
}

// says tells the group tea a note, for which one must be in it.
func says() receivers.Receiver {
	return onNote(func(ctx context.Context, text string) error {
		me := consumer.From(ctx)
		if !me.In("tea") {
			return status.FailedPrecondition.Errorf("join first")
		}
		return me.Broadcast(ctx, "tea", &testv1.Event{Text: text})
	})
}

func TestSessionIsPreparedBeforeTheOutboxGoes(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			h := newHost(t, newServer(t, protoway.Config{}, joins(), says()))
			sessions, heard := make(chan client.Session, 10), make(chan string, 10)
			var c *client.Client
			c = h.client(client.WithDialect(dialect), client.OnSession(func(ctx context.Context, s client.Session) error {
				sessions <- s
				return c.Call(ctx, &testv1.Work{Topic: "tea"}, nil)
			}))
			client.On(c, func(_ context.Context, in *testv1.Event) { heard <- in.GetText() })
			said := make(chan error, 1)
			go func() { said <- c.Call(t.Context(), &testv1.Note{Text: "first"}, nil) }()
			if err := c.Connect(deadline(t)); err != nil {
				t.Fatal(err)
			}
			if err := await(t, "the note that waited", said); err != nil {
				t.Error(err)
			}
			if s := await(t, "the first session", sessions); !s.First || s.Name == "" || s.User != "" || len(s.Lost) != 0 {
				t.Errorf("session %+v", s)
			}
			h.down()
			h.up()
			if err := c.Call(deadline(t), &testv1.Note{Text: "resumed"}, nil); err != nil {
				t.Error(err)
			}
			if len(sessions) != 0 {
				t.Errorf("a session that was resumed was prepared anew: %+v", <-sessions)
			}
			h.down()
			h.become(newServer(t, protoway.Config{Secret: []byte("another secret of thirty-two bytes")}, joins(), says()))
			h.up()
			if err := c.Call(deadline(t), &testv1.Note{Text: "anew"}, nil); err != nil {
				t.Error(err)
			}
			if s := await(t, "the session on another server", sessions); s.First || !slices.Equal(s.Lost, []string{"tea"}) {
				t.Errorf("session %+v", s)
			}
			for _, want := range []string{"first", "resumed", "anew"} {
				if got := await(t, want, heard); got != want {
					t.Errorf("heard %q, want %q", got, want)
				}
			}
		})
	}
}

// A preparation that fails is owed to the next session.
func TestSessionThatWasNotPreparedIsPreparedNextTime(t *testing.T) {
	h := newHost(t, newServer(t, protoway.Config{}, greet()))
	var ran atomic.Int32
	c := h.connected(client.OnSession(func(context.Context, client.Session) error {
		switch ran.Add(1) {
		case 1:
			return errors.New("not today")
		case 2:
			panic("the application is broken")
		default:
			return nil
		}
	}))
	for want := range int32(4) {
		if err := c.Call(deadline(t), &testv1.Greet{}, nil); err != nil {
			t.Fatal(err)
		}
		if got := ran.Load(); got != min(want+1, 3) {
			t.Errorf("it ran %d times on %d sessions", got, want+1)
		}
		h.cut()
		eventually(t, "it reconnects", func() bool { return c.Call(deadline(t), &testv1.Greet{}, nil) == nil })
	}
}

// A handler may call while its connection is lost: the next one does not wait for
// it, and its messages do.
func TestHandlersOfALostConnectionMayCall(t *testing.T) {
	h := newHost(t, newServer(t, protoway.Config{}, greet(), onNote(func(ctx context.Context, text string) error {
		return consumer.From(ctx).Send(ctx, &testv1.Event{Text: text})
	})))
	c := h.connected()
	entered, heard := make(chan struct{}, 1), make(chan string, 2)
	cut := make(chan struct{})
	client.On(c, func(ctx context.Context, in *testv1.Event) {
		if in.GetText() == "one" {
			entered <- struct{}{}
			<-cut
			if err := c.Call(ctx, &testv1.Greet{}, &testv1.Greeting{}); err != nil {
				t.Error(err)
			}
		}
		heard <- in.GetText()
	})
	if err := c.Call(deadline(t), &testv1.Note{Text: "one"}, nil); err != nil {
		t.Fatal(err)
	}
	await(t, "the handler", entered)
	h.cut()
	if err := c.Call(deadline(t), &testv1.Note{Text: "two"}, nil); err != nil {
		t.Fatal(err)
	}
	close(cut)
	for _, want := range []string{"one", "two"} {
		if got := await(t, want, heard); got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
}

// Calls of a handler that answers belong to the request, past the outbox.
func TestAnswerOfAClientMayCall(t *testing.T) {
	h := newHost(t, newServer(t, protoway.Config{}, confirms(), greet()))
	c := h.connected()
	client.Answer(c, func(ctx context.Context, _ *testv1.Confirm) (*testv1.Confirmed, error) {
		var out testv1.Greeting
		if err := c.Call(ctx, &testv1.Greet{Name: "Ada"}, &out, client.Key("k")); err != nil {
			return nil, err
		}
		return &testv1.Confirmed{Yes: out.GetText() == "hello Ada"}, c.Send(ctx, &testv1.Greet{})
	})
	if err := c.Call(deadline(t), &testv1.Note{}, nil); err != nil {
		t.Error(err)
	}
}

func TestCallOptionsOfAClient(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			h := newHost(t, newServer(t, protoway.Config{}, onNote(func(ctx context.Context, _ string) error {
				me := consumer.From(ctx)
				for i := range 200 { // more than may wait for the caller
					if err := errors.Join(me.Progress(ctx, 0.5, "half"), me.Send(ctx, &testv1.Event{Number: int64(i)})); err != nil {
						return err
					}
				}
				return nil
			})))
			c := h.connected(client.WithDialect(dialect))
			progress, events := 0, 0
			err := c.Call(deadline(t), &testv1.Note{}, nil, client.OnProgress(func(float64, string) { progress++ }),
				client.OnMessage(func(in *testv1.Event) {
					if in.GetNumber() != int64(events) {
						t.Errorf("event %d is %d", events, in.GetNumber())
					}
					events++
				}))
			if err != nil || progress != 200 || events != 200 {
				t.Errorf("told %d and %d times, %v", progress, events, err)
			}
			for name, opt := range map[string]client.CallOption{
				"a long key": client.Key(strings.Repeat("k", 200)), "no rules": client.OnMessage(func(*emptypb.Empty) {}),
			} {
				if err := c.Call(deadline(t), &testv1.Note{}, nil, opt); status.CodeOf(err) != status.InvalidArgument {
					t.Errorf("%s: %v", name, err)
				}
			}
			large := strings.Repeat("x", 2<<20)
			if err := c.Call(deadline(t), &testv1.Note{Text: large}, nil); status.CodeOf(err) != status.InvalidArgument {
				t.Errorf("more than the server reads: %v", err)
			}
		})
	}
}
