package protoway_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/internal/testpeer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/transport"
	"github.com/protoway/protoway/wire"
)

// lossy are the messages that slow members need not get.
var lossy = append([]proto.Message{&testv1.Price{}, &testv1.Cursor{}}, fromServer...)

// dropped returns how many deliveries of a type slow members did not get.
func dropped(t *testing.T, url, kind, policy string) int {
	t.Helper()
	return metric(t, url, fmt.Sprintf("protoway_deliveries_dropped_total{policy=%q,type=%q}", policy, kind))
}

// readAll reads what waits at a pipe, down to a message with a text, and returns all.
func readAll(t *testing.T, end *transport.PipeEnd, dialect wire.Dialect, last string) (all []proto.Message) {
	t.Helper()
	catalog := wire.NewCatalog(nil)
	for _, m := range lossy {
		if _, err := catalog.Of(m); err != nil {
			t.Fatal(err)
		}
	}
	session := dialect.Open(catalog, wire.ClientSide)
	for done := false; !done; {
		message, text, err := end.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		session.Decode(message, text, func(f *wire.Frame) {
			if f.Kind != wire.KindMessage {
				return
			}
			m := f.Message.Entry.Message.New().Interface()
			if err := session.Unmarshal(f.Message.Payload, m); err != nil {
				t.Error(err)
			}
			all = append(all, m)
			if e, ok := m.(*testv1.Event); ok && e.GetText() == last {
				done = true
			}
		})
	}
	return all
}

// drowsy opens a connection in the group app that reads when it is told to.
func drowsy(t *testing.T, server *protoway.Server, dialect wire.Dialect) *transport.PipeEnd {
	t.Helper()
	end := server.Pipe("/ws", dialect, nil)
	hello, err := dialect.Open(wire.NewCatalog(nil), wire.ClientSide).Append(nil, &wire.Frame{Kind: wire.KindHello, Control: &protowayv1.Hello{}})
	if err == nil {
		err = end.Write(t.Context(), hello, dialect.Text())
	}
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is a member", func() bool {
		n, _ := server.Broadcast(t.Context(), "app", &testv1.Event{})
		return n == 1
	})
	return end
}

// TestSlowMembersGetTheLatest of each key, what does not give way in full, and all
// of it in its order.
func TestSlowMembersGetTheLatest(t *testing.T) {
	for _, dialect := range dialects {
		server, url := start(t, protoway.Config{
			Paths: map[string]protoway.Path{"/ws": {Groups: []string{"app"}}}, Limits: consumer.Limits{OutboxBytes: 256 << 10},
		})
		end := drowsy(t, server, dialect)
		publish := func(m proto.Message) {
			t.Helper()
			if n, err := server.Broadcast(t.Context(), "app", m); n != 1 || err != nil {
				t.Fatalf("reached %d, %v", n, err)
			}
		}
		const rounds = 2000 // about 2 MB
		for i := range int64(rounds) {
			for _, symbol := range []string{"a", "b", strings.Repeat("long", 50)} {
				publish(&testv1.Price{Symbol: symbol, Number: i, Text: strings.Repeat("x", 300)})
			}
			if i%100 == 0 {
				publish(&testv1.Event{Number: i})
			}
			publish(&testv1.Cursor{Number: i})
		}
		publish(&testv1.Event{Text: "last"})

		numbers := map[string][]int64{}
		for _, m := range readAll(t, end, dialect, "last") {
			switch m := m.(type) {
			case *testv1.Price:
				numbers[m.GetSymbol()] = append(numbers[m.GetSymbol()], m.GetNumber())
			case *testv1.Cursor:
				numbers["cursor"] = append(numbers["cursor"], m.GetNumber())
			case *testv1.Event:
				numbers["event"] = append(numbers["event"], m.GetNumber())
			}
		}
		for kind, list := range numbers {
			for i := 1; i < len(list); i++ {
				if list[i] <= list[i-1] && kind != "event" {
					t.Errorf("%.10s: %d came behind %d", kind, list[i], list[i-1])
				}
			}
			if final := list[len(list)-1]; kind != "event" && kind != "cursor" && final != rounds-1 {
				t.Errorf("%.10s: the last one is %d", kind, final)
			}
		}
		if len(numbers) != 5 || len(numbers["a"]) > 100 || len(numbers["cursor"]) > 100 {
			t.Errorf("%d kinds, %d prices and %d cursors came", len(numbers), len(numbers["a"]), len(numbers["cursor"]))
		}
		if n := len(numbers["event"]); n < rounds/100+1 {
			t.Errorf("%d events came, which do not give way", n)
		}
		if drops, want := dropped(t, url, "price", "latest"), 3*rounds-3*len(numbers["a"]); drops < want-10 || drops > want+10 {
			t.Errorf("%d prices gave way, want about %d", drops, want)
		}
		if drops, want := dropped(t, url, "cursor", "drop"), rounds-len(numbers["cursor"]); drops != want {
			t.Errorf("%d cursors were dropped, want %d", drops, want)
		}
		// Who has caught up gets all again.
		for i := range int64(6) { // fewer than wait without anybody reading
			publish(&testv1.Cursor{Number: i})
			publish(&testv1.Price{Number: i})
		}
		publish(&testv1.Event{Text: "end"})
		if all := readAll(t, end, dialect, "end"); len(all) != 13 {
			t.Errorf("%d messages came to who reads, want 13", len(all))
		}
	}
}

