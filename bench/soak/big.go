package main

import (
	"context"
	"slices"
	"time"

	soakv1 "github.com/protoway/protoway/bench/gen/soak/v1"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire"
)

// bigWorker sends messages up to the limit and beyond, whole, in pieces and byte
// by byte.
func bigWorker(ctx context.Context, w *worker) {
	op := context.WithoutCancel(ctx)
	tries := []func(context.Context, *worker, *peer) (code int, err error){
		bigWhole, bigMany, bigBytes, bigPieces, bigTooMuch, bigTooMany,
	}
	for pause(ctx, time.Duration(50+w.rand.IntN(100))*time.Millisecond) {
		p, err := w.dial(op, w.ledger, dialing{})
		if err != nil {
			w.failUnless(ctx, err)
			continue
		}
		which := w.rand.IntN(len(tries))
		code, err := tries[which](op, w, p)
		if err != nil && code == 0 {
			w.fail("try %d: %v", which, err)
		}
		if code == 0 {
			p.drain(op)
		} else {
			_ = p.until(op, "the end", func() bool { return false })
		}
		switch over := p.isOver(); {
		case !over && code != 0:
			w.fail("try %d: the connection was not closed with %d", which, code)
			p.reset()
		case over && p.code != code:
			w.fail("try %d: closed with %d instead of %d", which, p.code, code)
		case !over:
			p.close()
		}
	}
}

// envelope is what an echo has besides its data, when the data are large.
const envelope = 40

// bigWhole is a message that just fits.
func bigWhole(_ context.Context, w *worker, p *peer) (int, error) {
	return 0, w.echo(p, maxMessage-envelope)
}

// bigMany are more bytes than may be in flight: some are refused, all are acked.
func bigMany(_ context.Context, w *worker, p *peer) (int, error) {
	for range 8 {
		if err := w.echo(p, maxMessage-envelope); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// fragments sends an echo in pieces of some bytes, with pings between them.
func (w *worker) fragments(p *peer, size, piece int) error {
	p.mu.Lock()
	p.lastID++
	f := p.message(&soakv1.Echo{Data: make([]byte, size)}, "")
	f.ID = p.lastID
	p.await(f.ID, nil)
	p.mu.Unlock()
	encoded, err := p.session.Append(nil, f)
	if err != nil {
		return err
	}
	var raw []byte
	first := byte(opBinary)
	for part := range slices.Chunk(encoded, piece) {
		raw = appendFrame(raw, first, part)
		if first = opContinuation; w.rand.IntN(20) == 0 {
			raw = appendFrame(raw, finBit|opPing, nil)
			w.note(func(e *entries) { e.Pings++ })
		}
	}
	return p.writeRaw(appendFrame(raw, finBit|opContinuation, nil)) // at once: heartbeats must not come between
}

// bigBytes is an echo in fragments of one byte.
func bigBytes(_ context.Context, w *worker, p *peer) (int, error) {
	return 0, w.fragments(p, 300, 1)
}

// bigPieces is an echo in fragments of some size, behind a heartbeat of which the
// network gets each byte alone.
func bigPieces(_ context.Context, w *worker, p *peer) (int, error) {
	beat, err := p.session.Append(nil, &wire.Frame{Kind: wire.KindHeartbeat, Control: &protowayv1.Heartbeat{}})
	if err == nil {
		err = p.dribble(appendFrame(nil, finBit|opBinary, beat))
	}
	if err != nil {
		return 0, err
	}
	return 0, w.fragments(p, maxMessage-envelope, 10_000)
}

// bigTooMuch is a message that is one byte too large.
func bigTooMuch(_ context.Context, w *worker, p *peer) (int, error) {
	return 1009, p.write(finBit|opBinary, make([]byte, maxMessage+1+w.rand.IntN(1000)))
}

// bigTooMany are fragments that are too large together.
func bigTooMany(_ context.Context, _ *worker, p *peer) (int, error) {
	var raw []byte
	first := byte(opBinary)
	for range 5 {
		raw = appendFrame(raw, first, make([]byte, maxMessage/4))
		first = opContinuation
	}
	_ = p.writeRaw(raw) // it may be closed before the end, as it should
	return 1009, nil
}
