package client_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/protoway/protoway"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/wire"
)

func TestGoawayIsFollowedWithinItsSpread(t *testing.T) {
	perFakeServer(t, func(server *fakeServer) {
		t := server.T
		f := server.connect(&protowayv1.Welcome{MaxInFlight: 8})
		done := make(chan error, 2)
		go func() { done <- server.Call(t.Context(), &testv1.Note{Text: "running"}, nil) }()
		_, running := f.note()
		f.send(wire.Frame{Kind: wire.KindGoaway, Control: &protowayv1.Goaway{SpreadMs: 5000}})
		synctest.Wait()
		go func() { done <- server.Call(t.Context(), &testv1.Note{Text: "new"}, nil) }()
		<-time.After(6 * time.Second)
		synctest.Wait()
		if len(server.fakes) != 0 {
			t.Error("it left while a message was in flight")
		}
		f.quiet()
		f.send(wire.NewAck(running.ID, nil))
		f = server.accept(&protowayv1.Welcome{MaxInFlight: 8})
		text, frame := f.note()
		if text != "new" {
			t.Errorf("got %q", text)
		}
		f.send(wire.NewAck(frame.ID, nil))
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		began := time.Now()
		f.send(wire.Frame{Kind: wire.KindGoaway, Control: &protowayv1.Goaway{SpreadMs: 5000}})
		server.accept(&protowayv1.Welcome{MaxInFlight: 8})
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it left after %v", took)
		}
	})
}

// A server drains: the client moves to another one before it is closed, with what
// the old one does not handle any more.
func TestGoawayMovesTheClient(t *testing.T) {
	var first, second diary
	entered, release := make(chan struct{}), make(chan struct{})
	old := newServer(t, protoway.Config{DrainSpread: 200 * time.Millisecond, Limits: manyKeys}, first.receiver(),
		receivers.Reply(func(context.Context, *testv1.Greet) (*testv1.Greeting, error) {
			close(entered)
			<-release
			return &testv1.Greeting{Text: "from the old one"}, nil
		}))
	h := newHost(t, old)
	c := h.connected()
	slow := make(chan string, 1)
	go func() {
		var out testv1.Greeting
		err := c.Call(t.Context(), &testv1.Greet{}, &out)
		slow <- fmt.Sprint(out.GetText(), err)
	}()
	await(t, "the handler", entered)
	h.become(newServer(t, protoway.Config{Limits: manyKeys}, second.receiver()))
	drained := make(chan error, 1)
	go func() { drained <- old.Shutdown(deadline(t)) }()
	eventually(t, "it drains", func() bool { return old.Stats().Draining })
	for i := range 100 {
		if err := c.Send(t.Context(), &testv1.Note{Text: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	close(release)
	if got := await(t, "the call that ran", slow); got != "from the old one<nil>" {
		t.Errorf("Greet = %s", got)
	}
	if err := c.Flush(deadline(t)); err != nil {
		t.Fatal(err)
	}
	second.numbered(t, 100)
	if err := await(t, "the end of the old one", drained); err != nil {
		t.Error(err)
	}
	if len(first.all()) != 0 {
		t.Errorf("the old one ran %q", first.all())
	}
}
