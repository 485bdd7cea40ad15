package protoway_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/internal/testpeer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/transport"
	"github.com/protoway/protoway/wire"
)

// deaf opens a WebSocket, joins a group and reads nothing from then on.
func deaf(t *testing.T, url, group string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/ws"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	request := "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: protoway.v1\r\n\r\n"
	session := wire.Protobuf.Open(wire.NewCatalog(nil), wire.ClientSide)
	batch, err := session.Append(nil, &wire.Frame{Kind: wire.KindHello, Control: &protowayv1.Hello{}})
	if err == nil {
		batch, err = session.Append(batch, &wire.Frame{Kind: wire.KindMessage, Message: wire.Message{Type: "note", Value: &testv1.Note{Text: "join " + group}}})
	}
	if err != nil {
		t.Fatal(err)
	}
	frame := append([]byte{0x82, 0x80 | byte(len(batch)), 0, 0, 0, 0}, batch...) // masked with zeros
	if _, err := conn.Write(append([]byte(request), frame...)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// TestSlowConsumerIsClosedAndDelaysNobody publishes to a group one member of
// which does not read: it is closed, the other gets every publication.
func TestSlowConsumerIsClosedAndDelaysNobody(t *testing.T) {
	server, url := start(t, protoway.Config{Limits: consumer.Limits{OutboxBytes: 256 << 10, WriteTimeout: 500 * time.Millisecond}}, joiner())
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	joinGroup(t, p, "room")
	deaf(t, url, "room")
	eventually(t, "both are members", func() bool {
		n, _ := server.Broadcast(t.Context(), "room", &testv1.Chatter{})
		return n == 2
	})
	text := strings.Repeat("x", 32<<10)
	sent := int64(0)
	for ; server.Stats().Connections == 2; sent++ {
		if sent > 10_000 {
			t.Fatal("the slow member was never closed")
		}
		began := time.Now()
		if _, err := server.Broadcast(t.Context(), "room", &testv1.Event{Text: text, Number: sent}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Fatalf("a broadcast took %v", took)
		}
		for got := int64(-1); got != sent; { // keeps pace, so that it is not slow itself
			got = p.AwaitMessage("event").Value.(*testv1.Event).GetNumber()
		}
	}
}

// TestStuckWriteIsAborted: a connection whose write makes no progress ends,
// though its queue is not full.
func TestStuckWriteIsAborted(t *testing.T) {
	server, url := start(t, protoway.Config{Limits: consumer.Limits{WriteTimeout: 300 * time.Millisecond, OutboxBytes: 64 << 20}}, joiner())
	deaf(t, url, "room")
	eventually(t, "it is a member", func() bool {
		n, _ := server.Broadcast(t.Context(), "room", &testv1.Chatter{})
		return n == 1
	})
	for range 16 {
		if _, err := server.Broadcast(t.Context(), "room", &testv1.Event{Text: strings.Repeat("x", 1<<20)}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the connection is gone", func() bool { return server.Stats().Connections == 0 })
}

// TestMessagesKeepTheSizeTheClientStated: frames are batched up to it, and a
// larger frame goes alone.
func TestMessagesKeepTheSizeTheClientStated(t *testing.T) {
	_, url := start(t, protoway.Config{}, joiner(), echoer(50))
	p := testpeer.Dial(t, url, testpeer.Options{Hello: &protowayv1.Hello{MaxMessageBytes: 2048}}, fromServer...)
	ok(t, p.Call(&testv1.Work{Topic: strings.Repeat("x", 300)}))
	if largest, _ := p.Largest(); largest > 2048 { // that frames are joined is for the outbox's own tests
		t.Errorf("a message of %d bytes came", largest)
	}
	ok(t, p.Call(&testv1.Work{Topic: strings.Repeat("y", 5000)}))
	if largest, _ := p.Largest(); largest < 5000 {
		t.Errorf("the largest message has %d bytes", largest)
	}
}

// echoer sends the topic of a Work back n times before it is acked.
func echoer(n int) receivers.Receiver {
	return receivers.Handle(func(ctx context.Context, in *testv1.Work) error {
		for range n {
			if err := consumer.From(ctx).Send(ctx, &testv1.Event{Text: in.GetTopic()}); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestSlowReaderLearnsWhy: a client that reads, but too slowly, gets the code.
func TestSlowReaderLearnsWhy(t *testing.T) {
	server, _ := start(t, protoway.Config{
		Paths:  map[string]protoway.Path{"/ws": {Groups: []string{"room"}}},
		Limits: consumer.Limits{OutboxBytes: 64 << 10},
	})
	end := server.Pipe("/ws", wire.Protobuf, nil)
	hello, err := wire.Protobuf.Open(wire.NewCatalog(nil), wire.ClientSide).Append(nil, &wire.Frame{Kind: wire.KindHello, Control: &protowayv1.Hello{}})
	if err == nil {
		err = end.Write(t.Context(), hello, false)
	}
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is a member", func() bool {
		n, _ := server.Broadcast(t.Context(), "room", &testv1.Chatter{})
		return n == 1
	})
	for range 200 { // more than pipe and outbox hold
		if _, err := server.Broadcast(t.Context(), "room", &testv1.Event{Text: strings.Repeat("x", 64<<10)}); err != nil {
			t.Fatal(err)
		}
	}
	for {
		if _, _, err = end.Read(t.Context()); err != nil {
			break
		}
	}
	var closed *transport.PipeError
	if !errors.As(err, &closed) || closed.Code != consumer.CloseSlow {
		t.Errorf("the client learned %v", err)
	}
}
