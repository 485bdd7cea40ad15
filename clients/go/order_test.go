package client_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/protoway/protoway"
	client "github.com/protoway/protoway/clients/go"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// laneServer does with keyed frames what docs/protocol.md says, and refuses and
// hangs up at random.
type laneServer struct {
	ran     map[string]bool // by key; it survives connections
	order   []string
	refused string // key
	random  *rand.Rand
}

// take takes a frame and returns its ack.
func (l *laneServer) take(text, key string) *status.Error {
	busy := status.ResourceExhausted.Errorf("busy").After(time.Duration(1+l.random.IntN(300)) * time.Millisecond)
	if l.refused != "" && l.refused != key {
		return busy
	}
	if l.random.IntN(5) == 0 {
		l.refused = key
		return busy
	}
	l.refused = ""
	if !l.ran[key] {
		l.ran[key] = true
		l.order = append(l.order, text)
	}
	return nil
}

// Whatever is refused, acked late or lost: each message runs once and in order.
func TestOrderAgainstRandomServers(t *testing.T) {
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			const messages = 60
			l := &laneServer{ran: map[string]bool{}, random: rand.New(rand.NewPCG(seed, 1))}
			server := newFakeServer(t, dialects[seed%2])
			f := server.connect(&protowayv1.Welcome{MaxInFlight: 1 + l.random.Uint32N(12)})
			sent := 0
			var late []wire.Frame // acks that are on their way
			for len(l.order) < messages || len(late) > 0 {
				for sent < messages && l.random.IntN(2) == 0 {
					if err := server.Send(t.Context(), &testv1.Note{Text: fmt.Sprint(sent)}); err != nil {
						t.Fatal(err)
					}
					sent++
				}
				synctest.Wait()
				for len(f.toServer) > 0 && l.random.IntN(4) > 0 {
					text, frame := f.note()
					late = append(late, wire.NewAck(frame.ID, l.take(text, frame.Message.Key)))
				}
				for len(late) > 0 && l.random.IntN(3) > 0 {
					f.send(late[0])
					late = late[1:]
				}
				if l.random.IntN(40) == 0 {
					late, l.refused = nil, ""
					f.cut()
					f = server.accept(&protowayv1.Welcome{MaxInFlight: 1 + l.random.Uint32N(12)})
				}
				<-time.After(10 * time.Millisecond)
			}
			for i, text := range l.order {
				if text != fmt.Sprint(i) {
					t.Fatalf("seed %d: message %d is %q", seed, i, text)
				}
			}
		})
	}
}

// The server remembers few keys, so it refuses frames again and again; their
// order stays.
func TestOrderSurvivesRefusals(t *testing.T) {
	for name, limits := range map[string]consumer.Limits{
		"keys":  {DedupePerUser: 30, DedupeWindow: 100 * time.Millisecond},
		"bytes": {InFlightBytes: 128},
	} {
		t.Run(name, func(t *testing.T) { refuseAndKeepOrder(t, limits) })
	}
}

func refuseAndKeepOrder(t *testing.T, limits consumer.Limits) {
	t.Helper()
	const messages = 300
	var d diary
	h := newHost(t, newServer(t, protoway.Config{Limits: limits}, receivers.Handle(func(_ context.Context, in *testv1.Work) error {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.texts = append(d.texts, fmt.Sprint(in.GetNumber()))
		return nil
	})))
	c := h.connected()
	for i := range messages {
		if err := c.Send(t.Context(), &testv1.Work{Topic: "t", Number: int64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Flush(deadline(t)); err != nil {
		t.Fatal(err)
	}
	d.numbered(t, messages)
}

// TestAckedKeysAreForgotten: a client that goes on for long does not fill the
// server's memory for keys, nor is it held up by its bound.
func TestAckedKeysAreForgotten(t *testing.T) {
	server := newServer(t, protoway.Config{Limits: consumer.Limits{DedupePerUser: 100}},
		receivers.Handle(func(context.Context, *testv1.Work) error { return nil }))
	c := newHost(t, server).connected()
	for i := range 500 {
		if err := c.Call(deadline(t), &testv1.Work{Number: int64(i)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := server.Stats().DedupeEntries; n > 64 {
		t.Errorf("the server remembers %d keys of a client that has all acks", n)
	}
	// A key of the application is remembered: somebody else may repeat it.
	if err := c.Call(deadline(t), &testv1.Work{}, nil, client.Key("own")); err != nil {
		t.Fatal(err)
	}
	before := server.Stats().DedupeEntries
	for range 200 {
		if err := c.Call(deadline(t), &testv1.Work{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	err := c.Call(deadline(t), &testv1.Work{Number: 1}, nil, client.Key("own"))
	if status.CodeOf(err) != status.AlreadyExists {
		t.Errorf("another payload with a key of the application: %v, with %d keys remembered", err, before)
	}
}
