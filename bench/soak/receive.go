package main

import (
	"encoding/binary"

	soakv1 "github.com/protoway/protoway/bench/gen/soak/v1"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// listen reads until the connection ends.
func (p *peer) listen() {
	code := p.readAll()
	_ = p.tcp.Close()
	p.finish(code)
}

// finish is told once how the connection ended.
func (p *peer) finish(code int) {
	p.change(func() {
		if p.leaving {
			code = closedByUs
		}
		p.ended, p.code = true, code
		p.ledger.ended(code, p.open)
		p.open, p.waiting = 0, nil
	})
	close(p.done)
}

// readAll reads until the connection ends, and returns how the server ended it.
func (p *peer) readAll() int {
	for {
		opcode, payload, err := p.next()
		if err != nil {
			p.explain(err)
			return closedCut
		}
		switch opcode {
		case opBinary, opText:
			p.session.Decode(payload, opcode == opText, p.take)
		case opPong:
			p.ledger.note(func(e *entries) { e.Pongs++ })
		case opClose:
			_ = p.write(finBit|opClose, payload) // the answer; the connection ends either way
			if len(payload) < 2 {
				return closedCut
			}
			return int(binary.BigEndian.Uint16(payload))
		}
		if p.o.pace != nil {
			p.o.pace()
		}
	}
}

// explain records an error of a read that is neither the server's cut nor ours.
func (p *peer) explain(err error) {
	p.mu.Lock()
	leaving := p.leaving
	p.mu.Unlock()
	switch {
	case leaving && isTimeout(err):
		p.ledger.fail("the server did not answer a close frame")
	case !leaving && !isCut(err):
		p.ledger.fail("read: %v", err)
	}
}

// take handles a frame of the server.
func (p *peer) take(f *wire.Frame) {
	if f.Err != nil {
		p.ledger.fail("the server sent a frame that cannot be read: %v", f.Err)
		return
	}
	switch f.Kind { //nolint:exhaustive // the rest is counted nowhere
	case wire.KindAck:
		p.takeAck(f)
	case wire.KindMessage:
		p.takeMessage(f)
	case wire.KindWelcome:
		welcome := f.Control.(*protowayv1.Welcome)
		p.change(func() { p.welcome = welcome })
	case wire.KindJoined:
		joined := f.Control.(*protowayv1.Joined)
		p.change(func() { p.tickets[joined.GetGroup()] = joined.GetTicket() })
	case wire.KindLeft:
		group := f.Control.(*protowayv1.Left).GetGroup()
		p.change(func() {
			delete(p.tickets, group)
			if group == p.o.ordered {
				p.heard.last = 0
			}
		})
	}
}

// takeAck takes an ack off what is waited for.
func (p *peer) takeAck(f *wire.Frame) {
	if f.Re == 0 {
		p.ledger.note(func(e *entries) { e.Uncorrelated++ })
		return
	}
	copies := p.run.copies()
	code := status.OK
	if f.Ack.Error != nil {
		code = f.Ack.Error.Code
	}
	for range copies {
		p.change(func() {
			w := p.waiting[f.Re]
			if w == nil {
				p.ledger.note(func(e *entries) { e.Duplicate++ })
				return
			}
			w.count--
			p.open--
			if w.count == 0 {
				delete(p.waiting, f.Re)
			}
			p.ledger.note(func(e *entries) { e.Acks[code]++ })
			if w.then != nil {
				w.then(code, f)
			}
		})
	}
}

// takeMessage hands on a publication of a group that the peer is in.
func (p *peer) takeMessage(f *wire.Frame) {
	if f.Message.Group == "" || f.Message.Entry == nil {
		p.ledger.fail("the message %q of the group %q was not expected", f.Message.Type, f.Message.Group)
		return
	}
	p.mu.Lock()
	_, member := p.tickets[f.Message.Group]
	p.mu.Unlock()
	if !member {
		p.ledger.fail("a publication of %q came before Joined or after Left", f.Message.Group)
	}
	m := &soakv1.Published{}
	if err := p.session.Unmarshal(f.Message.Payload, m); err != nil {
		p.ledger.fail("a publication cannot be read: %v", err)
		return
	}
	if f.Message.Group == p.o.ordered {
		p.change(func() { p.heard.next(m.GetNumber()) })
	}
}

// sequence follows the publications of one group.
type sequence struct {
	ledger *ledger
	last   uint64 // 0: none has come
}

// next takes the number of a publication, each of which must follow the last.
func (s *sequence) next(number uint64) {
	s.ledger.note(func(e *entries) {
		e.Delivered++
		switch {
		case s.last != 0 && number <= s.last:
			e.Repeated++
		case s.last != 0:
			e.Missed += int(number - s.last - 1) //nolint:gosec // a difference of small numbers
		}
	})
	s.last = max(s.last, number)
}
