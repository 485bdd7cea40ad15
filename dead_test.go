package protoway_test

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/wire"
)

// corpse is a connection that takes one write and is never done with it.
type corpse struct {
	writes atomic.Int64
	mu     sync.Mutex
	code   consumer.CloseCode // guarded by mu
}

func (c *corpse) Attach(*consumer.Consumer) {}
func (c *corpse) Write([][]byte, bool) (bool, error) {
	c.writes.Add(1)
	return false, nil
}

func (c *corpse) Close(code consumer.CloseCode, _ string) { c.Abort(code) }

func (c *corpse) Abort(code consumer.CloseCode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.code = code
}

func (c *corpse) Partial() time.Time { return time.Time{} }

// withCorpses makes a group of members some of whom do not read.
func withCorpses(t *testing.T, live, dead int) (*protoway.Server, []*consumer.Consumer, []*sink, []*corpse) {
	t.Helper()
	server, all, sinks := crowd(t, live)
	var corpses []*corpse
	for range dead {
		s := &corpse{}
		c := server.Open("/ws", s, consumer.Opening{Dialect: wire.Protobuf})
		c.Receive(frame(t, 0, &wire.Frame{Kind: wire.KindHello, Control: &protowayv1.Hello{}}), false)
		c.Receive(messageOf(t, "rework", &testv1.Rework{Subject: "room"}), false)
		all, corpses = append(all, c), append(corpses, s)
	}
	eventually(t, "all have joined", func() bool {
		n, err := server.Broadcast(t.Context(), "room", &testv1.Event{})
		s := server.Stats()
		return err == nil && n == live+dead && s.SyncRunning+s.SyncQueued == 0 // and have their acks
	})
	return server, all, sinks, corpses
}

// TestDeadReadersCostTheOthersNothing: of a group of 1,000, 100 read nothing. The
// 900 get every publication with one write each, as without them; the dead are
// written to once, keep no more than their outbox, and a broadcast allocates
// nothing for them.
func TestDeadReadersCostTheOthersNothing(t *testing.T) {
	const live, dead, publications = 900, 100, 150
	server, all, sinks, corpses := withCorpses(t, live, dead)
	before := make([]int64, live)
	for i, s := range sinks {
		before[i] = s.messages.Load()
	}
	heap := heapInUse()
	text := strings.Repeat("x", 1000)
	for i := range int64(publications) {
		for _, m := range []proto.Message{&testv1.Cursor{Number: i, Text: text}, &testv1.Price{Symbol: "a", Number: i, Text: text}} {
			if n, err := server.Broadcast(t.Context(), "room", m); n != live+dead || err != nil {
				t.Fatalf("reached %d, %v", n, err)
			}
		}
	}
	for i, s := range sinks {
		if got := s.messages.Load() - before[i]; got != 2*publications {
			t.Fatalf("member %d got %d messages, want %d", i, got, 2*publications)
		}
	}
	for _, c := range corpses {
		if n := c.writes.Load(); n != 1 {
			t.Fatalf("a dead one was written to %d times", n)
		}
	}
	// Of the 300,000 bytes for each of the dead, two publications may be kept.
	if kept := heapInUse() - heap; kept > dead*(16<<10) {
		t.Errorf("%d bytes are kept for each of the dead", kept/dead)
	}
	finish(t, server, all...)
}

// TestDeadReadersAreClosed if a message does not give way: after at most as much as
// an outbox holds, and without a word of the others lost.
func TestDeadReadersAreClosed(t *testing.T) {
	const live, dead = 90, 10
	server, all, sinks, corpses := withCorpses(t, live, dead)
	start := sinks[live-1].messages.Load()
	limit := consumer.Limits{}.WithDefaults().OutboxBytes
	text := strings.Repeat("x", 64<<10)
	for range limit>>16 + 1 {
		if _, err := server.Broadcast(t.Context(), "room", &testv1.Event{Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	heap := heapInUse()
	for range 200 {
		if _, err := server.Broadcast(t.Context(), "room", &testv1.Event{Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	if kept := heapInUse() - heap; kept > 1<<20 {
		t.Errorf("another %d bytes are kept for the dead", kept)
	}
	if got := sinks[live-1].messages.Load() - start; got != int64(limit>>16+1+200) {
		t.Errorf("the living got %d messages", got)
	}
	for _, c := range corpses {
		if n := c.writes.Load(); n != 1 {
			t.Fatalf("a dead one was written to %d times", n)
		}
	}
	finish(t, server, all...)
}

func heapInUse() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools gave up in the first
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// TestAllocsPerDeliveryToTheDead is the gate of what members that do not read may
// cost.
func TestAllocsPerDeliveryToTheDead(t *testing.T) {
	if raceEnabled {
		t.Log("the race detector allocates: the gate counts without it")
		return
	}
	const live, dead, most = 900, 100, 0.05
	server, all, sinks, _ := withCorpses(t, live, dead)
	for name, m := range map[string]proto.Message{"drop": &testv1.Cursor{Text: "hello"}, "latest": &testv1.Price{Symbol: "a", Text: "hello"}} {
		n := testing.AllocsPerRun(200, func() {
			if _, err := server.Broadcast(t.Context(), "room", m); err != nil {
				t.Fatal(err)
			}
		})
		t.Logf("%s: %v allocations per delivery, %v per broadcast", name, n/(live+dead), n)
		if n/(live+dead) > most {
			t.Errorf("%s: %v allocations per delivery, at most %v are allowed", name, n/(live+dead), most)
		}
	}
	if sinks[0].messages.Load() < 400 {
		t.Error("the living got nothing")
	}
	finish(t, server, all...)
}
