package transport

import (
	"bytes"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/protoway/protoway/consumer"
)

// TestPartialIsSinceTheOldestIncomplete: a stream of messages that is always cut
// in the middle of one is no stall; one fragment after the other is.
func TestPartialIsSinceTheOldestIncomplete(t *testing.T) {
	s := newStation(t)
	p := s.open(newReadLimits(tapeLimit))
	defer p.stop()
	message := masked(bitFin|opBinary, []byte("message"), "mask")
	feed := func(b []byte) time.Time {
		t.Helper()
		<-time.After(2 * time.Millisecond)
		p.feedAll(b, nil, 100)
		return p.Partial()
	}
	if since := feed(message); !since.IsZero() {
		t.Errorf("a whole message is incomplete since %v", since)
	}
	first := feed(message[:5])
	shifted := append(bytes.Clone(message[5:]), message[:5]...)
	second := feed(shifted)
	if first.IsZero() || !second.After(first) {
		t.Errorf("half a message: since %v, the next one since %v", first, second)
	}
	if since := feed(message[5:]); !since.IsZero() {
		t.Errorf("the rest came and it is incomplete since %v", since)
	}
	begun := feed(masked(opBinary, []byte("a"), "mask"))
	for _, b := range [][]byte{masked(bitFin|opPing, nil, "mask"), masked(opContinuation, []byte("b"), "mask"), message[:1]} {
		if since := feed(b); since != begun {
			t.Errorf("a fragment that came at %v is incomplete since %v", begun, since)
		}
	}
}

// TestCloseWaitsForWhatIsLeft: the answer to a close frame is written, however
// full the network is when it comes.
func TestCloseWaitsForWhatIsLeft(t *testing.T) {
	s := newStation(t)
	p := s.open(newReadLimits(tapeLimit))
	p.room = 3
	if done, err := p.Write([][]byte{[]byte("hello")}, true); done || err != nil {
		t.Fatalf("done %v, %v", done, err)
	}
	p.feedAll(masked(bitFin|opClose, []byte("\x03\xe8bye"), "mask"), nil, 100)
	if !p.isOpen() {
		t.Fatal("the connection ended with its answer unwritten")
	}
	p.room = 6 // the rest of the message, and two bytes of the close frame
	p.drain()
	if len(p.shutOf) > 0 {
		t.Error("it was shut with half of the answer written")
	}
	p.room = -1
	p.drain()
	if want := "\x81\x05hello\x88\x05\x03\xe8bye"; string(p.tape.out) != want {
		t.Errorf("the client got %q, want %q", p.tape.out, want)
	}
	if len(p.shutOf) != 1 || p.shutOf[0] != "shutRead" {
		t.Errorf("then it was %v", p.shutOf)
	}
	p.finish(consumer.CloseAbnormal)
	<-p.done
	if p.code != consumer.CloseNormal {
		t.Errorf("the consumer is told %v", p.code)
	}
}

// TestNothingFollowsACloseFrame: RFC 6455 section 5.5.1.
func TestNothingFollowsACloseFrame(t *testing.T) {
	s := newStation(t)
	for name, end := range map[string]func(p *taped){
		"of a consumer": func(p *taped) { p.Close(consumer.CloseByServer, "enough") },
		"of a refusal":  func(p *taped) { p.refuse(violation("a rule")) },
		"of the client": func(p *taped) {
			p.room = 0
			p.feedAll(masked(bitFin|opClose, []byte("\x03\xe8"), "mask"), nil, 100)
			p.room = -1
		},
	} {
		p := s.open(newReadLimits(tapeLimit))
		end(p)
		p.drain()
		before := bytes.Clone(p.tape.out)
		if done, err := p.Write([][]byte{[]byte("late")}, false); !done || err != nil {
			t.Errorf("%s: a late message: %v, %v", name, done, err)
		}
		p.pong([]byte("late"))
		p.Close(consumer.CloseGoingAway, "again")
		p.drain()
		if !bytes.Equal(before, p.tape.out) || len(before) == 0 || before[0] != bitFin|opClose {
			t.Errorf("%s: the client got %q, and then %q", name, before, p.tape.out)
		}
		p.stop()
	}
}

// TestPongsAreBounded: who pings and does not read makes nothing grow.
func TestPongsAreBounded(t *testing.T) {
	s := newStation(t)
	p := s.open(newReadLimits(tapeLimit))
	defer p.stop()
	p.room = 0
	pings := bytes.Repeat(masked(bitFin|opPing, make([]byte, maxControl), "mask"), 100)
	for range 100 {
		p.feedAll(pings, nil, 4096)
	}
	if kept := cap(p.left()); kept > 3*maxPongs {
		t.Errorf("%d bytes wait", kept)
	}
	p.room = -1
	p.drain()
	p.tape.out = nil
	p.feedAll(masked(bitFin|opPing, []byte("still there"), "mask"), nil, 100)
	if string(p.tape.out) != "\x8a\x0bstill there" {
		t.Errorf("a later ping is answered %q", p.tape.out)
	}
}

// TestPingIsAnsweredBehindALongMessage that the network has not taken yet.
func TestPingIsAnsweredBehindALongMessage(t *testing.T) {
	s := newStation(t)
	p := s.open(newReadLimits(tapeLimit))
	defer p.stop()
	p.room = 0
	_, _ = p.Write([][]byte{make([]byte, 1<<20)}, false)
	p.feedAll(masked(bitFin|opPing, []byte("there?"), "mask"), nil, 100)
	p.room = -1
	p.drain()
	if !bytes.HasSuffix(p.tape.out, []byte("\x8a\x06there?")) {
		t.Error("the ping is not answered")
	}
}

func TestAbortGivesUpWhatIsLeft(t *testing.T) {
	s := newStation(t)
	p := s.open(newReadLimits(tapeLimit))
	p.room = 0
	_, _ = p.Write([][]byte{make([]byte, 1000)}, false)
	p.Abort(consumer.CloseSlow)
	if p.left() != nil || len(p.shutOf) != 1 || p.shutOf[0] != "shut" {
		t.Errorf("%d bytes are left, and it was %v", len(p.left()), p.shutOf)
	}
	p.feedAll(masked(bitFin|opClose, []byte("\x03\xe8"), "mask"), nil, 100)
	<-p.done
	if _, err := p.Write([][]byte{[]byte("late")}, false); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a write to what has ended: %v", err)
	}
	p.Abort(consumer.CloseAbnormal)
	p.Close(consumer.CloseAbnormal, "")
	if p.code != consumer.CloseSlow || len(p.shutOf) != 1 {
		t.Errorf("the consumer is told %v; %v", p.code, p.shutOf)
	}
}
