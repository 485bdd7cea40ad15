package client_test

import (
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/wire"
)

func TestCallsThatWaitShareAMessage(t *testing.T) {
	perFake(t, func(server *fake) {
		const calls = 100
		h, conn := server.hold(&protowayv1.Welcome{MaxInFlight: 1000})
		var acked atomic.Int32
		for range calls {
			go func() {
				if err := conn.Call(server.Context(), &testv1.Note{}, nil); err != nil {
					server.Errorf("Call = %v", err)
				}
				acked.Add(1)
			}()
		}
		synctest.Wait()
		h.wrote()
		h.pass(1 + calls)
		h.wrote(1, calls)
		server.next()
		seen := map[uint64]bool{}
		for range calls {
			seen[server.next().ID] = true
		}
		for id := range seen {
			server.send(wire.NewAck(id, nil))
			server.send(wire.NewAck(id, nil)) // one too many changes nothing
		}
		synctest.Wait()
		server.quiet()
		if len(seen) != calls || acked.Load() != calls {
			server.Errorf("%d different frames came, %d calls were acked", len(seen), acked.Load())
		}
		h.release(conn)
	})
}

// Time in these tests passes only if everybody waits: so nothing waits for company.
func TestLoneFrameIsWrittenAtOnce(t *testing.T) {
	perFake(t, func(server *fake) {
		conn := server.open(&protowayv1.Welcome{MaxInFlight: 8})
		began := time.Now()
		for range 10 {
			go func() { server.send(wire.NewAck(server.next().ID, nil)) }()
			if err := conn.Call(server.Context(), &testv1.Note{}, nil); err != nil {
				server.Fatal(err)
			}
			if err := conn.Send(server.Context(), &testv1.Note{}); err != nil {
				server.Fatal(err)
			}
			server.next()
		}
		if took := time.Since(began); took != 0 {
			server.Errorf("it took %v", took)
		}
		_ = conn.Close()
	})
}

func TestFramesOfAMessageAreBounded(t *testing.T) {
	perFake(t, func(server *fake) {
		const frames = 600
		h, conn := server.hold(&protowayv1.Welcome{MaxInFlight: 8})
		go func() {
			for i := range frames {
				if err := conn.Send(server.Context(), &testv1.Note{Text: strconv.Itoa(i)}); err != nil {
					server.Errorf("Send = %v", err)
				}
			}
		}()
		synctest.Wait()
		if h.dialect.Joins() {
			for range 4 { // what is behind the bound comes while a message waits
				h.pass(1)
			}
		} else {
			h.pass(1 + frames)
		}
		h.wrote(1, 256, 256, frames-2*256)
		server.next()
		for i := range frames {
			if text, _ := server.note(); text != strconv.Itoa(i) {
				server.Fatalf("%s came as number %d", text, i)
			}
		}
		h.release(conn)
	})
}

func TestBytesOfAMessageAreBounded(t *testing.T) {
	sized := func(size int) string { return strings.Repeat("x", size) }
	for name, tc := range map[string]struct {
		most  uint32 // what the server states
		bound int    // of messages with several frames
		sizes []int
		want  []int
	}{
		"what the server reads":      {1000, 1000, []int{300, 300, 300, 300, 300, 300, 300}, []int{1, 3, 3, 1}},
		"a large one goes alone":     {1 << 20, 64 << 10, []int{10, 10, 70 << 10, 10, 10}, []int{1, 2, 1, 2}},
		"64 KiB":                     {1 << 20, 64 << 10, []int{30 << 10, 30 << 10, 30 << 10}, []int{1, 2, 1}},
		"a server that says nothing": {0, 64 << 10, []int{30 << 10, 30 << 10, 30 << 10}, []int{1, 2, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			perFake(t, func(server *fake) {
				h, conn := server.hold(&protowayv1.Welcome{MaxInFlight: 8, MaxMessageBytes: tc.most})
				for _, size := range tc.sizes {
					h.say(conn, sized(size))
				}
				h.pass(1 + len(tc.sizes))
				h.wrote(tc.want...)
				if h.largest > tc.bound {
					server.Errorf("a message of %d bytes was written, the bound is %d", h.largest, tc.bound)
				}
				server.next()
				for _, size := range tc.sizes {
					if text, _ := server.note(); text != sized(size) {
						server.Errorf("%d bytes came, want %d", len(text), size)
					}
				}
				h.release(conn)
			})
		})
	}
}

// A server that reads nothing holds up neither Close nor the end by silence.
func TestStuckWriteDoesNotKeepTheConnection(t *testing.T) {
	perFake(t, func(server *fake) {
		_, conn := server.hold(&protowayv1.Welcome{MaxInFlight: 8})
		began := time.Now()
		_ = conn.Close()
		<-conn.Done()
		if took := time.Since(began); took != 5*time.Second {
			server.Errorf("closing took %v", took)
		}
	})
	perFake(t, func(server *fake) {
		began := time.Now()
		_, conn := server.hold(&protowayv1.Welcome{MaxInFlight: 8, HeartbeatMs: 1000})
		endedWith(server.T, conn, 4001)
		if took := time.Since(began); took != 8*time.Second { // three heartbeats, and the time to close
			server.Errorf("it took %v", took)
		}
	})
}
