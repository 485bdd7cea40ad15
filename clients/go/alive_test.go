package client_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	client "github.com/protoway/protoway/clients/go"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

func TestHeartbeatsAreSentAfterSilence(t *testing.T) {
	perFake(t, func(server *fake) {
		t := server.T
		conn := server.open(&protowayv1.Welcome{MaxInFlight: 8, HeartbeatMs: 1000})
		defer conn.Close()
		began := time.Now()
		for beat := 1; beat <= 5; beat++ {
			if f := server.next(); f.Kind != wire.KindHeartbeat || time.Since(began) != time.Duration(beat)*time.Second {
				t.Fatalf("heartbeat %d: %s after %v", beat, f.Kind, time.Since(began))
			}
			server.send(wire.Frame{Kind: wire.KindHeartbeat, Control: &protowayv1.Heartbeat{}})
		}
		if err := conn.Send(t.Context(), &testv1.Note{}); err != nil {
			t.Fatal(err)
		}
		server.next()
		time.AfterFunc(999*time.Millisecond, server.quiet) // what was said puts the heartbeat off
		if f := server.next(); f.Kind != wire.KindHeartbeat {
			t.Errorf("got %s", f.Kind)
		}
	})
}

func TestSilentServerIsLeft(t *testing.T) {
	perFake(t, func(server *fake) {
		t := server.T
		conn := server.open(&protowayv1.Welcome{MaxInFlight: 8, HeartbeatMs: 1000})
		began := time.Now()
		endedWith(t, conn, 4001)
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestStuckHandlerEndsTheConnection(t *testing.T) {
	perFake(t, func(server *fake) {
		t := server.T
		conn := server.open(&protowayv1.Welcome{MaxInFlight: 8}, client.WithQueue(2))
		handled := 0
		client.On(conn, func(context.Context, *testv1.Event) {
			handled++
			if handled == 1 { // its ack waits behind what waits for this handler
				if err := conn.Call(context.Background(), &testv1.Note{}, nil); status.CodeOf(err) != status.Canceled {
					t.Errorf("Call = %v", err)
				}
			}
		})
		began := time.Now()
		for range 4 {
			server.say(0, 0, &testv1.Event{})
		}
		endedWith(t, conn, 4000)
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("it took %v", took)
		}
		if handled != 3 {
			t.Errorf("%d messages were handled, want the first and what waited", handled)
		}
	})
}

func TestFailedWriteEndsTheConnection(t *testing.T) {
	perFake(t, func(server *fake) {
		t := server.T
		conn := server.open(&protowayv1.Welcome{MaxInFlight: 8})
		server.broken <- errors.New("the cable is cut")
		if err := conn.Send(t.Context(), &testv1.Note{}); err != nil {
			t.Fatal(err)
		}
		endedWith(t, conn, 1006)
	})
}

func TestHandshakeIsGivenUp(t *testing.T) {
	perFake(t, func(server *fake) {
		t := server.T
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := client.Open(ctx, server, client.WithDialect(server.dialect))
		if status.CodeOf(err) != status.DeadlineExceeded || time.Since(began) != time.Second {
			t.Errorf("Open = %v after %v", err, time.Since(began))
		}
		if server.code != 1006 {
			t.Errorf("the transport was closed with %d", server.code)
		}
	})
}

// logged is a log that a test reads while it is written.
type logged struct {
	mu    sync.Mutex // guards lines
	lines strings.Builder
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(line)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.String()
}

func TestPanicsOfHandlersAreLogged(t *testing.T) {
	perFake(t, func(server *fake) {
		t := server.T
		log := &logged{}
		conn := server.open(&protowayv1.Welcome{MaxInFlight: 8}, client.WithLogger(slog.New(slog.NewTextHandler(log, nil))),
			client.OnGoaway(func(context.Context, *protowayv1.Goaway) { panic("second") }))
		defer conn.Close()
		client.On(conn, func(context.Context, *testv1.Event) { panic("first") })
		server.say(0, 0, &testv1.Event{})
		server.send(wire.Frame{Kind: wire.KindGoaway, Control: &protowayv1.Goaway{}})
		synctest.Wait()
		for _, want := range []string{"panic=first", "panic=second", "alive_test.go"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log has no %q: %s", want, log)
			}
		}
	})
}

func TestMessagesBehindADroppedOneAreDropped(t *testing.T) {
	perFake(t, func(server *fake) {
		t := server.T
		conn := server.open(&protowayv1.Welcome{MaxInFlight: 8}, client.WithQueue(1))
		server.send(wire.Frame{Kind: wire.KindJoined, Control: &protowayv1.Joined{Group: "tea", Ticket: []byte("t")}})
		release := make(chan struct{})
		client.On(conn, func(context.Context, *testv1.Event) { <-release })
		for offset := range uint64(3) { // one runs, one waits, one is dropped
			server.publish("tea", offset+1, &testv1.Event{})
		}
		time.AfterFunc(time.Minute, func() { close(release) })
		endedWith(t, conn, 4000)
		if got := conn.Resume().Groups[0].Position.Offset; got != 2 {
			t.Errorf("resume begins behind %d, want 2", got)
		}
	})
}
