package client

import (
	"time"

	"github.com/protoway/protoway/wire"
)

// message is a message of the application on its way into a frame.
type message struct {
	kind    string
	payload []byte // as it stands in the frame
	options callOptions
	// identity says that it may change the user of the connection.
	identity bool
	// keyless says that its key would be ignored: it must not be sent twice.
	keyless bool
	// generated says that the key was made here, so that nobody else repeats it.
	generated bool
	// posted says that nobody waits for its ack: what becomes of it is logged.
	posted bool
}

// entry is a message in the outbox.
type entry struct {
	message
	events chan event    // what comes for it before the ack
	left   chan struct{} // closed when nobody waits for events any more
	done   chan struct{} // closed when ack is set
	ack    wire.Ack

	// What follows is guarded by outbox.mu.
	prev, next *entry
	number     uint64 // its place among all
	state      entryState
	written    uint64 // the session on which it was written last; 0 for none
	known      bool   // the server knows it from this session, on which it was refused before
	takeBack   func() (unwritten bool)
	subject    string // as whom it was written first
	change     change // what it did to the subject, if it may do that
	notBefore  time.Time
	unsettled  bool // it was sent before an earlier one was refused, and not acked since
	abandoned  bool // nobody waits for its ack
	fresh      bool // it was sent again with a fresh token
	doubted    bool // it was sent again although the server did not say when
}

// entryState is where an entry stands.
type entryState uint8

const (
	entryQueued entryState = iota // to be sent, maybe again
	entrySent                     // on the session of the moment, without an ack
	entryEnded
)

func newEntry(m message) *entry {
	e := &entry{message: m, left: make(chan struct{}), done: make(chan struct{})}
	if m.options.told() {
		e.events = make(chan event, callEvents)
	}
	return e
}

// size is what the entry counts in the outbox.
func (e *entry) size() int { return len(e.kind) + len(e.options.key) + len(e.payload) }

// repeats reports whether it may be written more than once.
func (e *entry) repeats() bool { return !e.keyless }
