package client_test

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway"
	client "github.com/protoway/protoway/clients/go"
	"github.com/protoway/protoway/consumer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
)

// confirms asks the client on every note and returns what it answers.
func confirms() receivers.Receiver {
	return onNote(func(ctx context.Context, text string) error {
		var out testv1.Confirmed
		if err := consumer.From(ctx).Request(ctx, &testv1.Confirm{Question: text}, &out); err != nil {
			return err
		}
		if !out.GetYes() {
			return status.Aborted.Errorf("the client said no")
		}
		return nil
	})
}

func TestAnswer(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			g := serve(t, protoway.Config{}, confirms())
			conn := g.dial(t, client.WithDialect(dialect))
			client.Answer(conn, func(_ context.Context, in *testv1.Confirm) (*testv1.Confirmed, error) {
				switch in.GetQuestion() {
				case "panic":
					panic("the handler is broken")
				case "refuse":
					return nil, status.PermissionDenied.Errorf("not by me")
				case "hide":
					return nil, errors.New("the password is hunter2")
				case "nothing":
					return nil, nil
				default:
					return &testv1.Confirmed{Yes: in.GetQuestion() == "yes"}, nil
				}
			})
			for _, tc := range []struct {
				question, text string
				code           status.Code
			}{
				{"yes", "", status.OK},
				{"no", "the client said no", status.Aborted},
				{"refuse", "not by me", status.PermissionDenied},
				{"hide", "internal error", status.Internal},
				{"nothing", "internal error", status.Internal},
				{"panic", "internal error", status.Internal},
				{"yes", "", status.OK},
			} {
				err := conn.Call(deadline(t), &testv1.Note{Text: tc.question}, nil)
				if status.CodeOf(err) != tc.code || err != nil && status.From(err).Text != tc.text {
					t.Errorf("%s: %v, want %v %q", tc.question, err, tc.code, tc.text)
				}
			}
		})
	}
}

func TestRequestThatNobodyHandlesIsUnimplemented(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			g := serve(t, protoway.Config{}, confirms())
			conn := g.dial(t, client.WithDialect(dialect))
			if err := conn.Call(deadline(t), &testv1.Note{}, nil); status.CodeOf(err) != status.Unimplemented {
				t.Errorf("Call = %v", err)
			}
		})
	}
}

func TestAnswerOfAnotherTypeIsInternal(t *testing.T) {
	g := serve(t, protoway.Config{}, confirms())
	conn := g.dial(t)
	conn.OnMessage(&testv1.Confirm{}, func(context.Context, proto.Message) (proto.Message, error) {
		return &testv1.Note{}, nil
	})
	if err := conn.Call(deadline(t), &testv1.Note{}, nil); status.CodeOf(err) != status.Internal {
		t.Errorf("Call = %v", err)
	}
}

// The server's handler waits for the answer in the lane of the connection, so
// the call that is made while answering gets through only as part of the request.
func TestAnswerMayCall(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			g := serve(t, protoway.Config{}, confirms(), greet())
			conn := g.dial(t, client.WithDialect(dialect))
			client.Answer(conn, func(ctx context.Context, _ *testv1.Confirm) (*testv1.Confirmed, error) {
				var out testv1.Greeting
				if err := conn.Call(ctx, &testv1.Greet{Name: "Ada"}, &out); err != nil {
					return nil, err
				}
				return &testv1.Confirmed{Yes: out.GetText() == "hello Ada"}, nil
			})
			if err := conn.Call(deadline(t), &testv1.Note{}, nil); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestHandlersRunInOrderOfArrival(t *testing.T) {
	const events = 2000 // more than the queue, and more than a client may put into one message
	g := serve(t, protoway.Config{}, onNote(func(ctx context.Context, _ string) error {
		for i := range events {
			if err := consumer.From(ctx).Send(ctx, &testv1.Event{Number: int64(i)}); err != nil {
				return err
			}
		}
		return nil
	}))
	conn := g.dial(t, client.WithQueue(16))
	done := make(chan struct{})
	next := int64(0) // of the one goroutine that runs handlers
	client.On(conn, func(_ context.Context, in *testv1.Event) {
		if in.GetNumber() != next {
			t.Errorf("got %d, want %d", in.GetNumber(), next)
		}
		if next++; next == events {
			close(done)
		}
	})
	client.On(conn, func(_ context.Context, in *testv1.Event) {
		if in.GetNumber() != next-1 {
			t.Errorf("the second handler got %d before the first one", in.GetNumber())
		}
		panic("this costs nothing but a line in the log")
	})
	if err := conn.Call(deadline(t), &testv1.Note{}, nil); err != nil {
		t.Fatal(err)
	}
	await(t, "the last event", done)
}

func TestMessagesWithoutHandlerAreToldAsUnknown(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			g := serve(t, protoway.Config{}, onNote(func(ctx context.Context, _ string) error {
				return consumer.From(ctx).Send(ctx, &testv1.Event{Text: "hi"})
			}))
			unknown := make(chan string, 1)
			conn := g.dial(t, client.WithDialect(dialect), client.OnUnknown(func(_ context.Context, kind string, payload []byte) {
				if len(payload) == 0 {
					t.Error("the payload is empty")
				}
				unknown <- kind
			}))
			if err := conn.Call(deadline(t), &testv1.Note{}, nil); err != nil {
				t.Fatal(err)
			}
			if kind := await(t, "the unknown message", unknown); kind != "event" {
				t.Errorf("got %q", kind)
			}
		})
	}
}

func TestHandlersOfDialGetTheFirstMessages(t *testing.T) {
	g := serve(t, protoway.Config{}, greeter{})
	first := make(chan string, 1)
	conn := g.dial(t, client.WithHandlers(func(c client.Caller) {
		if err := c.Call(deadline(t), &testv1.Note{}, nil); status.CodeOf(err) != status.FailedPrecondition {
			t.Errorf("a call before the handshake: %v", err)
		}
		client.On(c, func(_ context.Context, in *testv1.Event) { first <- in.GetText() })
	}))
	if text := await(t, "the first message", first); text != "welcome" {
		t.Errorf("got %q", text)
	}
	_ = conn
}

// greeter sends a message to each connection before any other.
type greeter struct{}

func (greeter) Routes() ([]consumer.Route, error) { return nil, nil }

func (greeter) Connected(ctx context.Context) error {
	return consumer.From(ctx).Send(ctx, &testv1.Event{Text: "welcome"})
}

func TestOnMessageRefusesWhatHasNoType(t *testing.T) {
	g := serve(t, protoway.Config{}, greet())
	conn := g.dial(t)
	for name, register := range map[string]func(){
		"no example": func() { client.On(conn, func(context.Context, proto.Message) {}) },
		"no rules": func() {
			conn.OnMessage(&emptyRules, func(context.Context, proto.Message) (proto.Message, error) { return nil, nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it did not panic")
				}
			}()
			register()
		})
	}
}
