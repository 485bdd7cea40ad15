package protoway_test

import (
	"context"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/internal/testpeer"
	"github.com/protoway/protoway/wire"
)

// slowStart is a receiver that holds up every handshake.
type slowStart struct{ entered, open chan struct{} }

func (slowStart) Routes() ([]consumer.Route, error) { return nil, nil }

func (g slowStart) Connected(context.Context) error {
	g.entered <- struct{}{}
	<-g.open
	return nil
}

// TestKeyedFramesOutliveAConnectionThatEndsEarly: who goes before its handshake has
// ended has sent what it sent. Frames without a key are dropped, as at any end.
func TestKeyedFramesOutliveAConnectionThatEndsEarly(t *testing.T) {
	for name, leave := range map[string]func(t *testing.T, url string, held slowStart){
		"proto-socket": func(t *testing.T, url string, held slowStart) {
			t.Helper()
			p := testpeer.DialProtoSocket(t, url, nil)
			p.Say(`{"headers":{"messageType":"note","uuid":"a"},"body":{"text":"keyed"}}`)
			await(t, "the handshake", held.entered)
			_ = p.Close(websocket.StatusNormalClosure, "")
		},
		"protoway": func(t *testing.T, url string, held slowStart) {
			t.Helper()
			p := testpeer.Dial(t, url, testpeer.Options{Silent: true})
			p.WriteRaw(batchOf(t, 3, func(i int) *wire.Frame {
				return []*wire.Frame{{Kind: wire.KindHello, Control: &protowayv1.Hello{}}, note(0, "not keyed", ""), note(0, "keyed", "a")}[i]
			}))
			await(t, "the handshake", held.entered)
			p.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			held, got := slowStart{make(chan struct{}, 1), make(chan struct{})}, make(chan string, 3)
			server, url := start(t, protoway.Config{Paths: map[string]protoway.Path{"/ws": {Groups: []string{"all"}}}},
				held, notes(func(_ context.Context, text string) error { got <- text; return nil }))
			leave(t, url, held)
			eventually(t, "the connection has ended", func() bool { return server.Stats().Connections == 0 })
			close(held.open)
			if text := await(t, "the keyed frame", got); text != "keyed" {
				t.Errorf("%q ran", text)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := server.Shutdown(ctx); err != nil { // all has ended then
				t.Error(err)
			}
			if len(got) > 0 {
				t.Errorf("%q ran, too", <-got)
			}
		})
	}
}
