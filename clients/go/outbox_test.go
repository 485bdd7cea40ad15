package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	client "github.com/protoway/protoway/clients/go"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

func TestDuplicateAcksAreIgnored(t *testing.T) {
	perFakeServer(t, func(server *fakeServer) {
		t := server.T
		f := server.connect(&protowayv1.Welcome{MaxInFlight: 2})
		for range 5 {
			done := make(chan error, 1)
			go func() { done <- server.Call(t.Context(), &testv1.Note{}, nil) }()
			id := f.next().ID
			f.send(wire.NewAck(id, nil))
			f.send(wire.NewAck(id, status.Internal.Errorf("once more")))
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		for range 10 {
			if err := server.Send(t.Context(), &testv1.Note{}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if len(f.toServer) != 2 { // duplicates have freed no place
			t.Errorf("%d frames are in flight", len(f.toServer))
		}
	})
}

func TestFramesComeAgainByteForByte(t *testing.T) {
	perFakeServer(t, func(server *fakeServer) {
		t := server.T
		f := server.connect(&protowayv1.Welcome{MaxInFlight: 8})
		for i := range 3 {
			if err := server.Send(t.Context(), &testv1.Note{Text: fmt.Sprint(i)}); err != nil {
				t.Fatal(err)
			}
		}
		var before []wire.Frame
		for range 3 {
			_, frame := f.note()
			frame.Message.Payload = slices.Clone(frame.Message.Payload)
			before = append(before, frame)
		}
		f.send(wire.NewAck(before[1].ID, nil))
		synctest.Wait()
		f.cut()
		f = server.accept(&protowayv1.Welcome{MaxInFlight: 8})
		for i, want := range []string{"0", "2"} {
			text, frame := f.note()
			first := before[2*i]
			if text != want || frame.Message.Key != first.Message.Key || frame.Message.Key == "" ||
				!bytes.Equal(frame.Message.Payload, first.Message.Payload) {
				t.Errorf("got %q with the key %q, before %q", text, frame.Message.Key, first.Message.Key)
			}
			f.send(wire.NewAck(frame.ID, nil))
		}
		if err := server.Flush(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// The first frame is refused for load: it comes again after the stated time, and
// nothing overtakes it or those that were sent behind it.
func TestRefusedFramesComeAgainInOrder(t *testing.T) {
	perFakeServer(t, func(server *fakeServer) {
		t := server.T
		f := server.connect(&protowayv1.Welcome{MaxInFlight: 3})
		for i := range 5 {
			if err := server.Send(t.Context(), &testv1.Note{Text: fmt.Sprint(i)}); err != nil {
				t.Fatal(err)
			}
		}
		var ids []uint64
		for range 3 {
			ids = append(ids, f.next().ID)
		}
		overload := status.ResourceExhausted.Errorf("busy").After(time.Second)
		began := time.Now()
		f.send(wire.NewAck(ids[0], overload))
		text, first := f.note()
		if text != "0" || time.Since(began) != time.Second {
			t.Errorf("%q came after %v", text, time.Since(began))
		}
		synctest.Wait()
		f.quiet() // 3 must not overtake 1 and 2, which may be refused yet
		f.send(wire.NewAck(ids[1], overload))
		synctest.Wait()
		f.quiet()
		f.send(wire.NewAck(first.ID, nil))
		f.send(wire.NewAck(ids[2], overload))
		for _, want := range []string{"1", "2", "3"} {
			text, frame := f.note()
			if text != want {
				t.Errorf("got %q, want %q", text, want)
			}
			f.send(wire.NewAck(frame.ID, nil))
		}
		text, frame := f.note()
		if text != "4" {
			t.Errorf("got %q, want 4", text)
		}
		f.send(wire.NewAck(frame.ID, nil))
	})
}

func TestWhichAcksAreAnswers(t *testing.T) {
	perFakeServer(t, func(server *fakeServer) {
		t := server.T
		f := server.connect(&protowayv1.Welcome{MaxInFlight: 8})
		for _, tc := range []struct {
			err   *status.Error
			tries int // until the call returns it
		}{
			{status.ResourceExhausted.Errorf("no delay"), 1},
			{status.ResourceExhausted.Errorf("tomorrow").After(24 * time.Hour), 1},
			{status.Aborted.Errorf("no delay"), 1},
			{status.Unavailable.Errorf("no delay"), 2}, // the server may be about to say goaway
			{status.Unauthenticated.Errorf("no token"), 1},
			{status.DeadlineExceeded.Errorf("too slow").After(time.Second), 1},
			{status.NotFound.Errorf("gone"), 1},
		} {
			done := make(chan error, 1)
			go func() { done <- server.Call(t.Context(), &testv1.Note{}, nil) }()
			for range tc.tries {
				f.send(wire.NewAck(f.next().ID, tc.err))
			}
			if err := <-done; status.CodeOf(err) != tc.err.Code {
				t.Errorf("Call = %v, want %v", err, tc.err)
			}
			f.quiet()
		}
		for _, err := range []*status.Error{
			status.Aborted.Errorf("elsewhere").After(time.Second), status.Unavailable.Errorf("soon").After(time.Second),
		} {
			done := make(chan error, 1)
			go func() { done <- server.Call(t.Context(), &testv1.Note{}, nil) }()
			for range 5 {
				f.send(wire.NewAck(f.next().ID, err))
			}
			f.send(wire.NewAck(f.next().ID, nil))
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

// A call that is given up after it was refused comes again nevertheless: until
// then the server handles nothing behind it. After a lost connection it does not.
func TestCallsGivenUp(t *testing.T) {
	perFakeServer(t, func(server *fakeServer) {
		t := server.T
		f := server.connect(&protowayv1.Welcome{MaxInFlight: 8})
		call := func(text string, life time.Duration) <-chan error {
			failed := make(chan error, 1)
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), life)
				defer cancel()
				failed <- server.Call(ctx, &testv1.Note{Text: text}, nil)
			}()
			synctest.Wait()
			return failed
		}
		refused := call("refused", time.Second)
		_, first := f.note()
		f.send(wire.NewAck(first.ID, status.ResourceExhausted.Errorf("busy").After(2*time.Second)))
		synctest.Wait()
		unsent := call("unsent", time.Second)
		for _, failed := range []<-chan error{refused, unsent} {
			if err := <-failed; !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Call = %v", err)
			}
		}
		text, again := f.note()
		if text != "refused" || again.Message.Key != first.Message.Key {
			t.Errorf("got %q", text)
		}
		f.send(wire.NewAck(again.ID, status.ResourceExhausted.Errorf("busy").After(time.Second)))
		text, again = f.note()
		if text != "refused" {
			t.Errorf("got %q", text)
		}
		f.send(wire.NewAck(again.ID, status.Unavailable.Errorf("nothing waits for this one").After(time.Second)))
		<-time.After(2 * time.Second)
		f.quiet()
		later := call("later", time.Hour)
		if text, _ := f.note(); text != "later" {
			t.Errorf("got %q", text)
		}
		f.cut()
		f = server.accept(&protowayv1.Welcome{MaxInFlight: 8})
		text, frame := f.note()
		if text != "later" {
			t.Errorf("got %q", text)
		}
		f.send(wire.NewAck(frame.ID, nil))
		if err := <-later; err != nil {
			t.Error(err)
		}
		sent := call("sent", time.Second)
		f.next()
		f.cut()
		if err := <-sent; !errors.Is(err, context.DeadlineExceeded) { // while there is no session
			t.Errorf("Call = %v", err)
		}
		f = server.accept(&protowayv1.Welcome{MaxInFlight: 8})
		synctest.Wait()
		f.quiet()
	})
}

func TestOutboxIsBoundedInBytes(t *testing.T) {
	c := client.New("ws://fake/ws", client.WithOutbox(10, 1000))
	defer c.Close()
	if err := c.Send(t.Context(), &testv1.Note{Text: strings.Repeat("x", 2000)}); status.CodeOf(err) != status.ResourceExhausted {
		t.Errorf("larger than the outbox: %v", err)
	}
	for _, want := range []status.Code{status.OK, status.ResourceExhausted} {
		if err := c.Send(t.Context(), &testv1.Note{Text: strings.Repeat("x", 900)}); status.CodeOf(err) != want {
			t.Errorf("Send = %v, want %v", err, want)
		}
	}
	if err := c.Send(t.Context(), &testv1.Event{}); status.CodeOf(err) != status.InvalidArgument {
		t.Errorf("a message of the server: %v", err)
	}
	short, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Flush(short); status.CodeOf(err) != status.Canceled {
		t.Errorf("Flush = %v", err)
	}
}

// A call of OnSession with a key passes by the outbox. Refused for load, it comes
// again; given up then, it ends the connection, on which nothing else would run.
func TestKeyedCallsPastTheOutbox(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				results := make(chan error, 10)
				var server *fakeServer
				server = newFakeServer(t, dialect, client.OnSession(func(ctx context.Context, _ client.Session) error {
					ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
					defer cancel()
					err := server.Call(ctx, &testv1.Note{Text: "hook"}, nil, client.Key("k"))
					results <- err
					return err
				}))
				if err := server.Send(t.Context(), &testv1.Note{Text: "queued"}); err != nil {
					t.Fatal(err)
				}
				go func() { _ = server.Connect(t.Context()) }()
				busy := status.ResourceExhausted.Errorf("busy").After(3 * time.Second)
				f := server.accept(&protowayv1.Welcome{MaxInFlight: 8})
				for range 4 {
					f.send(wire.NewAck(f.next().ID, busy))
				}
				if err := <-results; status.CodeOf(err) != status.DeadlineExceeded {
					t.Errorf("Call = %v", err)
				}
				f = server.accept(&protowayv1.Welcome{MaxInFlight: 8})
				f.send(wire.NewAck(f.next().ID, busy))
				f.send(wire.NewAck(f.next().ID, nil))
				if err := <-results; err != nil {
					t.Errorf("Call = %v", err)
				}
				text, frame := f.note()
				if text != "queued" {
					t.Errorf("got %q", text)
				}
				f.send(wire.NewAck(frame.ID, nil))
			})
		})
	}
}
