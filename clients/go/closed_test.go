package client_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/protoway/protoway"
	client "github.com/protoway/protoway/clients/go"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/status"
)

func TestConnEndsAsTheServerSays(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			release := make(chan struct{})
			g := serve(t, protoway.Config{}, onNote(func(ctx context.Context, text string) error {
				me := consumer.From(ctx)
				for range 100 {
					if err := me.Send(ctx, &testv1.Event{}); err != nil {
						return err
					}
				}
				me.Close("banned", text == "again")
				<-release
				return nil
			}))
			defer close(release)
			for _, tc := range []struct {
				text string
				code consumer.CloseCode
			}{{"never", consumer.CloseDisconnected}, {"again", consumer.CloseByServer}} {
				conn := g.dial(t, client.WithDialect(dialect))
				handled := 0
				client.On(conn, func(context.Context, *testv1.Event) { handled++ })
				if conn.Err() != nil {
					t.Fatalf("it has ended: %v", conn.Err())
				}
				err := conn.Call(deadline(t), &testv1.Note{Text: tc.text}, nil)
				var ended *client.CloseError
				if status.CodeOf(err) != status.Canceled || !errors.As(err, &ended) {
					t.Fatalf("Call = %v", err)
				}
				if ended.Code != int(tc.code) || ended.Reason != "banned" || ended.Reconnect != tc.code.Reconnect() {
					t.Errorf("it ended with %+v", ended)
				}
				await(t, "the end", conn.Done())
				if handled != 100 {
					t.Errorf("%d messages were handled before Done", handled)
				}
				if !errors.Is(conn.Err(), ended) {
					t.Errorf("Err = %v", conn.Err())
				}
				if err := conn.Send(deadline(t), &testv1.Note{}); status.CodeOf(err) != status.Canceled {
					t.Errorf("Send after the end: %v", err)
				}
			}
		})
	}
}

func TestCloseEndsWhatRuns(t *testing.T) {
	running := make(chan struct{})
	g := serve(t, protoway.Config{}, onNote(func(ctx context.Context, text string) error {
		if err := consumer.From(ctx).Send(ctx, &testv1.Event{}); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	}))
	conn := g.dial(t)
	client.On(conn, func(ctx context.Context, _ *testv1.Event) {
		close(running)
		<-ctx.Done() // which Close cancels
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	failed := make(chan error, 1)
	go func() { failed <- conn.Call(context.Background(), &testv1.Note{}, nil) }()
	await(t, "the handler", running)
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	var ended *client.CloseError
	if err := await(t, "the end of the call", failed); !errors.As(err, &ended) || ended.Code != 1000 || ended.Reconnect {
		t.Errorf("Call = %v", err)
	}
	await(t, "the end", conn.Done())
}

func TestGoawayComesBeforeTheEnd(t *testing.T) {
	g := serve(t, protoway.Config{DrainSpread: 50 * time.Millisecond}, greet())
	goaway := make(chan *protowayv1.Goaway, 1)
	conn := g.dial(t, client.OnGoaway(func(_ context.Context, in *protowayv1.Goaway) { goaway <- in }))
	if err := g.Shutdown(deadline(t)); err != nil {
		t.Error(err)
	}
	if in := await(t, "goaway", goaway); in.GetSpreadMs() != 50 {
		t.Errorf("goaway = %v", in)
	}
	await(t, "the end", conn.Done())
	var ended *client.CloseError
	if !errors.As(conn.Err(), &ended) || ended.Code != int(consumer.CloseGoingAway) || !ended.Reconnect {
		t.Errorf("Err = %v", conn.Err())
	}
}

func TestReconnectIsWhatTheServerMeans(t *testing.T) {
	for code := 1000; code < 5000; code++ {
		if got, want := client.Reconnects(code), consumer.CloseCode(code).Reconnect(); got != want {
			t.Errorf("code %d: the client says %v, the server %v", code, got, want)
		}
	}
}

func TestMessagesThatAreTooLargeEndTheConnection(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			g := serve(t, protoway.Config{}, onNote(func(ctx context.Context, _ string) error {
				return consumer.From(ctx).Send(ctx, &testv1.Event{Text: strings.Repeat("x", 2<<10)})
			}))
			conn := g.dial(t, client.WithDialect(dialect), client.WithReadLimit(1<<10))
			if err := conn.Call(deadline(t), &testv1.Note{}, nil); status.CodeOf(err) != status.Canceled {
				t.Errorf("Call = %v", err)
			}
			await(t, "the end", conn.Done())
			var ended *client.CloseError
			if !errors.As(conn.Err(), &ended) || ended.Code != 1009 || ended.Reconnect {
				t.Errorf("Err = %v", conn.Err())
			}
		})
	}
}
