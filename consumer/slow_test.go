package consumer

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/protoway/protoway/broadcast"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire"
)

// valve is a connection whose network is full when its test says so.
type valve struct {
	sent  [][]byte
	shuts bool // the next write is not taken
	code  CloseCode
}

func (v *valve) Attach(*Consumer) {}

func (v *valve) Write(messages [][]byte, _ bool) (bool, error) {
	for _, m := range messages {
		v.sent = append(v.sent, bytes.Clone(m))
	}
	return !v.shuts, nil
}

func (v *valve) Close(code CloseCode, _ string) { v.code = code }
func (v *valve) Abort(CloseCode)                {}
func (v *valve) Partial() time.Time             { return time.Time{} }

// waiting is a frame of the model.
type waiting struct {
	frame []byte
	topic string // empty: it does not give way
}

// outboxModel is what an outbox does, said simply.
type outboxModel struct {
	limit, writing int
	blocked, over  bool
	sent           [][]byte
	queue          []waiting
}

func (m *outboxModel) size() int {
	size := m.writing
	for _, w := range m.queue {
		size += len(w.frame)
		if w.topic != "" {
			size += spanBytes
		}
	}
	return size
}

func (m *outboxModel) full(frame []byte) bool { return m.size() > 0 && m.size()+len(frame) > m.limit }

// push takes a frame that may give way if it has a topic, and is left out if it has
// to wait and may be.
func (m *outboxModel) push(w waiting, lossy, shuts bool) (dropped bool) {
	switch {
	case m.over:
	case !m.blocked:
		m.sent = append(m.sent, w.frame)
		m.hold(len(w.frame), shuts)
	case lossy:
		return true
	default:
		if i := slices.IndexFunc(m.queue, func(q waiting) bool { return w.topic != "" && q.topic == w.topic }); i >= 0 {
			m.queue, dropped = slices.Delete(m.queue, i, i+1), true
		}
		if m.full(w.frame) {
			m.over, m.queue = true, nil
			return dropped
		}
		m.queue = append(m.queue, w)
	}
	return dropped
}

func (m *outboxModel) hold(bytes int, shuts bool) {
	if m.blocked = shuts; shuts {
		m.writing = bytes
	} else {
		m.writing = 0
	}
}

// free is the network taking what was written.
func (m *outboxModel) free(shuts bool) {
	m.hold(0, false)
	bytes := 0
	for _, w := range m.queue {
		m.sent = append(m.sent, w.frame)
		bytes += len(w.frame)
	}
	if len(m.queue) > 0 {
		m.hold(bytes, shuts)
	}
	m.queue = nil
}

// TestSlowConsumersGetWhatTheirRulesSay: whatever is sent and whenever the network
// is full, what goes out is what the model says, in its order, and what is kept is
// bounded.
func TestSlowConsumersGetWhatTheirRulesSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.SampledFrom([]int{300, 2000, 1 << 20}).Draw(t, "limit")
		dialect := rapid.SampledFrom([]wire.Dialect{wire.Protobuf, wire.JSON}).Draw(t, "dialect")
		conn, model := &valve{}, &outboxModel{limit: limit}
		o := outboxOf(conn, dialect, limit)
		o.held, o.maxMessage = false, rapid.IntRange(1, 200).Draw(t, "most")
		for i := range rapid.IntRange(1, 80).Draw(t, "steps") {
			conn.shuts = rapid.Bool().Draw(t, "shuts")
			frame := fmt.Appendf(nil, "<%d%s>", i, bytes.Repeat([]byte("x"), rapid.IntRange(0, 60).Draw(t, "size")))
			topic := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "topic")
			switch rapid.SampledFrom([]string{"push", "drop", "latest", "latest", "free"}).Draw(t, "step") {
			case "push":
				o.push(roomy(frame))
				model.push(waiting{frame: frame}, false, conn.shuts)
			case "drop":
				got := o.offer(frame, &broadcast.Slow{Policy: protowayv1.SlowConsumer_DROP})
				if want := model.push(waiting{frame: frame}, true, conn.shuts); got != want {
					t.Fatalf("step %d: dropped %v, want %v", i, got, want)
				}
			case "latest":
				got := o.offer(frame, &broadcast.Slow{Policy: protowayv1.SlowConsumer_LATEST, Topic: broadcast.Topic{Key: topic}})
				if want := model.push(waiting{frame, topic}, false, conn.shuts); got != want {
					t.Fatalf("step %d: gave way %v, want %v", i, got, want)
				}
			case "free":
				if model.blocked {
					o.written()
					model.free(conn.shuts)
				}
			}
			checkOutbox(t, o, model)
		}
		conn.shuts = false
		if model.blocked {
			o.written()
			model.free(false)
		}
		if got, want := bytes.Join(conn.sent, nil), bytes.Join(model.sent, nil); !bytes.Equal(got, want) {
			t.Fatalf("sent %q, want %q", got, want)
		}
		if model.over != (conn.code == CloseSlow) {
			t.Fatalf("closed with %v, want %v", conn.code, model.over)
		}
	})
}

// checkOutbox compares what is kept with the model, and with the limit.
func checkOutbox(t *rapid.T, o *outbox, model *outboxModel) {
	t.Helper()
	if o.over.Load() != model.over {
		t.Fatalf("over %v, want %v", o.over.Load(), model.over)
	}
	kept, raw := o.writing, 0
	if o.pending != nil {
		kept += o.pending.size()
		raw = len(o.pending.data)
	}
	if want := model.size(); !model.over && kept != want {
		t.Fatalf("%d bytes wait, want %d", kept, want)
	}
	if most := 2*max(model.limit, 100) + 100; raw > most {
		t.Fatalf("%d bytes are kept, at most %d are allowed", raw, most)
	}
}

// TestLatestIsBoundedInMemory: a member that never reads keeps one publication per
// topic, however many come.
func TestLatestIsBoundedInMemory(t *testing.T) {
	conn := &valve{shuts: true}
	o := outboxOf(conn, wire.Protobuf, 1<<20)
	o.held = false
	o.push(roomy([]byte("first")))
	frame := make([]byte, 1000)
	for i := range 100_000 {
		o.offer(frame, &broadcast.Slow{Policy: protowayv1.SlowConsumer_LATEST, Topic: broadcast.Topic{Key: string(rune('a' + i%10))}})
	}
	if live, kept, spans := o.pending.size(), cap(o.pending.data), cap(o.pending.spans); live != 10*(1000+spanBytes) || kept > 1<<16 || spans > 100 {
		t.Errorf("%d bytes wait, %d bytes and %d spans are kept", live, kept, spans)
	}
	conn.shuts = false
	o.written()
	if got := len(bytes.Join(conn.sent, nil)); got != len("first")+10*1000 {
		t.Errorf("%d bytes were sent", got)
	}
}

// TestEarlyLatestKeepsWelcomeInFront of publications that gave way to each other
// before it was sent.
func TestEarlyLatestKeepsWelcomeInFront(t *testing.T) {
	conn := &recorder{wrote: make(chan struct{})}
	o := outboxOf(conn, wire.Protobuf, 1<<20)
	for i := range 5 {
		o.offer(fmt.Appendf(nil, "<%d>", i), &broadcast.Slow{Policy: protowayv1.SlowConsumer_LATEST})
	}
	o.open([]byte("<welcome>"), 0)
	o.close(CloseNormal, "")
	<-conn.wrote
	if got := string(bytes.Join(conn.messages, nil)); got != "<welcome><4>" {
		t.Errorf("sent %s", got)
	}
}
