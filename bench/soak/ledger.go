package main

import (
	"fmt"
	"sync"

	"github.com/protoway/protoway/status"
)

// How a connection ended, beside the close codes of the server.
const (
	closedByUs = 0    // by the actor, in whatever way
	closedCut  = 1006 // by the server, without a close frame
)

// ledger is the account of one actor. Its methods may be called by all of its
// connections at once.
type ledger struct {
	name string

	mu sync.Mutex // guards what follows
	entries
}

// entries are what is counted. A frame with an id was sent, and then either acked
// or lost, or it was cut: the connection ended first, by the actor's will or with
// a code that says so.
type entries struct {
	Connections  int                 `json:"connections"`
	Sent         int                 `json:"sent"`
	Acks         map[status.Code]int `json:"acks"`
	Cut          int                 `json:"cut"`
	Lost         int                 `json:"lost"`
	Duplicate    int                 `json:"duplicate"`
	Uncorrelated int                 `json:"uncorrelated"` // acks of nothing, which answer noise
	Delivered    int                 `json:"delivered"`    // publications
	Missed       int                 `json:"missed"`       // of those, gaps
	Repeated     int                 `json:"repeated"`     // or in the wrong order
	Tickets      int                 `json:"tickets"`      // sent in Hello
	Restored     int                 `json:"restored"`     // of those, answered by Joined
	Pings        int                 `json:"pings"`
	Pongs        int                 `json:"pongs"`
	Closes       map[int]int         `json:"closes"` // by code; 0: by the actor
	Failures     int                 `json:"failures"`
	Texts        []string            `json:"texts,omitempty"` // of the first failures
}

func newLedger(name string) *ledger {
	return &ledger{name: name, entries: entries{Acks: map[status.Code]int{}, Closes: map[int]int{}}}
}

// note changes the account.
func (l *ledger) note(change func(*entries)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.entries)
}

// maxTexts is how many failures of an actor are told in words.
const maxTexts = 5

// fail records something that must not happen.
func (l *ledger) fail(format string, args ...any) {
	l.note(func(e *entries) {
		e.Failures++
		if len(e.Texts) < maxTexts {
			e.Texts = append(e.Texts, fmt.Sprintf(format, args...))
		}
	})
}

// ended records how a connection ended, and what was never acked on it.
func (l *ledger) ended(code, open int) {
	l.note(func(e *entries) {
		e.Closes[code]++
		e.Cut += open
	})
}

// acked returns how many acks came that end a frame.
func (e *entries) acked() (n int) {
	for _, count := range e.Acks {
		n += count
	}
	return n
}

// problems says in sentences what does not balance.
func (l *ledger) problems() (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	say := func(wrong bool, format string, args ...any) {
		if wrong {
			all = append(all, l.name+": "+fmt.Sprintf(format, args...))
		}
	}
	e := &l.entries
	say(e.Lost > 0, "%d acks were lost", e.Lost)
	say(e.Duplicate > 0, "%d acks came twice or end nothing", e.Duplicate)
	say(e.Sent != e.acked()+e.Lost+e.Cut, "%d frames were sent, but %d acked, %d lost and %d cut", e.Sent, e.acked(), e.Lost, e.Cut)
	say(e.Missed > 0, "%d publications did not come", e.Missed)
	say(e.Repeated > 0, "%d publications came twice or in the wrong order", e.Repeated)
	say(e.Restored != e.Tickets, "%d of %d tickets were not restored", e.Tickets-e.Restored, e.Tickets)
	say(e.Pings != e.Pongs, "%d pings had %d pongs", e.Pings, e.Pongs)
	say(e.Failures > 0, "%d failures: %v", e.Failures, e.Texts)
	ends := 0
	for _, count := range e.Closes {
		ends += count
	}
	say(ends != e.Connections, "%d connections were opened, %d ended", e.Connections, ends)
	return all
}
