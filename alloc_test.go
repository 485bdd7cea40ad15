package protoway_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/wire"
)

// hold holds a write up.
type hold struct{ entered, release chan struct{} }

// sink is a connection in memory that takes everything and counts.
type sink struct {
	bytes    atomic.Int64
	messages atomic.Int64
	writes   atomic.Int64
	hold     atomic.Pointer[hold] // what the next write waits for
	wrote    chan struct{}        // one for each write that somebody waits for; nil: nobody does
}

func (s *sink) Attach(*consumer.Consumer) {}

func (s *sink) Write(messages [][]byte, _ bool) (bool, error) {
	if h := s.hold.Swap(nil); h != nil {
		h.entered <- struct{}{}
		<-h.release
	}
	bytes := 0
	for _, m := range messages {
		bytes += len(m)
	}
	s.count(len(messages), bytes)
	return true, nil
}

func (s *sink) WriteOne(buffer []byte, _ bool) (bool, error) {
	if h := s.hold.Swap(nil); h != nil {
		h.entered <- struct{}{}
		<-h.release
	}
	s.count(1, len(buffer)-consumer.Headroom)
	return true, nil
}

// count counts a write.
func (s *sink) count(messages, bytes int) {
	s.writes.Add(1)
	s.messages.Add(int64(messages))
	s.bytes.Add(int64(bytes))
	if s.wrote != nil {
		s.wrote <- struct{}{}
	}
}

func (s *sink) Close(consumer.CloseCode, string) {}
func (s *sink) Abort(consumer.CloseCode)         {}
func (s *sink) Partial() time.Time               { return time.Time{} }

