package protoway_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/http"
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

// More limits over real sockets; limitslist_test.go says which test is whose.

// TestHandshakeBurst: so many may come at once, whatever the rate.
func TestHandshakeBurst(t *testing.T) {
	_, url := start(t, protoway.Config{Limits: consumer.Limits{HandshakesPerSecond: 1, HandshakeBurst: 20}}, whoAmI())
	for i := range 20 {
		if code, _ := refusal(t, url, nil); code != http.StatusSwitchingProtocols {
			t.Fatalf("connection %d of the burst was refused with %d", i, code)
		}
	}
	eventually(t, "one that is too many is refused", func() bool {
		code, _ := refusal(t, url, nil)
		return code == http.StatusServiceUnavailable
	})
}

// TestOutboxBytes: a member that reads nothing is closed for what waits, long before
// its write counts as stuck.
func TestOutboxBytes(t *testing.T) {
	server, url := start(t, protoway.Config{Limits: consumer.Limits{OutboxBytes: 256 << 10, WriteTimeout: time.Hour}}, joiner())
	deaf(t, url, "room")
	eventually(t, "it is a member", func() bool {
		n, _ := server.Broadcast(t.Context(), "room", &testv1.Chatter{})
		return n == 1
	})
	text := strings.Repeat("x", 64<<10)
	sent := 0
	for ; limited(t, url, "outbox_bytes") == 0; sent++ {
		if sent > 10_000 {
			t.Fatal("what waits is not bounded")
		}
		if _, err := server.Broadcast(t.Context(), "room", &testv1.Event{Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	if sent < 4 {
		t.Errorf("%d publications of 64 KiB were too many for 256 KiB", sent)
	}
	if got := limited(t, url, "write_timeout"); got != 0 {
		t.Errorf("%d writes count as stuck", got)
	}
}

func TestHandlerTimeout(t *testing.T) {
	ended := make(chan error, 1)
	_, url := start(t, protoway.Config{Limits: consumer.Limits{HandlerTimeout: 100 * time.Millisecond}}, whoAmI(),
		notes(func(ctx context.Context, _ string) error {
			<-ctx.Done()
			ended <- ctx.Err()
			return nil
		}))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	fails(t, p.Call(&testv1.Note{}), status.DeadlineExceeded)
	if err := await(t, "the end of the handler", ended); status.CodeOf(err) != status.DeadlineExceeded {
		t.Errorf("the handler's context: %v", err)
	}
	if got := limited(t, url, "handler_timeout"); got != 1 {
		t.Errorf("counted %d times", got)
	}
	mustBe(t, p, "")
}

// TestKeysAreBounded for a user and for the node: no key is forgotten for another one.
func TestKeysAreBounded(t *testing.T) {
	var runs atomic.Int64
	server, url := start(t, protoway.Config{Limits: consumer.Limits{DedupePerUser: 2, DedupeTotal: 3}}, counted(&runs))
	ada := testpeer.Dial(t, url, as(t, auth.User{ID: "ada"}), fromServer...)
	bob := testpeer.Dial(t, url, as(t, auth.User{ID: "bob"}), fromServer...)
	for i, call := range []struct {
		of   *testpeer.Peer
		key  string
		code status.Code
	}{
		{ada, "1", status.OK},
		{ada, "2", status.OK},
		{ada, "3", status.ResourceExhausted}, // DedupePerUser
		{bob, "1", status.OK},
		{bob, "2", status.ResourceExhausted}, // DedupeTotal
	} {
		if got := call.of.Call(&testv1.Greet{}, testpeer.Key(call.key)).Code(); got != call.code {
			t.Errorf("call %d: %v, want %v", i, got, call.code)
		}
	}
	if n, ran, counts := server.Stats().DedupeEntries, runs.Load(), limited(t, url, "dedupe"); n != 3 || ran != 3 || counts != 2 {
		t.Errorf("%d keys are remembered, %d frames ran, %d were counted; want 3, 3, 2", n, ran, counts)
	}
}

func TestDedupeWindow(t *testing.T) {
	var runs atomic.Int64
	_, url := start(t, protoway.Config{Limits: consumer.Limits{DedupeWindow: 100 * time.Millisecond}}, counted(&runs))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	for want := range 3 {
		eventually(t, "the key is forgotten", func() bool {
			return p.Call(&testv1.Greet{}, testpeer.Key("k")).Value.(*testv1.Greeting).GetText() == fmt.Sprint("run ", want+1)
		})
	}
}

// TestTicketsBeyondMaxGroups are not looked at.
func TestTicketsBeyondMaxGroups(t *testing.T) {
	_, url := start(t, protoway.Config{Secret: secret}, joiner())
	p := testpeer.Dial(t, url, as(t, auth.User{ID: "ada"}), fromServer...)
	resume := &protowayv1.Resume{}
	for i := range 4 {
		resume.Groups = append(resume.Groups, &protowayv1.ResumeGroup{Ticket: joinGroup(t, p, fmt.Sprint("room ", i))})
	}
	_, url = start(t, protoway.Config{Secret: secret, Limits: consumer.Limits{MaxGroups: 2}}, joiner())
	options := as(t, auth.User{ID: "ada"})
	options.Hello = &protowayv1.Hello{Resume: resume}
	back := testpeer.Dial(t, url, options, fromServer...)
	left := back.Await("left", func(f *testpeer.Frame) bool { return f.Kind == wire.KindLeft }).Control.(*protowayv1.Left)
	if left.GetReason() != "too many groups to resume" {
		t.Errorf("left: %v", left)
	}
	back.Ping()
	joined := 0
	for _, f := range back.Came() {
		if f.Kind == wire.KindJoined {
			joined++
		}
	}
	if joined != 2 {
		t.Errorf("%d groups were resumed, want 2", joined)
	}
}

// TestTicketLife: a ticket says when it expires, see broadcast/ticket.go.
func TestTicketLife(t *testing.T) {
	for stated, want := range map[time.Duration]time.Duration{
		0: 10 * time.Minute, time.Second: 10 * time.Minute, 2 * time.Hour: 2 * time.Hour,
	} {
		_, url := start(t, protoway.Config{Limits: consumer.Limits{TicketLife: stated}}, joiner())
		p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
		before := time.Now()
		ticket := joinGroup(t, p, "room")
		after := time.Now()
		rest := ticket[1:]
		_, n := binary.Uvarint(rest)
		expires, _ := binary.Varint(rest[n:])
		if expires < before.Add(want).Unix() || expires > after.Add(want).Unix() {
			t.Errorf("a life of %v: the ticket expires at %v, it was made at %v", stated, time.Unix(expires, 0), before)
		}
	}
}

// TestUnsettledKeysKeepNoAnswers: what a client has not settled is remembered past
// the window by its key alone. Its stored answers, which are bounded in time and in
// bytes, go.
func TestUnsettledKeysKeepNoAnswers(t *testing.T) {
	const calls, size = 64, 128 << 10
	server, url := start(t, protoway.Config{Limits: consumer.Limits{DedupeWindow: 300 * time.Millisecond}}, receivers.Reply(
		func(context.Context, *testv1.Greet) (*testv1.Greeting, error) {
			return &testv1.Greeting{Text: strings.Repeat("x", size)}, nil
		}))
	p := testpeer.Dial(t, url, testpeer.Options{Hello: &protowayv1.Hello{Features: []string{"settled"}}}, fromServer...)
	before := heapInUse()
	for i := range calls {
		ok(t, p.Call(&testv1.Greet{}, testpeer.Key(fmt.Sprint(i))))
	}
	eventually(t, "the window passes", func() bool { return server.Stats().DedupeEntries == 0 })
	if kept := heapInUse() - before; kept > calls*size/4 {
		t.Errorf("%d bytes are kept, of %d answers of %d bytes", kept, calls, size)
	}
	p.Ping() // the connection has lasted
}
