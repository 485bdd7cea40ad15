package consumer

import (
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// job is a frame that waits for its turn or has it. Jobs are used again: nothing
// may hold one after its turn.
type job struct {
	c       *Consumer
	from    from
	re      uint64
	kind    wire.Kind
	binding *Binding // KindMessage
	key     string
	payload []byte        // a copy of the frame's
	control proto.Message // the other kinds
	inner   func()        // work of the server's own, with no frame

	late    *status.Error // why it is refused, known before it is queued
	limit   string        // which limit it has reached, for metrics
	unrated bool          // its rate limit is checked when its turn has come
	slot    slot
	number  uint64 // of its arrival on the connection
	excess  bool   // it was refused because the client has too much in flight
	lane    *lane
	next    *job // in its lane
	barrier bool // later frames of the connection wait until it has ended
	skip    bool // it is not run
	more    bool // another frame of its lane waits
}

// from is which frame of the client something belongs to.
type from struct {
	id  uint64 // 0: it asked for no ack
	tag string // the dialect's own name of it
}

func fromOf(f *wire.Frame) from { return from{f.ID, f.Tag} }

var jobs = sync.Pool{New: func() any { return &job{} }}

// maxKeptPayload is the largest payload buffer that is used again.
const maxKeptPayload = 4 << 10

func newJob(c *Consumer, f *wire.Frame) *job {
	j := jobs.Get().(*job)
	j.c, j.from, j.re, j.kind, j.control = c, fromOf(f), f.Re, f.Kind, f.Control
	if f.Kind == wire.KindMessage {
		j.key = f.Message.Key
		j.payload = append(j.payload[:0], f.Message.Payload...)
	}
	return j
}

func (j *job) recycle() {
	payload := j.payload
	if cap(payload) > maxKeptPayload {
		payload = nil
	}
	*j = job{payload: payload[:0]}
	jobs.Put(j)
}

// name is what metrics call the frame.
func (j *job) name() string {
	if j.binding != nil {
		return j.binding.Entry.Type
	}
	return j.kind.String()
}
