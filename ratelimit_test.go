package protoway_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/internal/testpeer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// pokes handles Poke, of which three may come, and then one an hour.
func pokes(ran *atomic.Int64) receivers.Receiver {
	return receivers.Handle(func(context.Context, *testv1.Poke) error {
		ran.Add(1)
		return nil
	})
}

// mustTake fails unless exactly so many of n pokes are taken, the first ones.
func mustTake(t *testing.T, p *testpeer.Peer, n, taken int, opts ...testpeer.Option) {
	t.Helper()
	for i := range n {
		ack := p.Call(&testv1.Poke{}, opts...)
		if i < taken {
			ok(t, ack)
			continue
		}
		fails(t, ack, status.ResourceExhausted)
		if after := ack.Ack.Error.RetryAfter; after < 50*time.Minute || after > time.Hour {
			t.Errorf("it shall come again after %v", after)
		}
	}
}

func TestRateLimitOfAMessage(t *testing.T) {
	var ran atomic.Int64
	_, url := start(t, protoway.Config{}, pokes(&ran), whoAmI())
	ada := as(t, auth.User{ID: "ada"})
	phone, desk := testpeer.Dial(t, url, ada, fromServer...), testpeer.Dial(t, url, ada, fromServer...)
	mustTake(t, phone, 2, 2)
	mustTake(t, desk, 3, 1) // a user has one bucket
	mustTake(t, phone, 1, 0)
	mustBe(t, phone, "ada") // other messages are not concerned
	mustTake(t, testpeer.Dial(t, url, as(t, auth.User{ID: "eve"}), fromServer...), 4, 3)
	for range 2 { // and who is not signed in, one for each connection
		mustTake(t, testpeer.Dial(t, url, testpeer.Options{}, fromServer...), 4, 3)
	}
	if got := ran.Load(); got != 3+3+6 {
		t.Errorf("%d ran", got)
	}
	if got := limited(t, url, "rate_limit"); got != 3+1+2 {
		t.Errorf("%d were counted", got)
	}
	if got := metric(t, url, `protoway_frames_acked_total{code="resource_exhausted",type="poke"}`); got != 6 {
		t.Errorf("%d refusals were counted as acks", got)
	}
}

// TestRateLimitIsThatOfTheUserToCome: frames that were sent behind a token count
// for its user, wherever they wait.
func TestRateLimitIsThatOfTheUserToCome(t *testing.T) {
	var ran atomic.Int64
	_, url := start(t, protoway.Config{}, pokes(&ran), whoAmI())
	ada := token(t, auth.User{ID: "ada"})
	poke := func(id uint64) *wire.Frame {
		return &wire.Frame{ID: id, Kind: wire.KindMessage, Message: wire.Message{Type: "poke", Value: &testv1.Poke{}}}
	}
	for round := range 3 {
		hello := &wire.Frame{ID: 100, Kind: wire.KindHello, Control: &protowayv1.Hello{Token: ada}}
		p := testpeer.Dial(t, url, testpeer.Options{Silent: true}, fromServer...)
		p.WriteRaw(batchOf(t, 3, func(i int) *wire.Frame { return []*wire.Frame{hello, poke(101), poke(102)}[i] }))
		ok(t, p.AwaitAck(100))
		for i := range 2 {
			if ack := p.AwaitAck(101 + uint64(i)); (ack.Code() == status.OK) != (2*round+i < 3) {
				t.Errorf("round %d, poke %d: %v", round, i, ack.Ack.Error)
			}
		}
	}
	if got := ran.Load(); got != 3 {
		t.Errorf("%d ran, want 3", got)
	}
}

// TestRateLimitKeepsTheOrderOfKeys: what it refuses holds its place.
func TestRateLimitKeepsTheOrderOfKeys(t *testing.T) {
	var ran atomic.Int64
	_, url := start(t, protoway.Config{}, pokes(&ran), notes(func(context.Context, string) error { return nil }))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	for _, key := range []string{"1", "2", "3"} {
		mustTake(t, p, 1, 1, testpeer.Key(key))
	}
	mustTake(t, p, 2, 0, testpeer.Key("4"))
	behind := p.Call(&testv1.Note{}, testpeer.Key("5"))
	fails(t, behind, status.ResourceExhausted)
	if !strings.Contains(behind.Text(), `"4"`) {
		t.Errorf("the frame behind it says %q", behind.Text())
	}
	ok(t, p.Call(&testv1.Note{}))
}

// slowly opens a socket, writes and returns what the server says, until its last
// words or until it hangs up.
func slowly(t *testing.T, address, text, last string) (said []byte) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(testpeer.Patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 4096)
	for {
		n, err := conn.Read(buffer)
		said = append(said, buffer[:n]...)
		if strings.Contains(string(said), last) {
			return said // it waits for an answer, which is not given
		}
		if err != nil {
			if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
				t.Fatalf("the server waits for ever; it said %q", said)
			}
			return said
		}
	}
}

// TestMessagesMustBeCompletedInTime, before Hello and after it.
func TestMessagesMustBeCompletedInTime(t *testing.T) {
	const upgrade = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: protoway.v1\r\n\r\n"
	hello := string(batchOf(t, 1, func(int) *wire.Frame { return &wire.Frame{Kind: wire.KindHello, Control: &protowayv1.Hello{}} }))
	framed := "\x82" + string([]byte{0x80 | byte(len(hello))}) + "\x00\x00\x00\x00" + hello
	for name, begun := range map[string]string{
		"half a frame":                 "\x82\xfe\x01\x00\x00\x00\x00\x00half",
		"half a header":                "\x82",
		"a fragment without its rest":  "\x02\x81\x00\x00\x00\x00x",
		"half a frame in front of all": "",
	} {
		_, url := start(t, protoway.Config{Limits: consumer.Limits{ReadTimeout: 300 * time.Millisecond}}, whoAmI())
		idle := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
		sent := upgrade + framed + begun
		if begun == "" {
			sent = upgrade + framed[:4]
		}
		said := string(slowly(t, strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/ws"), sent, "in time"))
		if !strings.Contains(said, "\x0f\xa6a message was not completed in time") { // 4006
			t.Errorf("%s: the server said %q", name, said)
		}
		if got := limited(t, url, "read_timeout"); got != 1 {
			t.Errorf("%s: counted %d times", name, got)
		}
		mustBe(t, idle, "") // whoever says nothing is not slow
	}
}

// TestSlowRequestsAreCut: the HTTP request in front of a connection has to come in
// time, too.
func TestSlowRequestsAreCut(t *testing.T) {
	server, _ := start(t, protoway.Config{Limits: consumer.Limits{HandshakeTimeout: 200 * time.Millisecond}}, whoAmI())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, listener, nil) }()
	if said := slowly(t, listener.Addr().String(), "GET /ws HTTP/1.1\r\nHost: x\r\n", "\x00"); strings.Contains(string(said), "101") {
		t.Errorf("the server said %q", said)
	}
	cancel()
	if err := await(t, "the server has ended", served); err != nil {
		t.Error(err)
	}
}
