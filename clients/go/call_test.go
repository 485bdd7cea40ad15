package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/protoway/protoway"
	client "github.com/protoway/protoway/clients/go"
	"github.com/protoway/protoway/consumer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/status"
)

func TestCall(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			noted := make(chan string, 2)
			g := serve(t, protoway.Config{}, greet(), onNote(func(_ context.Context, text string) error {
				noted <- text
				return nil
			}))
			conn := g.dial(t, client.WithDialect(dialect))
			var out testv1.Greeting
			if err := conn.Call(deadline(t), &testv1.Greet{Name: "Ada"}, &out); err != nil || out.GetText() != "hello Ada" {
				t.Errorf("Call = %q, %v", out.GetText(), err)
			}
			if err := conn.Call(deadline(t), &testv1.Greet{Name: "Ada"}, nil); err != nil {
				t.Errorf("a reply that nobody wants: %v", err)
			}
			if err := conn.Call(deadline(t), &testv1.Note{Text: "acked"}, nil); err != nil {
				t.Errorf("Call without a reply: %v", err)
			}
			if err := conn.Send(deadline(t), &testv1.Note{Text: "sent"}); err != nil {
				t.Errorf("Send: %v", err)
			}
			for _, want := range []string{"acked", "sent"} {
				if got := await(t, want, noted); got != want {
					t.Errorf("the server got %q, want %q", got, want)
				}
			}
		})
	}
}

func TestCallReturnsWhatTheServerAcked(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			g := serve(t, protoway.Config{}, onNote(func(_ context.Context, text string) error {
				if text == "app" {
					return status.App(7, "no tea").WithDetail(durationpb.New(time.Minute)).After(1500 * time.Millisecond)
				}
				return status.NotFound.Errorf("no room %q", text)
			}))
			conn := g.dial(t, client.WithDialect(dialect))
			err := conn.Call(deadline(t), &testv1.Note{Text: "x"}, nil)
			if !errors.Is(err, &status.Error{Code: status.NotFound}) || !strings.Contains(err.Error(), `no room "x"`) {
				t.Errorf("Call = %v", err)
			}
			var failure *status.Error
			err = conn.Call(deadline(t), &testv1.Note{Text: "app"}, nil)
			if !errors.As(err, &failure) || failure.AppCode != 7 || failure.RetryAfter != 1500*time.Millisecond || len(failure.Details) != 1 {
				t.Fatalf("Call = %+v", err)
			}
			var detail durationpb.Duration
			if err := failure.Details[0].UnmarshalTo(&detail); err != nil || detail.GetSeconds() != 60 {
				t.Errorf("detail = %v, %v", &detail, err)
			}
			if err := conn.Call(deadline(t), &testv1.Small{}, nil); status.CodeOf(err) != status.Unimplemented {
				t.Errorf("a message without a receiver: %v", err)
			}
		})
	}
}

func TestCallRefusesWhatCannotBeSent(t *testing.T) {
	g := serve(t, protoway.Config{}, greet())
	conn := g.dial(t)
	for name, tc := range map[string]struct{ in, out proto.Message }{
		"nil":             {nil, nil},
		"typed nil":       {(*testv1.Greet)(nil), nil},
		"of the server":   {&testv1.Event{}, nil},
		"without a type":  {&durationpb.Duration{}, nil},
		"another reply":   {&testv1.Greet{}, &testv1.You{}},
		"nil reply":       {&testv1.Greet{}, (*testv1.Greeting)(nil)},
		"no reply at all": {&testv1.Note{}, &testv1.Greeting{}},
		"too large":       {&testv1.Note{Text: strings.Repeat("x", 1<<20)}, nil},
		"not UTF-8":       {&testv1.Note{Text: "\xff"}, nil},
	} {
		if err := conn.Call(deadline(t), tc.in, tc.out); status.CodeOf(err) != status.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := conn.Call(deadline(t), &testv1.Greet{}, &testv1.Greeting{}); err != nil {
		t.Errorf("the connection was hurt: %v", err)
	}
}

func TestCallIsToldWhatComesBeforeItsAck(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			g := serve(t, protoway.Config{}, onNote(func(ctx context.Context, _ string) error {
				me := consumer.From(ctx)
				for i := range 100 {
					if err := me.Progress(ctx, float64(i)/100, fmt.Sprint(i)); err != nil {
						return err
					}
					if err := me.Send(ctx, &testv1.Event{Number: int64(i)}); err != nil {
						return err
					}
				}
				return nil
			}))
			conn := g.dial(t, client.WithDialect(dialect))
			handled := make(chan int64, 100)
			client.On(conn, func(_ context.Context, in *testv1.Event) { handled <- in.GetNumber() })
			var told []string // guarded by nothing: the functions run in this goroutine
			err := conn.Call(deadline(t), &testv1.Note{}, nil,
				client.OnProgress(func(value float64, info string) { told = append(told, fmt.Sprintf("%.2f=%s", value, info)) }),
				client.OnMessage(func(in *testv1.Event) { told = append(told, fmt.Sprint(in.GetNumber())) }))
			if err != nil || len(told) != 200 {
				t.Fatalf("told %d times, %v", len(told), err)
			}
			for i := range 100 {
				if told[2*i] != fmt.Sprintf("%.2f=%d", float64(i)/100, i) || told[2*i+1] != fmt.Sprint(i) {
					t.Fatalf("at %d: %v", i, told[2*i:2*i+2])
				}
				if got := await(t, "the handler's event", handled); got != int64(i) {
					t.Fatalf("the handler got %d, want %d", got, i)
				}
			}
		})
	}
}

func TestKeyRunsOnce(t *testing.T) {
	var mu sync.Mutex
	ran := 0
	g := serve(t, protoway.Config{}, onNote(func(context.Context, string) error {
		mu.Lock()
		defer mu.Unlock()
		ran++
		return nil
	}))
	conn := g.dial(t)
	for range 3 {
		if err := conn.Call(deadline(t), &testv1.Note{}, nil, client.Key("k")); err != nil {
			t.Fatal(err)
		}
	}
	if mu.Lock(); ran != 1 {
		t.Errorf("it ran %d times", ran)
	}
	mu.Unlock()
}