// inMemory runs a server whose connections are sinks.
func inMemory(t testing.TB) *protoway.Server {
	t.Helper()
	server, err := protoway.New(protoway.Config{
		Logger: slog.New(slog.DiscardHandler),
		Paths: map[string]protoway.Path{"/ws": {Receivers: []receivers.Receiver{
			receivers.Handle(func(context.Context, *testv1.Note) error { return nil }),
			receivers.Handle(func(context.Context, *testv1.Work) error { return nil }),
			receivers.Reply(func(context.Context, *testv1.WhoAmI) (*testv1.You, error) { return &testv1.You{User: "you"}, nil }),
			receivers.Handle(func(ctx context.Context, in *testv1.Rework) error {
				return consumer.From(ctx).Join(ctx, in.GetSubject())
			}),
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// connect opens a sink and says hello.
func connect(t testing.TB, server *protoway.Server, wrote chan struct{}) (*consumer.Consumer, *sink) {
	t.Helper()
	s := &sink{wrote: wrote}
	c := server.Open("/ws", s, consumer.Opening{Dialect: wire.Protobuf})
	c.Receive(frame(t, 0, &wire.Frame{Kind: wire.KindHello, Control: &protowayv1.Hello{}}), false)
	if wrote != nil {
		await(t, "welcome", wrote)
	} else {
		eventually(t, "welcome", func() bool { return s.messages.Load() > 0 })
	}
	return c, s
}

// finish ends the connections and the server.
func finish(t testing.TB, server *protoway.Server, all ...*consumer.Consumer) {
	t.Helper()
	for _, c := range all {
		c.Closed(consumer.CloseNormal)
	}
	if err := server.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

// frame encodes a frame, or a message with an id.
func frame(t testing.TB, id uint64, f *wire.Frame) []byte {
	t.Helper()
	f.ID = id
	encoded, err := wire.Protobuf.Open(wire.NewCatalog(nil), wire.ClientSide).Append(nil, f)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func messageOf(t testing.TB, kind string, m proto.Message) []byte {
	t.Helper()
	return frame(t, 1, &wire.Frame{Kind: wire.KindMessage, Message: wire.Message{Type: kind, Value: m}})
}

// requests are the frames whose way from decoding to the ack is measured.
func requests(t testing.TB) []struct {
	name    string
	message []byte
	most    float64 // allocations, of which the decoded message and its strings are the first
} {
	t.Helper()
	return []struct {
		name    string
		message []byte
		most    float64
	}{
		{"empty note", messageOf(t, "note", &testv1.Note{}), 2},
		{"note with text", messageOf(t, "note", &testv1.Note{Text: "hello, world"}), 3},
		{"reply", messageOf(t, "who-am-i", &testv1.WhoAmI{}), 3},
		{"ping", messageOf(t, "system.ping", &protowayv1.Ping{}), 3},
	}
}

// TestAllocsPerRequest is the gate of what one request may allocate.
func TestAllocsPerRequest(t *testing.T) {
	if raceEnabled {
		t.Log("the race detector allocates: the gate counts without it")
		return
	}
	for _, r := range requests(t) {
		t.Run(r.name, func(t *testing.T) {
			server := inMemory(t)
			wrote := make(chan struct{}, 1)
			c, _ := connect(t, server, wrote)
			n := testing.AllocsPerRun(2000, func() {
				c.Receive(r.message, false)
				<-wrote
			})
			t.Logf("%v allocations per request", n)
			if n > r.most {
				t.Errorf("%v allocations per request, at most %v are allowed", n, r.most)
			}
			finish(t, server, c)
		})
	}
}

// TestAllocsOfAnUnchangedToken is the gate of what a client of Proto Socket costs
// that sends its token with every frame: no check, and nothing for reading it.
func TestAllocsOfAnUnchangedToken(t *testing.T) {
	server, checked := counting(t)
	wrote := make(chan struct{}, 16)
	s := &sink{wrote: wrote}
	c := server.Open("/ws", s, consumer.Opening{Dialect: wire.ProtoSocket})
	perFrame := func(token string) float64 {
		frame := []byte(`{"headers":{"messageType":"note","ack":true` + token + `},"body":{}}`)
		return testing.AllocsPerRun(2000, func() {
			c.Receive(frame, true)
			<-wrote
		})
	}
	without, with := perFrame(""), perFrame(`,"authHeader":"`+strings.Repeat("token", 100)+`"`)
	t.Logf("%v allocations per frame, %v with a token", without, with)
	if with > without && !raceEnabled {
		t.Errorf("%v allocations for the token", with-without)
	}
	if checked.Load() != 1 {
		t.Errorf("the token was checked %d times", checked.Load())
	}
	finish(t, server, c)
}

// counting runs a server that counts the tokens that it checks.
func counting(t testing.TB) (*protoway.Server, *atomic.Int64) {
	t.Helper()
	var checked atomic.Int64
	server, err := protoway.New(protoway.Config{
		Logger: slog.New(slog.DiscardHandler),
		Verifier: auth.VerifierFunc(func(context.Context, string) (*auth.User, error) {
			checked.Add(1)
			return &auth.User{ID: "ada"}, nil
		}),
		Paths: map[string]protoway.Path{"/ws": {Receivers: []receivers.Receiver{
			receivers.Handle(func(context.Context, *testv1.Note) error { return nil }),
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return server, &checked
}

// TestAllocsPerDelivery is the gate of what one delivery of a broadcast may
// allocate.
func TestAllocsPerDelivery(t *testing.T) {
	if raceEnabled {
		t.Log("the race detector allocates: the gate counts without it")
		return
	}
	const members, most = 1000, 0.05
	server, all, sinks := crowd(t, members)
	event := &testv1.Event{Text: "hello, world"}
	n := testing.AllocsPerRun(200, func() { publishAndWait(t, server, event, sinks) })
	t.Logf("%v allocations per delivery, %v per broadcast", n/members, n)
	if n/members > most {
		t.Errorf("%v allocations per delivery, at most %v are allowed", n/members, most)
	}
	finish(t, server, all...)
}

// crowd connects members to one group.
func crowd(t testing.TB, members int) (*protoway.Server, []*consumer.Consumer, []*sink) {
	t.Helper()
	server := inMemory(t)
	var all []*consumer.Consumer
	var sinks []*sink
	for range members {
		c, s := connect(t, server, nil)
		c.Receive(messageOf(t, "rework", &testv1.Rework{Subject: "room"}), false)
		all, sinks = append(all, c), append(sinks, s)
	}
	eventually(t, "all have joined", func() bool {
		for _, s := range sinks {
			s.bytes.Store(0)
		}
		n, err := server.Broadcast(t.Context(), "room", &testv1.Event{})
		return err == nil && n == members
	})
	return server, all, sinks
}

// publishAndWait publishes and returns when every member's connection was written.
func publishAndWait(t testing.TB, server *protoway.Server, m proto.Message, sinks []*sink) {
	t.Helper()
	before := sinks[len(sinks)-1].bytes.Load()
	if n, err := server.Broadcast(context.Background(), "room", m); n != len(sinks) || err != nil {
		t.Fatalf("reached %d, %v", n, err)
	}
	for sinks[len(sinks)-1].bytes.Load() == before {
		runtime.Gosched()
	}
}

func BenchmarkRequest(b *testing.B) {
	for _, r := range requests(b) {
		b.Run(r.name, func(b *testing.B) {
			server := inMemory(b)
			wrote := make(chan struct{}, 1)
			c, _ := connect(b, server, wrote)
			b.ReportAllocs()
			for b.Loop() {
				c.Receive(r.message, false)
				<-wrote
			}
			finish(b, server, c)
		})
	}
}

func BenchmarkBroadcast(b *testing.B) {
	for _, members := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(members), func(b *testing.B) {
			server, all, sinks := crowd(b, members)
			event := &testv1.Event{Text: "hello, world"}
			b.ReportAllocs()
			for b.Loop() {
				publishAndWait(b, server, event, sinks)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*members), "ns/delivery")
			finish(b, server, all...)
		})
	}
}
