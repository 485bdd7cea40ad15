package consumer

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/protoway/protoway/wire"
)

// outbox is the bounded send queue of a connection. While the network takes what
// is pushed, whoever pushes writes it, without blocking, and nothing is queued.
// Else frames are appended to the message that is being filled, and are written
// when the network has taken what was before them.
type outbox struct {
	conn  Conn
	roomy HeadroomConn // conn, if it is one
	text  bool
	joins bool // frames may share a message
	limit int  // bytes that may wait
	clock *clock

	observer Observer

	stuckSince atomic.Int64 // when the network was full, or took a part last, in nanoseconds since 1970; 0: it is not
	lastWrite  atomic.Int64 // when something was written last, likewise
	over       atomic.Bool  // nothing is taken any more, for who does not hold mu

	mu         sync.Mutex // guards what follows
	pending    *sheaf     // nil: nothing waits
	writing    int        // bytes in the running write
	unwritten  int        // 1 while the network is full: writes that it has not taken
	maxMessage int
	held       bool // nothing is written before the first frame is known
	busy       bool // somebody writes, or the network has to take what was written
	soon       bool // a goroutine is about to write
	shut       bool // nothing is taken any more
	closeCode  CloseCode
	closeText  string
	told       bool // the connection was told to close
}

// firstMaxMessage is the largest message before the client has stated its own.
const firstMaxMessage = 32 << 10

func newOutbox(conn Conn, dialect wire.Dialect, n *Node) *outbox {
	roomy, _ := conn.(HeadroomConn)
	return &outbox{
		conn: conn, roomy: roomy, text: dialect.Text(), joins: dialect.Joins(), limit: n.limits.OutboxBytes,
		clock: &n.wheel.clock, observer: n.observer, held: true, maxMessage: firstMaxMessage,
	}
}

// push sends a frame, which is behind Headroom bytes of buffer and valid during
// the call. It never blocks; a queue that is full ends the connection.
func (o *outbox) push(buffer []byte) {
	o.mu.Lock()
	if o.roomy == nil || o.shut || !o.idle() {
		o.send(buffer[Headroom:], nil)
		return
	}
	o.busy, o.writing = true, len(buffer)-Headroom
	o.mu.Unlock()
	if o.wrote(o.roomy.WriteOne(buffer, o.text)) {
		o.flush()
	}
}

// pushAll is push for several frames that stand behind each other in data; ends
// says where each but the last one ends.
func (o *outbox) pushAll(data []byte, ends []int) {
	o.mu.Lock()
	o.send(data, ends)
}

// send is pushAll for who holds mu. It unlocks it.
func (o *outbox) send(data []byte, ends []int) {
	o.relieve(len(data))
	switch {
	case o.shut:
		o.mu.Unlock()
	case o.idle() && (len(ends) == 0 || o.joins && len(data) <= o.maxMessage):
		o.busy, o.writing = true, len(data)
		o.mu.Unlock()
		o.writeNow(data)
	case o.full(len(data)):
		o.overflow()
	default:
		o.queue(data, ends)
		o.start()
	}
}

// relieve writes what waits if there is no room for some bytes behind it, and it
// waits only since others might have come, not for the network. The caller holds mu,
// which is unlocked meanwhile.
func (o *outbox) relieve(bytes int) {
	if o.shut || o.busy || o.held || o.pending == nil || !o.full(bytes) {
		return
	}
	o.busy = true
	o.mu.Unlock()
	o.flush()
	o.mu.Lock()
}

// overflow ends a connection whose queue is full. What waits is given up, so that
// the client learns why as soon as it reads. The caller holds mu, which is unlocked.
func (o *outbox) overflow() {
	o.discard()
	o.shut, o.closeCode, o.closeText = true, CloseSlow, "the client reads too slowly"
	o.over.Store(true)
	o.start()
	o.observer.Limited(limitOutbox)
}

