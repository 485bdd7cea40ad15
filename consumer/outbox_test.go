package consumer

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/protoway/protoway/broadcast"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire"
)

// recorder is a connection that keeps what it is given.
type recorder struct {
	messages [][]byte
	code     CloseCode
	wrote    chan struct{}
	full     int    // writes that the network does not take at once
	written  func() // called when it has
}

func (r *recorder) Attach(*Consumer) {}

func (r *recorder) Write(messages [][]byte, _ bool) (bool, error) {
	for _, m := range messages {
		r.messages = append(r.messages, bytes.Clone(m))
	}
	if r.full > 0 { // the network is full: it says later that it is not
		r.full--
		go r.written()
		return false, nil
	}
	return true, nil
}

func (r *recorder) WriteOne(buffer []byte, text bool) (bool, error) {
	return r.Write([][]byte{buffer[Headroom:]}, text)
}

func (r *recorder) Close(code CloseCode, _ string) {
	r.code = code
	close(r.wrote)
}

func (r *recorder) Abort(CloseCode) {}

func (r *recorder) Partial() time.Time { return time.Time{} }

// roomy returns a frame as it is pushed.
func roomy(frame []byte) []byte { return append(make([]byte, Headroom), frame...) }

// quiet is an observer of limits that does not care.
type quiet struct{ Observer }

func (quiet) Limited(string)                 {}
func (quiet) DeliveryDropped(string, string) {}

// outboxOf makes an outbox of a limit, without a connection of a node.
func outboxOf(conn Conn, dialect wire.Dialect, limit int) *outbox {
	return newOutbox(conn, dialect, &Node{limits: Limits{OutboxBytes: limit}, wheel: &wheel{}, observer: quiet{}})
}

// TestOutboxKeepsFramesWholeAndInOrder: whatever is pushed comes out in its
// order, in messages that are not larger than stated unless a frame is alone in
// one, and with the first frame in front of all.
func TestOutboxKeepsFramesWholeAndInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		joins, most := rapid.Bool().Draw(t, "joins"), rapid.IntRange(1, 64).Draw(t, "most")
		conn := &recorder{wrote: make(chan struct{})}
		dialect := wire.JSON
		if joins {
			dialect = wire.Protobuf
		}
		o := outboxOf(conn, dialect, 1<<20)
		conn.full, conn.written = rapid.IntRange(0, 10).Draw(t, "full"), o.written
		o.maxMessage = most
		var want, frames [][]byte
		for i := range rapid.IntRange(0, 30).Draw(t, "frames") {
			f := fmt.Appendf(nil, "<%d%s>", i, bytes.Repeat([]byte("x"), rapid.IntRange(0, 40).Draw(t, "size")))
			frames = append(frames, f)
		}
		early := rapid.IntRange(0, len(frames)).Draw(t, "early")
		for _, f := range frames[:early] {
			o.push(roomy(f))
		}
		if len(conn.messages) != 0 {
			t.Fatal("something was written before the first frame")
		}
		o.open([]byte("<first>"), most)
		for _, f := range frames[early:] {
			o.push(roomy(f))
		}
		o.close(CloseNormal, "")
		<-conn.wrote
		want = append([][]byte{[]byte("<first>")}, frames...)
		if got := bytes.Join(conn.messages, nil); !bytes.Equal(got, bytes.Join(want, nil)) {
			t.Fatalf("got %q, want %q", got, want)
		}
		for _, m := range conn.messages {
			count := bytes.Count(m, []byte("<"))
			if count > 1 && (!joins || len(m) > most) || m[0] != '<' || m[len(m)-1] != '>' {
				t.Fatalf("message %q of %d frames, at most %d bytes", m, count, most)
			}
		}
	})
}

func TestOutboxRefusedBeforeWelcomeSaysNothing(t *testing.T) {
	conn := &recorder{wrote: make(chan struct{})}
	o := outboxOf(conn, wire.Protobuf, 1<<20)
	o.push(roomy([]byte("early")))
	o.close(CloseRefused, "no")
	<-conn.wrote
	o.push(roomy([]byte("late")))
	if len(conn.messages) != 0 || conn.code != CloseRefused {
		t.Errorf("wrote %q, closed with %v", conn.messages, conn.code)
	}
}

// TestWhatWaitsForOthersIsNotTooMuch: frames behind which others may come are
// written when there is no room for them; only a network that is full closes.
func TestWhatWaitsForOthersIsNotTooMuch(t *testing.T) {
	const limit = 100
	conn := &valve{}
	o := outboxOf(conn, wire.Protobuf, limit)
	o.held, o.soon = false, true // nobody writes but who pushes: the one that would is not there yet
	var want []byte
	for i := range 50 {
		frame := fmt.Appendf(nil, "<%d%s>", i, bytes.Repeat([]byte("x"), i))
		want = append(want, frame...)
		switch i % 3 {
		case 0:
			o.pushSoon(roomy(frame))
		case 1:
			o.pushSoon(roomy(frame))
			if o.offer([]byte("<free>"), &broadcast.Slow{Policy: protowayv1.SlowConsumer_DROP}) {
				t.Errorf("step %d: a publication was dropped for a network that takes everything", i)
			}
			want = append(want, "<free>"...)
		case 2:
			o.push(roomy(frame))
		}
		if o.over.Load() {
			t.Fatalf("step %d: it is closed with %v", i, conn.code)
		}
	}
	if got := bytes.Join(conn.sent, nil); !bytes.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
}
