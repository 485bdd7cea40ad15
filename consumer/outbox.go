package consumer

import (
	"sync"
	"sync/atomic"
	"time"
)

// outbox is the bounded send queue of a connection. Frames are appended to the
// message that is being filled; a goroutine writes while there is something to
// write, and none exists otherwise.
type outbox struct {
	conn  Conn
	text  bool
	joins bool   // frames may share a message
	limit int    // bytes that may wait
	flush func() // writeAll, bound once so that starting it costs no allocation

	stuckSince atomic.Int64 // when the running write began, in nanoseconds since 1970; 0: none
	lastWrite  atomic.Int64 // when the last write began, likewise
	over       atomic.Bool  // nothing is taken any more, for who does not hold mu

	mu         sync.Mutex // guards what follows
	pending    *sheaf     // nil: nothing waits
	writing    int        // bytes in the running write
	maxMessage int
	held       bool // nothing is written before the first frame is known
	busy       bool // a goroutine writes
	shut       bool // nothing is taken any more
	closeCode  CloseCode
	closeText  string
}

// sheaf is encoded frames, split into messages of the transport.
type sheaf struct {
	data     []byte
	ends     []int // where each message but the last one ends
	messages [][]byte
}

var sheaves = sync.Pool{New: func() any { return &sheaf{} }}

// maxKeptSheaf is the largest buffer that is used again.
const maxKeptSheaf = 64 << 10

// firstMaxMessage is the largest message before the client has stated its own.
const firstMaxMessage = 32 << 10

func newOutbox(conn Conn, text, joins bool, limit int) *outbox {
	o := &outbox{conn: conn, text: text, joins: joins, limit: limit, held: true, maxMessage: firstMaxMessage}
	o.flush = o.writeAll
	return o
}

// push queues a frame, which is copied. It never blocks; a queue that is full
// ends the connection.
func (o *outbox) push(frame []byte) {
	o.mu.Lock()
	if o.shut {
		o.mu.Unlock()
		return
	}
	waiting := o.writing
	if o.pending != nil {
		waiting += len(o.pending.data)
	}
	if waiting > 0 && waiting+len(frame) > o.limit {
		// What waits is given up, so that the client learns why as soon as it reads.
		o.discard()
		o.shut, o.closeCode, o.closeText = true, CloseSlow, "the client reads too slowly"
		o.over.Store(true)
		o.start()
		return
	}
	if o.pending == nil {
		o.pending = sheaves.Get().(*sheaf)
	}
	o.pending.add(frame, o.joins, o.maxMessage)
	o.start()
}

// start writes in a goroutine unless one does. It unlocks mu.
func (o *outbox) start() {
	begin := !o.busy && !o.held && (o.pending != nil || o.shut)
	o.busy = o.busy || begin
	o.mu.Unlock()
	if begin {
		go o.flush()
	}
}

// open lets writing begin, with a frame in front of all that was queued before.
func (o *outbox) open(first []byte, maxMessage int) {
	o.mu.Lock()
	o.held = false
	if maxMessage > 0 {
		o.maxMessage = maxMessage
	}
	if len(first) > 0 && !o.shut {
		opening := sheaves.Get().(*sheaf)
		opening.add(first, o.joins, o.maxMessage)
		if o.pending != nil {
			opening.append(o.pending)
			o.pending.recycle()
		}
		o.pending = opening
	}
	o.start()
}

// close ends the connection once all that waits is written. Nothing is taken
// after it; only the first call counts.
func (o *outbox) close(code CloseCode, text string) {
	o.mu.Lock()
	if o.closeCode == 0 {
		o.closeCode, o.closeText = code, text
	}
	if o.held { // nothing may precede the first frame, which will not come
		o.discard()
	}
	o.shut, o.held = true, false
	o.over.Store(true)
	o.start()
}

// drop gives up what waits.
func (o *outbox) drop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.shut, o.held = true, false
	o.over.Store(true)
	o.discard()
}

// discard gives up what waits. The caller holds mu.
func (o *outbox) discard() {
	if o.pending != nil {
		o.pending.recycle()
		o.pending = nil
	}
}

// writeAll writes until nothing waits.
func (o *outbox) writeAll() {
	for {
		o.mu.Lock()
		batch := o.pending
		o.pending = nil
		if batch == nil {
			o.busy, o.writing = false, 0
			code, text := o.closeCode, o.closeText
			o.mu.Unlock()
			if code != 0 {
				o.conn.Close(code, text)
			}
			return
		}
		o.writing = len(batch.data)
		o.mu.Unlock()

		began := time.Now().UnixNano()
		o.lastWrite.Store(began)
		o.stuckSince.Store(began)
		err := o.conn.Write(batch.split(), o.text)
		o.stuckSince.Store(0)
		batch.recycle()
		if err != nil {
			o.drop()
			o.conn.Abort(CloseAbnormal)
		}
	}
}

// stuck returns how long the running write has lasted.
func (o *outbox) stuck(now time.Time) time.Duration {
	since := o.stuckSince.Load()
	if since == 0 {
		return 0
	}
	return now.Sub(time.Unix(0, since))
}

// add appends a frame to the last message, or to a new one.
func (s *sheaf) add(frame []byte, joins bool, maxMessage int) {
	begin := 0
	if len(s.ends) > 0 {
		begin = s.ends[len(s.ends)-1]
	}
	filled := len(s.data) - begin
	if filled > 0 && (!joins || filled+len(frame) > maxMessage) {
		s.ends = append(s.ends, len(s.data))
	}
	s.data = append(s.data, frame...)
}

// append adds the messages of other behind those of s.
func (s *sheaf) append(other *sheaf) {
	offset := len(s.data)
	s.ends = append(s.ends, offset)
	for _, end := range other.ends {
		s.ends = append(s.ends, offset+end)
	}
	s.data = append(s.data, other.data...)
}

// split returns the messages.
func (s *sheaf) split() [][]byte {
	begin := 0
	for _, end := range s.ends {
		s.messages = append(s.messages, s.data[begin:end])
		begin = end
	}
	s.messages = append(s.messages, s.data[begin:])
	return s.messages
}

func (s *sheaf) recycle() {
	if cap(s.data) > maxKeptSheaf {
		return
	}
	clear(s.messages)
	s.data, s.ends, s.messages = s.data[:0], s.ends[:0], s.messages[:0]
	sheaves.Put(s)
}

// isHeld reports whether the outbox still waits for its first frame.
func (o *outbox) isHeld() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.held
}