// pushSoon is push for a frame behind which others may come: they share a write.
// It is written as soon as this goroutine has nothing more urgent to do, or
// another one has time.
func (o *outbox) pushSoon(buffer []byte) {
	frame := buffer[Headroom:]
	o.mu.Lock()
	if o.busy || o.held || o.shut || o.full(len(frame)) {
		o.send(frame, nil)
		return
	}
	o.queue(frame, nil)
	begin := !o.soon
	o.soon = true
	o.mu.Unlock()
	if begin {
		go o.flushSoon()
	}
}

func (o *outbox) flushSoon() {
	o.mu.Lock()
	o.soon = false
	o.start()
}

// idle reports whether nothing waits and nobody writes. The caller holds mu.
func (o *outbox) idle() bool { return !o.busy && !o.held && o.pending == nil }

// full reports whether there is no room for some bytes. The caller holds mu.
func (o *outbox) full(bytes int) bool {
	waiting := o.writing
	if o.pending != nil {
		waiting += o.pending.size()
	}
	return waiting > 0 && waiting+bytes > o.limit
}

// queue appends frames to what waits. The caller holds mu.
func (o *outbox) queue(data []byte, ends []int) {
	if o.pending == nil {
		o.pending = sheaves.Get().(*sheaf)
	}
	begin := 0
	for _, end := range ends {
		o.pending.add(data[begin:end], o.joins, o.maxMessage)
		begin = end
	}
	o.pending.add(data[begin:], o.joins, o.maxMessage)
}

// start writes what waits unless somebody does. It unlocks mu.
func (o *outbox) start() {
	begin := !o.busy && !o.held && (o.pending != nil || o.shut)
	o.busy = o.busy || begin
	o.mu.Unlock()
	if begin {
		o.flush()
	}
}

// writeNow writes one message for who has made the outbox busy.
func (o *outbox) writeNow(message []byte) {
	one := sheaves.Get().(*sheaf)
	one.messages = append(one.messages, message)
	done := o.write(one.messages)
	one.recycle()
	if done {
		o.flush()
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
	begin := !o.soon
	o.soon = true
	o.mu.Unlock()
	if begin {
		go o.flushSoon() // the ack of hello is about to come
	}
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

// flushRounds is how often who pushes writes what others have pushed meanwhile.
const flushRounds = 4

// flush writes what waits, for who has made the outbox busy, until nothing waits
// or the network is full; then [Consumer.Written] goes on.
func (o *outbox) flush() {
	for range flushRounds {
		o.mu.Lock()
		batch := o.pending
		o.pending = nil
		if batch == nil {
			o.busy, o.writing = false, 0
			code, text, told := o.closeCode, o.closeText, o.told
			o.told = code != 0
			o.mu.Unlock()
			if code != 0 && !told {
				o.conn.Close(code, text)
			}
			return
		}
		messages := batch.split()
		o.writing = len(batch.data)
		o.mu.Unlock()
		done := o.write(messages)
		batch.recycle()
		if !done {
			return
		}
	}
	go o.flush() // who pushes has something else to do
}

// write writes messages and reports whether the network has taken them.
func (o *outbox) write(messages [][]byte) bool {
	return o.wrote(o.conn.Write(messages, o.text))
}

// wrote notes how a write went, and reports whether the network has taken it.
func (o *outbox) wrote(done bool, err error) bool {
	o.lastWrite.Store(o.clock.now())
	switch {
	case err != nil:
		o.drop()
		o.conn.Abort(CloseAbnormal)
		return true // nothing waits any more
	case !done:
		o.countUnwritten(1)
	}
	return done
}

// written goes on when the network has taken what was left of a write.
func (o *outbox) written() {
	o.countUnwritten(-1)
	o.flush()
}

// countUnwritten notes that the network is full, or not any more. Who says that it
// has taken all may be faster than who learns that it had not.
func (o *outbox) countUnwritten(by int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.unwritten += by
	if o.unwritten > 0 {
		o.stuckSince.Store(o.clock.now())
	} else {
		o.stuckSince.Store(0)
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

// isHeld reports whether the outbox still waits for its first frame.
func (o *outbox) isHeld() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.held
}
