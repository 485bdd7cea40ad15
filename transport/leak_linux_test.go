package transport_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/protoway/protoway/consumer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/transport"
)

// These tests count what the whole process has, so they do not run beside others.

// descriptors counts the open files of this process.
func descriptors(t testing.TB) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// nothingIsLeft ends a server and fails unless all it had is given back.
func nothingIsLeft(t *testing.T, s *site, before int) {
	t.Helper()
	eventually(t, "no connection is left", func() bool { return s.server.Stats().Connections == 0 })
	s.end()
	eventually(t, "no descriptor is left", func() bool { return descriptors(t) <= before })
	goleak.VerifyNone(t)
}

// churn is what one connection of many does.
func churn(t *testing.T, s *site, i int) {
	t.Helper()
	c := s.dial(t, i%2 == 0)
	kind := byte(finBinary)
	if i%2 == 0 {
		kind = finText
	}
	for n := range 1 + i%5 {
		c.send(masked(kind, fmt.Sprintf("%d of %d", n, i)))
		for c.skipTo(kind).payload != fmt.Sprintf("%d of %d", n, i) { // broadcasts come between
		}
	}
	switch i % 6 {
	case 0:
		c.send(closing(1000, ""))
		c.skipTo(finClose)
	case 1:
		c.send(masked(kind, "/close"))
		c.skipTo(finClose)
		c.send(closing(4003, ""))
	case 2:
		c.send(masked(kind, long)[:50])
	case 3:
		_ = c.tcp.SetLinger(0)
	case 4:
		c.send(masked(kind|0x40, "rsv"))
		c.skipTo(finClose)
	}
	_ = c.tcp.Close()
}

// TestNothingIsLeftOfConnections opens and closes many at once, in all ways in
// which they end, while messages flow.
func TestNothingIsLeftOfConnections(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			newSite(t, w, consumer.Limits{}).end() // what Go itself opens once
			before := descriptors(t)
			s := newSite(t, w, consumer.Limits{})
			quit, publishing := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(publishing)
				for tick := time.NewTicker(time.Millisecond); ; {
					select {
					case <-quit:
						tick.Stop()
						return
					case <-tick.C:
						_, _ = s.server.Broadcast(t.Context(), "all", &testv1.Chatter{Text: "to all"})
					}
				}
			}()
			var all sync.WaitGroup
			for i := range 200 {
				all.Go(func() { churn(t, s, i) })
			}
			all.Wait()
			close(quit)
			<-publishing
			nothingIsLeft(t, s, before)
		})
	}
}

// TestGoroutinesOfIdleConnections: none in event mode, one in goroutine mode.
func TestGoroutinesOfIdleConnections(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			each, connections := 1, 500
			if w.tls {
				connections = 100 // a handshake takes a while with the race detector
			}
			if w.mode == transport.Event && !w.tls {
				each = 0
			}
			s := newSite(t, w, consumer.Limits{})
			first := s.dial(t, false) // what the server starts once
			first.alive()
			eventually(t, "the first is idle", func() bool { return s.server.Stats().SyncRunning == 0 })
			var settled int
			eventually(t, "the server is idle", func() bool {
				last := settled
				settled = runtime.NumGoroutine()
				<-time.After(20 * time.Millisecond)
				return last == settled
			})
			for range connections {
				s.dial(t, false).alive()
			}
			const slack = siteWorkers + 10 // and what the HTTP server is about to end
			eventually(t, fmt.Sprintf("%d goroutines per connection", each), func() bool {
				more := runtime.NumGoroutine() - settled
				return more >= each*connections-slack && more <= each*connections+slack
			})
		})
	}
}

// TestPartsAreFreeWhenTheirConnectionEnds: what clients sent and did not complete.
func TestPartsAreFreeWhenTheirConnectionEnds(t *testing.T) {
	const connections, size = 40, 1 << 20
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			s := newSite(t, w, consumer.Limits{MaxMessageBytes: size})
			half := masked(finBinary, make([]byte, size))[:size]
			fragment := masked(opBinary, make([]byte, size))
			before := heapInUse()
			var clients []*rawClient
			for i := range connections {
				c := s.dial(t, false)
				c.send([][]byte{half, fragment}[i%2])
				clients = append(clients, c)
			}
			eventually(t, "all is kept", func() bool { return heapInUse()-before > connections*size*9/10 })
			for _, c := range clients {
				_ = c.tcp.Close()
			}
			eventually(t, "no connection is left", func() bool { return s.server.Stats().Connections == 0 })
			eventually(t, "all is free", func() bool { return heapInUse()-before < connections*size/10 })
		})
	}
}

// fragile is a receiver that cannot always be made.
type fragile struct{}

func (*fragile) Note(context.Context, *testv1.Note) error { return nil }

// TestNothingIsLeftOfFailedOpenings: a receiver's constructor panics, and the
// connection is closed.
func TestNothingIsLeftOfFailedOpenings(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			before := descriptors(t)
			var broken atomic.Bool
			s := newSite(t, w, consumer.Limits{}, receivers.PerConnection(func() *fragile {
				if broken.Load() {
					panic("no")
				}
				return &fragile{}
			}))
			broken.Store(true)
			s.web.Config.ErrorLog = log.New(io.Discard, "", 0)
			for range 20 {
				conn, _ := s.connect(t)
				request := upgradeLine + "Sec-WebSocket-Protocol: mirror.binary\r\n\r\n"
				if _, err := conn.Write([]byte(request)); err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, conn)
				_ = conn.Close()
			}
			nothingIsLeft(t, s, before)
		})
	}
}
