package transport_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/protoway/protoway/consumer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
)

// TestStuckWriteIsCut: a client that does not read is cut while a write waits.
func TestStuckWriteIsCut(t *testing.T) {
	t.Parallel()
	inEachWay(t, consumer.Limits{WriteTimeout: 300 * time.Millisecond}, func(s *site) {
		t := s.T
		c := s.dial(t, false)
		c.send(masked(finBinary, "/flood 300"))
		s.endsWith(t, consumer.CloseSlow)
		eventually(t, "the connection is gone", func() bool { return s.server.Stats().Connections == 0 })
	})
}

// TestSlowReaderGetsEverything: 8 MB, read in crumbs, with pings between.
func TestSlowReaderGetsEverything(t *testing.T) {
	t.Parallel()
	inEachWay(t, consumer.Limits{WriteTimeout: time.Minute}, func(s *site) {
		t := s.T
		const count = 8 << 20 / floodSize
		c := s.dial(t, false)
		c.send(masked(finBinary, fmt.Sprintf("/flood %d", count)))
		pongs := 0
		for i := 0; i < count; {
			if i%16 == 0 && pongs <= i/16 {
				c.send(masked(finPing, "still?"))
				<-time.After(5 * time.Millisecond)
			}
			switch f := c.read(); {
			case f == frame{finPong, "still?"}:
				pongs++
			case f != said(floodMessage(i)):
				t.Fatalf("message %d is %v", i, f)
			default:
				i++
			}
		}
		c.send(masked(finBinary, "last"))
		c.skipTo(finBinary)
	})
}

// TestCloseOfASlowReader: a client that says goodbye while much is on its way
// gets the rest, and then the answer.
func TestCloseOfASlowReader(t *testing.T) {
	t.Parallel()
	inEachWay(t, consumer.Limits{}, func(s *site) {
		t := s.T
		c := s.dial(t, false)
		c.send(masked(finBinary, "/flood 300"))
		c.read()
		eventually(t, "all is on its way", func() bool { n := s.server.Stats(); return n.SyncRunning+n.SyncQueued == 0 })
		c.send(closing(4321, "enough"))
		for i := 1; ; i++ {
			f := c.read()
			if f.first == finClose {
				if f.payload != "\x10\xe1enough" {
					t.Errorf("goodbye is answered %v", f)
				}
				break
			}
			if f != said(floodMessage(i)) {
				t.Fatalf("message %d is %v", i, f)
			}
		}
		c.ends()
		s.endsWith(t, 4321)
	})
}

// TestPingingWithoutReadingGrowsNothing in the server.
func TestPingingWithoutReadingGrowsNothing(t *testing.T) {
	inEachWay(t, consumer.Limits{}, func(s *site) {
		t := s.T
		c := s.dial(t, false)
		pings := []byte(strings.Repeat(string(masked(finPing, long[:125])), 1000))
		heap := heapInUse()
		for range 100 { // 13 MB
			c.send(pings)
		}
		// What is kept would stay as long as the connection; what others have does not.
		eventually(t, "the heap is what it was", func() bool { return heapInUse()-heap <= 4<<20 })
		_ = c.tcp.Close()
	})
}

// heapInUse is what is left after a collection.
func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestBroadcastsGoToAll who are there, in the order in which they were published.
func TestBroadcastsGoToAll(t *testing.T) {
	t.Parallel()
	inEachWay(t, consumer.Limits{}, func(s *site) {
		t := s.T
		clients := make([]*rawClient, 20)
		for i := range clients {
			clients[i] = s.dial(t, false, masked(finBinary, "there"))
			clients[i].gets(said("there"))
		}
		for i := range 100 {
			if n, err := s.server.Broadcast(t.Context(), "all", &testv1.Chatter{Text: fmt.Sprint(i)}); n != len(clients) || err != nil {
				t.Fatalf("reached %d, %v", n, err)
			}
		}
		for _, c := range clients {
			for i := range 100 {
				c.gets(said(fmt.Sprint(i)))
			}
		}
	})
}
