package protoway_test

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/internal/testpeer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// batchOf joins frames into one message of the transport.
func batchOf(t *testing.T, n int, frameAt func(i int) *wire.Frame) []byte {
	t.Helper()
	session := wire.Protobuf.Open(wire.NewCatalog(nil), wire.ClientSide)
	var batch []byte
	for i := range n {
		var err error
		if batch, err = session.Append(batch, frameAt(i)); err != nil {
			t.Fatal(err)
		}
	}
	return batch
}

func note(id uint64, text, key string) *wire.Frame {
	return &wire.Frame{ID: id, Kind: wire.KindMessage, Message: wire.Message{Type: "note", Value: &testv1.Note{Text: text}, Key: key}}
}

// obey sends until the ack is the one that is wanted, and waits as long as each says.
func obey(t *testing.T, what string, send func() testpeer.Frame, wanted func(testpeer.Frame) bool) {
	t.Helper()
	eventually(t, what, func() bool {
		ack := send()
		if !wanted(ack) {
			<-time.After(ack.Ack.Error.RetryAfter)
			return false
		}
		return true
	})
}

func TestFramesPerSecond(t *testing.T) {
	var ran atomic.Int64
	_, url := start(t, protoway.Config{Limits: consumer.Limits{FramesPerSecond: 20, FrameBurst: 5}},
		notes(func(context.Context, string) error { ran.Add(1); return nil }))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	p.WriteRaw(batchOf(t, 10, func(i int) *wire.Frame { return note(100+uint64(i), "", "") }))
	for i := range uint64(10) {
		ack := p.AwaitAck(100 + i)
		if i < 5 {
			ok(t, ack)
			continue
		}
		fails(t, ack, status.ResourceExhausted)
		if after := ack.Ack.Error.RetryAfter; after <= 0 || after.Milliseconds() > 50 {
			t.Errorf("frame %d shall come again after %v", i, after)
		}
	}
	obey(t, "frames are taken again", func() testpeer.Frame { return p.Call(&testv1.Note{}) }, func(ack testpeer.Frame) bool { return ack.Code() == status.OK })
	before, counted := ran.Load(), limited(t, url, "frames_per_second")
	p.WriteRaw(batchOf(t, 10, func(int) *wire.Frame { return note(0, "", "") }))
	p.Ping()
	eventually(t, "frames without id are dropped and counted", func() bool {
		dropped := limited(t, url, "frames_per_second") - counted
		return dropped >= 5 && int(ran.Load()-before) == 10-dropped
	})
}

// TestWhoGoesOnSendingIsClosed, with a code that has it come again later.
func TestWhoGoesOnSendingIsClosed(t *testing.T) {
	for name, frame := range map[string]func(i int) *wire.Frame{
		"messages":   func(i int) *wire.Frame { return note(uint64(i+1), "", "") },
		"heartbeats": func(int) *wire.Frame { return &wire.Frame{Kind: wire.KindHeartbeat, Control: &protowayv1.Heartbeat{}} },
		"acks":       func(i int) *wire.Frame { f := wire.NewAck(uint64(i+1), nil); return &f },
	} {
		_, url := start(t, protoway.Config{Limits: consumer.Limits{FramesPerSecond: 1, FrameBurst: 5}},
			notes(func(context.Context, string) error { return nil }))
		p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
		p.WriteRaw(batchOf(t, 100, frame))
		if code := p.AwaitEnd(); code != int(consumer.CloseTooFast) {
			t.Errorf("%s: closed with %d", name, code)
		}
		if !consumer.CloseTooFast.Reconnect() {
			t.Error("the client would not come again")
		}
	}
}

// TestRefusedKeysKeepTheirOrder: a frame that came too fast and has a key holds back
// those behind it until it comes again.
func TestRefusedKeysKeepTheirOrder(t *testing.T) {
	got := make(chan string, 100)
	_, url := start(t, protoway.Config{Limits: consumer.Limits{FramesPerSecond: 20, FrameBurst: 2}},
		notes(func(_ context.Context, text string) error { got <- text; return nil }))
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	p.WriteRaw(batchOf(t, 4, func(i int) *wire.Frame { key := strconv.Itoa(i); return note(100+uint64(i), key, key) }))
	ok(t, p.AwaitAck(100))
	ok(t, p.AwaitAck(101))
	fails(t, p.AwaitAck(102), status.ResourceExhausted)
	fails(t, p.AwaitAck(103), status.ResourceExhausted)
	send := func(text string) testpeer.Frame { return p.Call(&testv1.Note{Text: text}, testpeer.Key(text)) }
	ran := func(ack testpeer.Frame) bool { return ack.Code() == status.OK }
	obey(t, "the later one has to wait for the earlier one", func() testpeer.Frame { return send("3") }, func(ack testpeer.Frame) bool {
		fails(t, ack, status.ResourceExhausted)
		return strings.Contains(ack.Text(), "send it again first")
	})
	obey(t, "the earlier one runs", func() testpeer.Frame { return send("2") }, ran)
	obey(t, "and then the later one", func() testpeer.Frame { return send("3") }, ran)
	for _, want := range []string{"0", "1", "2", "3"} {
		if text := <-got; text != want {
			t.Fatalf("%s ran, want %s", text, want)
		}
	}
}

func TestBytesPerSecond(t *testing.T) {
	for _, dialect := range dialects {
		_, url := start(t, protoway.Config{Limits: consumer.Limits{BytesPerSecond: 1, ByteBurst: 4000}},
			notes(func(context.Context, string) error { return nil }))
		p := testpeer.Dial(t, url, testpeer.Options{Dialect: dialect}, fromServer...)
		text := strings.Repeat("x", 2500)
		ok(t, p.Call(&testv1.Note{Text: text}))
		refused := p.Call(&testv1.Note{Text: text})
		fails(t, refused, status.ResourceExhausted)
		if refused.Ack.Error.RetryAfter.Seconds() < 500 {
			t.Errorf("it shall come again after %v", refused.Ack.Error.RetryAfter)
		}
		ok(t, p.Call(&testv1.Note{Text: "small"}))
		p.Send(&testv1.Note{Text: strings.Repeat("x", 50_000)})
		if code := p.AwaitEnd(); code != int(consumer.CloseTooFast) {
			t.Errorf("closed with %d", code)
		}
		if got := limited(t, url, "bytes_per_second"); got < 1 {
			t.Error("it was not counted")
		}
	}
}