// TestSlowMembersOfManyKeysAreClosed: they must not miss the latest of any.
func TestSlowMembersOfManyKeysAreClosed(t *testing.T) {
	server, url := start(t, protoway.Config{
		Paths: map[string]protoway.Path{"/ws": {Groups: []string{"app"}}}, Limits: consumer.Limits{OutboxBytes: 64 << 10, WriteTimeout: 300 * time.Millisecond},
	})
	drowsy(t, server, wire.Protobuf)
	for i := range 10_000 {
		if _, err := server.Broadcast(t.Context(), "app", &testv1.Price{Symbol: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "it is closed", func() bool {
		return metric(t, url, `protoway_connections_closed_total{code="4000",dialect="protoway.v1",path="/ws"}`) == 1
	})
	if got := limited(t, url, "outbox_bytes"); got != 1 {
		t.Errorf("counted %d times", got)
	}
}

// TestDeafMembersOfLossyGroupsStay, over real sockets, and the others get everything.
func TestDeafMembersOfLossyGroupsStay(t *testing.T) {
	const deafOnes, readers = 20, 5
	server, url := start(t, protoway.Config{Limits: consumer.Limits{OutboxBytes: 256 << 10, WriteTimeout: time.Minute}}, joiner())
	var peers []*testpeer.Peer
	for range readers {
		p := testpeer.Dial(t, url, testpeer.Options{}, lossy...)
		joinGroup(t, p, "room")
		peers = append(peers, p)
	}
	for range deafOnes {
		deaf(t, url, "room")
	}
	eventually(t, "all are members", func() bool {
		n, _ := server.Broadcast(t.Context(), "room", &testv1.Chatter{})
		return n == deafOnes+readers
	})
	text := strings.Repeat("x", 64<<10)
	full := func() bool { return dropped(t, url, "cursor", "drop") > 0 && dropped(t, url, "price", "latest") > 0 }
	for i := int64(0); i%100 != 0 || i == 0 || !full(); i++ { // the network takes a lot by itself
		if i > 20_000 || server.Stats().Connections != deafOnes+readers {
			t.Fatalf("after %d publications %d connections are left", i, server.Stats().Connections)
		}
		var m proto.Message = &testv1.Cursor{Number: i, Text: text}
		if i%2 == 0 {
			m = &testv1.Price{Symbol: "a", Number: i, Text: text}
		}
		if _, err := server.Broadcast(t.Context(), "room", m); err != nil {
			t.Fatal(err)
		}
		for _, p := range peers { // they keep pace, so that they are not slow themselves
			got := p.Await("publication", func(f *testpeer.Frame) bool { return f.Message.Type == "cursor" || f.Message.Type == "price" }).Value
			if n := got.(interface{ GetNumber() int64 }).GetNumber(); n != i {
				t.Fatalf("number %d came, want %d", n, i)
			}
		}
	}
	if n := server.Stats().Connections; n != deafOnes+readers {
		t.Errorf("%d connections are left, want %d", n, deafOnes+readers)
	}
}
