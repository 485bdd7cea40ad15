package client

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

const (
	// maxHold is the longest that a refused frame holds up those behind it. A
	// server that asks for more gives an answer to the application.
	maxHold = 30 * time.Second
	// doubtAfter is when a frame is sent again that the server could not handle
	// without saying when it can: a server that drains says so before its Goaway.
	doubtAfter = 250 * time.Millisecond
)

// begin starts a session of a subject; tokens says whether there are fresh ones.
// Nothing is sent before holdSession is released.
func (o *outbox) begin(subject string, tokens bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.session++
	o.subject, o.tokens = subject, tokens
	o.holds &= holdSession
}

// disown fails what was written as another user than that of the session, once the
// application has prepared it, which may have signed in.
func (o *outbox) disown() {
	o.mu.Lock()
	defer o.unlock()
	for e := o.head; e != nil; {
		after := e.next
		if e.written != 0 && e.subject != o.subject {
			o.end(e, wire.Ack{Error: status.Aborted.Errorf(
				"the user of the client has changed since %q was sent, and whether the server handled it is not known: it is not sent as another user", e.kind)})
		}
		e = after
	}
}

// identify notes that a message which may change the user is being sent, and
// returns how to take that back. The same message again makes the same user.
func (o *outbox) identify(m *message) (undo func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.change(m)
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.undo(c)
	}
}

// change is how a message may have changed the subject of a session.
type change struct{ before, after string }

// change makes the subject what it is if m is handled. The caller holds mu.
func (o *outbox) change(m *message) change {
	c := change{o.subject, fmt.Sprintf("%s %s %x", o.subject, m.kind, sha256.Sum256(m.payload))}
	o.subject = c.after
	return c
}

// undo takes a change back, unless another one has come. The caller holds mu.
func (o *outbox) undo(c change) {
	if o.subject == c.after {
		o.subject = c.before
	}
}

// is reports whether the session that was there last ended as a subject.
func (o *outbox) is(subject string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.subject == subject
}

// ready reports whether there is something to send, or how long it takes; 0 is
// until wake.
func (o *outbox) ready() (now bool, wait time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	e, wait := o.next(time.Now())
	return e != nil, wait
}

// take returns the next entry, which is in flight then; nil if there is none any
// more.
func (o *outbox) take() *entry {
	o.mu.Lock()
	defer o.mu.Unlock()
	e, _ := o.next(time.Now())
	if e == nil {
		return nil
	}
	e.state = entrySent
	o.advance(e)
	o.flying++
	o.flyBytes += len(e.payload)
	o.lastSent = max(o.lastSent, e.number)
	if e.written == 0 {
		e.subject = o.subject
	}
	e.known, e.takeBack = e.written == o.session, nil
	e.written = o.session
	if e.identity {
		e.change = o.change(&e.message)
	}
	return e
}

// flies says how to have an entry not written after all, while the writer has not
// taken it. One that the server knows keeps its place there, so it is written.
func (o *outbox) flies(e *entry, takeBack func() (unwritten bool)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if e.state == entrySent && !e.known {
		e.takeBack = takeBack
	}
}

// recall takes back an entry that is in flight and was not written; false if it was.
// The caller holds mu.
func (o *outbox) recall(e *entry) bool {
	if e.state != entrySent || e.takeBack == nil || !e.takeBack() {
		return false
	}
	if e.identity {
		o.undo(e.change)
	}
	return true
}

// acked takes the ack of an entry: it ends, or is sent again.
func (o *outbox) acked(e *entry, ack *wire.Ack) {
	o.mu.Lock()
	defer o.unlock()
	if e.state != entrySent {
		return
	}
	o.land(e)
	if e.identity && ack.Error != nil {
		o.undo(e.change)
	}
	signal(o.wake) // there is room for another one, whatever becomes of this one
	after, again := o.again(e, ack.Error)
	if !again {
		o.end(e, *ack)
		return
	}
	e.notBefore = time.Now().Add(after)
	o.queue(e)
	for later := e.next; later != nil && later.number <= o.lastSent; later = later.next {
		if later.state == entrySent && !later.unsettled {
			later.unsettled = true
			o.unsettled++
		}
	}
}

// again reports whether a frame that the server did not handle is sent again, and
// when. The caller holds mu.
func (o *outbox) again(e *entry, err *status.Error) (after time.Duration, again bool) {
	if err == nil || !e.repeats() {
		return 0, false
	}
	if e.abandoned && err.Code != status.ResourceExhausted {
		return 0, false // only a refusal for load holds up others, see docs/protocol.md
	}
	stated := err.RetryAfter > 0 && err.RetryAfter <= maxHold
	switch err.Code {
	case status.ResourceExhausted, status.Aborted:
		return err.RetryAfter, stated
	case status.Unavailable:
		if stated || o.holds&holdGoaway != 0 {
			return err.RetryAfter, true
		}
		before := e.doubted
		e.doubted = true
		return doubtAfter, !before && err.RetryAfter == 0
	case status.Unauthenticated:
		return 0, o.refresh(e)
	default:
		return 0, false
	}
}

// refresh reports whether a frame that needs a user is sent again with a fresh
// token. The caller holds mu.
func (o *outbox) refresh(e *entry) bool {
	if e.fresh {
		o.tokens = false // it did not help: this user may not, however fresh the token
	}
	if !o.tokens {
		return false
	}
	e.fresh = true
	o.holds |= holdToken
	signal(o.fresh)
	return true
}

// useless notes that there is no token that could help on this session.
func (o *outbox) useless() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tokens = false
}

// suspend ends a session. What has a key will be sent again; the rest fails as
// the calls of a connection do, with the reason of its end.
func (o *outbox) suspend(reason error) {
	o.mu.Lock()
	defer o.unlock()
	o.holds = holdSession
	o.session++ // what was refused on the one that ended holds up nobody any more
	for e := o.head; e != nil; {
		after := e.next
		switch {
		case e.abandoned:
			o.end(e, wire.Ack{Error: lostFrame(reason)})
		case e.state == entrySent && !e.repeats():
			o.end(e, wire.Ack{Error: lostFrame(reason)})
		default:
			o.land(e)
			e.notBefore, e.doubted, e.fresh = time.Time{}, false, false
			o.queue(e)
		}
		e = after
	}
}

// lostFrame is how a frame fails whose connection ended before its ack.
func lostFrame(reason error) *status.Error {
	if reason == nil {
		reason = errors.New("it was closed")
	}
	return status.Canceled.Wrap(reason, "the connection ended before the ack, and the message must not be sent twice: "+reason.Error())
}
