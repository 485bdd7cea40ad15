package client_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

func TestCallsWaitForTheirPlaceInFlight(t *testing.T) {
	perFake(t, func(server *fake) {
		t := server.T
		const most, calls = 3, 20
		conn := server.open(&protowayv1.Welcome{MaxInFlight: most})
		defer conn.Close()
		var failed atomic.Int32
		for range calls {
			go func() {
				if conn.Call(t.Context(), &testv1.Note{}, nil) != nil {
					failed.Add(1)
				}
			}()
		}
		for range calls {
			synctest.Wait()
			if waiting := len(server.toServer); waiting > most {
				t.Fatalf("%d frames are in flight, %d are allowed", waiting, most)
			}
			server.send(wire.NewAck(server.next().ID, nil))
		}
		synctest.Wait()
		if failed.Load() > 0 {
			t.Errorf("%d calls failed", failed.Load())
		}
	})
}

func TestCallGivenUpKeepsItsPlaceUntilItsAck(t *testing.T) {
	perFake(t, func(server *fake) {
		t := server.T
		conn := server.open(&protowayv1.Welcome{MaxInFlight: 1})
		defer conn.Close()
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		if err := conn.Call(canceled, &testv1.Note{}, nil); !errors.Is(err, context.Canceled) || status.CodeOf(err) != status.Canceled {
			t.Errorf("canceled before: %v", err)
		}
		synctest.Wait()
		server.quiet()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := conn.Call(short, &testv1.Note{}, nil); status.CodeOf(err) != status.DeadlineExceeded {
			t.Errorf("timed out: %v", err)
		}
		first := server.next()
		later, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := conn.Call(later, &testv1.Note{}, nil); status.CodeOf(err) != status.DeadlineExceeded {
			t.Errorf("waiting for a place: %v", err)
		}
		server.quiet()
		server.send(wire.NewAck(first.ID, nil))
		go func() { server.send(wire.NewAck(server.next().ID, nil)) }()
		if err := conn.Call(t.Context(), &testv1.Note{}, nil); err != nil {
			t.Errorf("after the ack of the call that was given up: %v", err)
		}
	})
}
