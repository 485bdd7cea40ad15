package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// dialing says how a peer connects. The zero value is nobody who speaks binary.
type dialing struct {
	json  bool
	token string
	hello *protowayv1.Hello // nil: an empty one
	// small buffers of the kernel let a peer that does not read be noticed soon.
	small bool
	// pace is called after each message that was read.
	pace func()
	// ordered is a group whose publications have numbers that follow each other.
	ordered string
}

// peer is a client whose frames and acks are counted by their ids.
type peer struct {
	*socket
	run     *run
	ledger  *ledger
	o       dialing
	dialect wire.Dialect
	session wire.Session
	done    chan struct{} // closed when the connection has ended

	mu      sync.Mutex // guards what follows
	changed chan struct{}
	lastID  uint64
	waiting map[uint64]*waiting // frames that are to be acked
	open    int                 // how many these are
	welcome *protowayv1.Welcome
	tickets map[string][]byte // by group
	heard   sequence          // of the ordered group
	leaving bool              // by the will of the actor
	ended   bool
	code    int // how, if the server did
}

// waiting are frames with one id: a mutated one may have the id of another one.
type waiting struct {
	count int
	then  func(status.Code, *wire.Frame) // nil: nobody wants to know
}

// errEnded is that a connection has ended before what was awaited.
var errEnded = errors.New("the connection has ended")

// dial connects, says hello and waits for Welcome.
func (r *run) dial(ctx context.Context, l *ledger, o dialing) (*peer, error) {
	tcp, err := connect(ctx, r.addr)
	if err != nil {
		return nil, err
	}
	p := &peer{
		run: r, ledger: l, o: o, dialect: wire.Protobuf, done: make(chan struct{}), changed: make(chan struct{}),
		waiting: map[uint64]*waiting{}, tickets: map[string][]byte{}, heard: sequence{ledger: l},
	}
	if o.json {
		p.dialect = wire.JSON
	}
	p.session = p.dialect.Open(r.catalog, wire.ClientSide)
	if p.socket, err = upgrade(tcp, p.dialect.Subprotocol(), o.small); err != nil {
		_ = tcp.Close()
		return nil, err
	}
	l.note(func(e *entries) { e.Connections++ })
	hello := o.hello
	if hello == nil {
		hello = &protowayv1.Hello{}
	}
	hello.Token = o.token
	_ = p.expect(&wire.Frame{Kind: wire.KindHello, Control: hello}, nil) // who reads learns of an error
	go p.beat()
	go p.listen()
	if err := p.until(ctx, "Welcome", func() bool { return p.welcome != nil }); err != nil {
		p.reset()
		return nil, err
	}
	return p, nil
}

// expect sends a frame that is to be acked.
func (p *peer) expect(f *wire.Frame, then func(status.Code, *wire.Frame)) error {
	p.mu.Lock()
	if p.ended {
		p.mu.Unlock()
		return errEnded
	}
	if f.ID == 0 {
		p.lastID++
		f.ID = p.lastID
	}
	p.await(f.ID, then)
	p.mu.Unlock()
	return p.send(f)
}

// await counts a frame that is to be acked. The caller holds mu.
func (p *peer) await(id uint64, then func(status.Code, *wire.Frame)) {
	w := p.waiting[id]
	if w == nil {
		w = &waiting{}
		p.waiting[id] = w
	}
	w.count++
	w.then = then
	p.open++
	p.ledger.note(func(e *entries) { e.Sent++ })
}

// send sends a frame of which nothing is counted.
func (p *peer) send(f *wire.Frame) error {
	encoded, err := p.session.Append(nil, f)
	if err != nil {
		return err
	}
	return p.write(p.opcode(), encoded)
}

func (p *peer) opcode() byte {
	if p.dialect.Text() {
		return finBit | opText
	}
	return finBit | opBinary
}

// message is a frame with a message.
func (p *peer) message(m proto.Message, key string) *wire.Frame {
	entry, err := p.run.catalog.Of(m)
	if err != nil {
		panic(err) // the schema of this program
	}
	return &wire.Frame{Kind: wire.KindMessage, Message: wire.Message{Type: entry.Type, Value: m, Key: key}}
}

// call sends a message and waits for its ack.
func (p *peer) call(ctx context.Context, m proto.Message) (code status.Code, err error) {
	came := false
	if p.expect(p.message(m, ""), func(c status.Code, _ *wire.Frame) { came, code = true, c }) != nil {
		return code, errEnded
	}
	err = p.until(ctx, "the ack of "+string(m.ProtoReflect().Descriptor().Name()), func() bool { return came })
	return code, err
}

// must sends a message whose ack must be OK.
func (p *peer) must(ctx context.Context, m proto.Message) error {
	code, err := p.call(ctx, m)
	if err == nil && code != status.OK {
		err = fmt.Errorf("%s was acked %v", m.ProtoReflect().Descriptor().Name(), code)
	}
	return err
}

// until waits, within patience, for a condition on what mu guards.
func (p *peer) until(ctx context.Context, what string, met func() bool) error {
	timer := time.NewTimer(p.run.patience)
	defer timer.Stop()
	for {
		p.mu.Lock()
		ok, ended, code, changed := met(), p.ended, p.code, p.changed
		p.mu.Unlock()
		switch {
		case ok:
			return nil
		case ended:
			return fmt.Errorf("%w with %d before %s", errEnded, code, what)
		}
		select {
		case <-changed:
		case <-timer.C:
			return fmt.Errorf("%s did not come within %v", what, p.run.patience)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// change changes what mu guards and wakes who waits for it.
func (p *peer) change(how func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	how()
	close(p.changed)
	p.changed = make(chan struct{})
}

// beat shows that the peer is alive.
func (p *peer) beat() {
	ticker := time.NewTicker(heartbeat / 2)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_ = p.send(&wire.Frame{Kind: wire.KindHeartbeat, Control: &protowayv1.Heartbeat{}}) // who reads learns of an error
		case <-p.done:
			return
		}
	}
}

// ping asks for pongs. They come in their order, so that counting is enough.
func (p *peer) ping(payload []byte) error {
	p.ledger.note(func(e *entries) { e.Pings++ })
	return p.write(finBit|opPing, payload)
}

// acked waits until all frames are acked.
func (p *peer) acked(ctx context.Context) error {
	return p.until(ctx, "an ack", func() bool { return p.open == 0 })
}

// drain waits until all frames are acked. Those that are not then are lost.
func (p *peer) drain(ctx context.Context) {
	err := p.acked(ctx)
	if err == nil || errors.Is(err, errEnded) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	lost := p.open
	p.open, p.waiting = 0, map[uint64]*waiting{}
	p.ledger.note(func(e *entries) { e.Lost += lost })
}

// close ends the connection as the protocol has it.
func (p *peer) close() {
	p.change(func() { p.leaving = true })
	_ = p.write(finBit|opClose, binary.BigEndian.AppendUint16(nil, 1000)) // it may have ended already
	_ = p.tcp.SetReadDeadline(time.Now().Add(patience))
	<-p.done
}

// reset cuts the connection.
func (p *peer) reset() {
	p.change(func() { p.leaving = true })
	p.socket.reset()
	<-p.done
}
