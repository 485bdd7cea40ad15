package client

import (
	"sync"
	"time"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// outbox is the messages of a [Client] that are not acked, in the order in which
// they were given. They go out in that order; what has a key survives sessions.
//
// The order holds also when the server refuses a frame for load. It then refuses
// all later ones with a key of that lane until the refused one comes again, see
// docs/protocol.md. So the refused one is sent again first. What was sent behind
// it is unsettled, since it may be refused too, and nothing later may overtake it:
// that waits until those before it are settled.
type outbox struct {
	mostFrames, mostBytes int
	report                func(e *entry) // a message failed that nobody waits for

	wake  chan struct{} // holds one when there may be something to send
	quiet chan struct{} // holds one when nothing is in flight any more
	fresh chan struct{} // holds one when the server refuses a frame for want of a user

	mu         sync.Mutex // guards what follows, and the entries
	head, tail *entry
	cursor     *entry // the first that is queued
	empty      chan struct{}
	lastNumber uint64 // of all
	lastSent   uint64 // the highest number that was sent
	frames     int
	bytes      int
	flying     int // entries that were sent on this session
	flyBytes   int // their payloads
	unsettled  int // of these
	session    uint64
	subject    string // as whom the session writes; empty while there is none
	holds      hold
	tokens     bool // a fresh token may help
	err        *status.Error

	undelivered []*entry // to be reported once mu is free
}

// hold is a reason to send nothing.
type hold uint8

const (
	holdSession hold = 1 << iota // there is none, or it is not prepared
	holdToken                    // a fresh token is being got
	holdGoaway                   // the server is about to close
)

// maxFlyBytes is how many bytes of payload may be in flight. It is the default
// limit of servers; one that allows less refuses for load.
const maxFlyBytes = 4 << 20

func newOutbox(frames, bytes int, report func(e *entry)) *outbox {
	empty := make(chan struct{})
	close(empty)
	return &outbox{
		mostFrames: frames, mostBytes: bytes, report: report, holds: holdSession, empty: empty,
		wake: make(chan struct{}, 1), quiet: make(chan struct{}, 1), fresh: make(chan struct{}, 1),
	}
}

// unlock frees mu and reports what ended under it.
func (o *outbox) unlock() {
	ended := o.undelivered
	o.undelivered = nil
	o.mu.Unlock()
	for _, e := range ended {
		o.report(e)
	}
}

// signal leaves a token in a channel that holds one.
func signal(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// add takes a message.
func (o *outbox) add(m message) (*entry, error) {
	e := newEntry(m)
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.err != nil:
		return nil, o.err
	case e.size() > o.mostBytes:
		return nil, status.ResourceExhausted.Errorf("the message has %d bytes, the outbox takes %d", e.size(), o.mostBytes)
	case o.frames >= o.mostFrames:
		return nil, status.ResourceExhausted.Errorf("%d messages wait for their acks, which is the limit of the outbox", o.frames)
	case o.bytes+e.size() > o.mostBytes:
		return nil, status.ResourceExhausted.Errorf("messages of %d bytes wait for their acks, the outbox takes %d: this one has %d",
			o.bytes, o.mostBytes, e.size())
	}
	if o.frames == 0 {
		o.empty = make(chan struct{})
	}
	o.lastNumber++
	e.number = o.lastNumber
	o.frames++
	o.bytes += e.size()
	if e.prev = o.tail; o.tail == nil {
		o.head = e
	} else {
		o.tail.next = e
	}
	o.tail = e
	o.queue(e)
	return e, nil
}

// queue makes an entry one to be sent. The caller holds mu.
func (o *outbox) queue(e *entry) {
	e.state = entryQueued
	if o.cursor == nil || e.number < o.cursor.number {
		o.cursor = e
	}
	signal(o.wake)
}

// advance moves the cursor behind e. The caller holds mu.
func (o *outbox) advance(e *entry) {
	if o.cursor != e {
		return
	}
	for e = e.next; e != nil && e.state != entryQueued; {
		e = e.next
	}
	o.cursor = e
}

// land counts an entry out of those in flight. The caller holds mu.
func (o *outbox) land(e *entry) {
	if e.state != entrySent {
		return
	}
	e.state = entryQueued // until the caller says otherwise
	o.flying--
	o.flyBytes -= len(e.payload)
	if e.unsettled {
		e.unsettled = false
		o.unsettled--
	}
	if o.flying == 0 {
		signal(o.quiet)
	}
}

// end removes an entry and tells who waits for it. The caller holds mu.
func (o *outbox) end(e *entry, ack wire.Ack) {
	if e.state == entryEnded {
		return
	}
	o.land(e)
	e.state = entryEnded
	o.advance(e)
	if e.prev == nil {
		o.head = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		o.tail = e.prev
	} else {
		e.next.prev = e.prev
	}
	o.frames--
	o.bytes -= e.size()
	if o.frames == 0 {
		close(o.empty)
	}
	if e.posted && ack.Error != nil {
		o.undelivered = append(o.undelivered, e)
	}
	e.ack = ack
	close(e.done)
	signal(o.wake)
}

// fail ends an entry with an error.
func (o *outbox) fail(e *entry, err *status.Error) {
	o.mu.Lock()
	defer o.unlock()
	o.end(e, wire.Ack{Error: err})
}

// giveUp ends an entry that nobody waits for any more, and reports false if it has
// ended already. One that the server may have refused, or may still refuse, stays:
// it is acked or sent again, but on this session only.
func (o *outbox) giveUp(e *entry, why *status.Error) bool {
	o.mu.Lock()
	defer o.unlock()
	if e.state == entryEnded {
		return false
	}
	close(e.left)
	if e.state == entryQueued && (e.written == 0 || e.written != o.session) || o.recall(e) {
		o.end(e, wire.Ack{Error: why})
	} else {
		e.abandoned = true
	}
	return true
}

// hold stops sending for a reason; release takes the reason back.
func (o *outbox) hold(reason hold) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.holds |= reason
}

func (o *outbox) release(reason hold) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.holds &^= reason
	signal(o.wake)
}

// idle reports whether nothing is in flight.
func (o *outbox) idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.flying == 0
}

// close ends all entries and takes no more.
func (o *outbox) close(err *status.Error) {
	o.mu.Lock()
	defer o.unlock()
	if o.err != nil {
		return
	}
	o.err = err
	for o.head != nil {
		o.end(o.head, wire.Ack{Error: err})
	}
}

// reason returns why the outbox is closed; nil if it is not.
func (o *outbox) reason() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		return nil
	}
	return o.err
}

// emptied returns what is closed when no message is left.
func (o *outbox) emptied() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.empty
}

// next returns the entry to be sent, or how long it takes until there is one; 0 is
// until something happens. The caller holds mu.
func (o *outbox) next(now time.Time) (*entry, time.Duration) {
	e := o.cursor
	switch {
	case o.holds != 0 || e == nil:
		return nil, 0
	case e.notBefore.After(now):
		return nil, e.notBefore.Sub(now)
	case o.flying > 0 && o.flyBytes+len(e.payload) > maxFlyBytes:
		return nil, 0
	case o.unsettledBefore(e):
		return nil, 0
	}
	return e, 0
}

// unsettledBefore reports whether an earlier entry may still be refused because
// one before it was. The caller holds mu.
func (o *outbox) unsettledBefore(e *entry) bool {
	if o.unsettled == 0 {
		return false
	}
	for earlier := o.head; earlier != e; earlier = earlier.next {
		if earlier.unsettled {
			return true
		}
	}
	return false
}
