package client_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/protoway/protoway"
	client "github.com/protoway/protoway/clients/go"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// echo says the number of a piece of work back.
func echo() receivers.Receiver {
	return receivers.Handle(func(ctx context.Context, in *testv1.Work) error {
		return consumer.From(ctx).Send(ctx, &testv1.Event{Text: in.GetTopic(), Number: in.GetNumber()})
	})
}

func TestUntyped(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			h := newHost(t, newServer(t, protoway.Config{}, greet(), echo()))
			c := h.client(client.WithDialect(dialect))
			untyped := c.Untyped()
			events, every, typed := make(chan client.Event, 1), make(chan client.Event, 1), make(chan int64, 1)
			untyped.OnEvent("event", func(_ context.Context, in client.Event) { events <- in })
			untyped.OnEvent("*", func(_ context.Context, in client.Event) {
				every <- in
				panic("this costs nothing but a line in the log")
			})
			client.On(c, func(_ context.Context, in *testv1.Event) { typed <- in.GetNumber() })
			if err := c.Connect(deadline(t)); err != nil {
				t.Fatal(err)
			}
			for _, params := range []any{
				map[string]any{"name": "Ada"}, struct {
					Name string `json:"name"`
				}{"Ada"}, json.RawMessage(` {"name": "Ada"}`), &testv1.Greet{Name: "Ada"},
			} {
				if got, err := untyped.Call(deadline(t), "greet", params); err != nil || string(got) != `{"text":"hello Ada"}` {
					t.Errorf("Call(%T) = %s, %v", params, got, err)
				}
			}
			const big = 1<<53 + 1 // no float64
			if err := untyped.Send(t.Context(), "work", json.RawMessage(`{"topic":"t","number":9007199254740993}`)); err != nil {
				t.Fatal(err)
			}
			for _, from := range []chan client.Event{events, every} {
				in := await(t, "the event", from)
				var decoded testv1.Event
				var loose struct {
					Text   string      `json:"text"`
					Number json.Number `json:"number"`
				}
				if err := in.Decode(&decoded); err != nil || decoded.GetNumber() != big || in.Type != "event" {
					t.Errorf("decoded %v, %v", &decoded, err)
				}
				if err := in.Decode(&loose); err != nil || loose.Number.String() != "9007199254740993" || loose.Text != "t" {
					t.Errorf("decoded %+v, %v", loose, err)
				}
				if err := in.Decode(new(int)); status.CodeOf(err) != status.InvalidArgument {
					t.Errorf("decoded into a number: %v", err)
				}
			}
			if got := await(t, "the typed handler", typed); got != big {
				t.Errorf("the typed handler got %d", got)
			}
			if got, err := untyped.Call(deadline(t), "work", nil); err != nil || got != nil {
				t.Errorf("without a reply: %s, %v", got, err)
			}
		})
	}
}

func TestUntypedRefusesWhatIsNoMessage(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			h := newHost(t, newServer(t, protoway.Config{}, greet()))
			untyped := h.connected(client.WithDialect(dialect)).Untyped()
			for name, tc := range map[string]struct {
				typ    string
				params any
			}{
				"no type":    {"", nil},
				"a list":     {"greet", []int{1}},
				"bytes":      {"greet", []byte(`{}`)},
				"broken":     {"greet", json.RawMessage(`{"name":`)},
				"two":        {"greet", json.RawMessage(`{} {}`)},
				"no JSON":    {"greet", func() {}},
				"other type": {"greet", json.RawMessage(`{"name":5}`)},
			} {
				if _, err := untyped.Call(deadline(t), tc.typ, tc.params); status.CodeOf(err) != status.InvalidArgument {
					t.Errorf("%s: %v", name, err)
				}
				if name != "other type" || !dialect.Text() { // which only the server can know
					if err := untyped.Send(deadline(t), tc.typ, tc.params); status.CodeOf(err) != status.InvalidArgument {
						t.Errorf("%s: %v", name, err)
					}
				}
			}
		})
	}
}

// Types that this program does not know: the JSON dialect needs no schema, the
// binary one says what to do.
func TestUntypedWithoutSchema(t *testing.T) {
	t.Run("JSON", func(t *testing.T) {
		server := newFakeServer(t, wire.JSON)
		untyped := server.Untyped()
		events := make(chan client.Event, 1)
		untyped.OnEvent("news", func(_ context.Context, in client.Event) { events <- in })
		f := server.connect(&protowayv1.Welcome{MaxInFlight: 8})
		replied := make(chan string, 1)
		go func() {
			got, err := untyped.Call(deadline(t), "who-knows", json.RawMessage(`{"n":9007199254740993,"f":1.50}`))
			if err != nil {
				t.Error(err)
			}
			replied <- string(got)
		}()
		sent := string(await(t, "the frame", f.toServer))
		if !strings.Contains(sent, `"body":{"n":9007199254740993,"f":1.50}`) {
			t.Errorf("the client sent %s", sent)
		}
		f.toClient <- []byte(`{"type":"news","body":{"n":9007199254740993},"group":"g"}`)
		in := await(t, "the event", events)
		if string(in.Body) != `{"n":9007199254740993}` || in.Group != "g" {
			t.Errorf("event %s of %q", in.Body, in.Group)
		}
		f.toClient <- []byte(`{"re":2,"ack":{"message":{"type":"nobody","body":{"m":9007199254740995}}}}`)
		if got := await(t, "the reply", replied); got != `{"m":9007199254740995}` {
			t.Errorf("reply %s", got)
		}
	})
	t.Run("binary", func(t *testing.T) {
		server := newFakeServer(t, wire.Protobuf)
		untyped := server.Untyped()
		events := make(chan client.Event, 1)
		untyped.OnEvent("", func(_ context.Context, in client.Event) { events <- in })
		f := server.connect(&protowayv1.Welcome{MaxInFlight: 8})
		if _, err := untyped.Call(deadline(t), "who-knows", nil); status.CodeOf(err) != status.InvalidArgument || !strings.Contains(err.Error(), "WithDialect(wire.JSON)") {
			t.Errorf("Call = %v", err)
		}
		f.toClient <- f.spelled("\x08\x06\x1a\x06\x0a\x04news", "")
		in := await(t, "the event", events)
		if err := in.Decode(&struct{}{}); status.CodeOf(err) != status.InvalidArgument || in.Body != nil {
			t.Errorf("Decode = %v", err)
		}
		if err := in.Decode(&emptypb.Empty{}); err != nil {
			t.Errorf("Decode into a message: %v", err)
		}
		if ack := f.next(); ack.Re != 6 || status.CodeOf(ack.Ack.Error) != status.Unimplemented {
			t.Errorf("the request was acked with %+v", ack.Ack)
		}
	})
	if err := (client.Event{}).Decode(nil); status.CodeOf(err) != status.InvalidArgument {
		t.Errorf("Decode of nothing: %v", err)
	}
}
