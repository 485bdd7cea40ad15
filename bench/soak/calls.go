package main

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"time"

	soakv1 "github.com/protoway/protoway/bench/gen/soak/v1"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// callWorker sends frames in bursts and pings between them. Nothing is cut: each
// frame is acked, with its own data.
func callWorker(ctx context.Context, w *worker) {
	for ctx.Err() == nil {
		p, err := w.dial(ctx, w.ledger, dialing{json: w.number%2 == 1, token: w.token(w.user())})
		if err != nil {
			w.failUnless(ctx, err)
			continue
		}
		for range 200 {
			if !w.burst(ctx, p) || !pause(ctx, time.Duration(10+w.rand.IntN(40))*time.Millisecond) {
				break
			}
		}
		p.drain(context.WithoutCancel(ctx))
		if p.isOver() {
			w.fail("the connection ended with %d", p.code)
			continue
		}
		p.close()
	}
}

// failUnless records an error, unless the phase has ended.
func (w *worker) failUnless(ctx context.Context, err error) {
	if ctx.Err() == nil {
		w.fail("%v", err)
		pause(ctx, 100*time.Millisecond)
	}
}

// burst sends some frames at once and waits for their acks.
func (w *worker) burst(ctx context.Context, p *peer) bool {
	if w.rand.IntN(4) == 0 && p.ping([]byte("ping")) != nil {
		return false
	}
	for range 1 + w.rand.IntN(maxInFlight) {
		if w.rand.IntN(40) == 0 {
			nap := &soakv1.Nap{Millis: w.rand.Uint32N(20), Async: w.rand.IntN(2) == 0}
			if p.expect(p.message(nap, ""), nil) != nil {
				return false
			}
			continue
		}
		if w.echo(p, w.rand.IntN(600)) != nil {
			return false
		}
	}
	p.drain(context.WithoutCancel(ctx))
	return !p.isOver()
}

// echo sends data that must come back, if it is acked OK.
func (w *worker) echo(p *peer, size int) error {
	data := bytes.Repeat([]byte{byte(w.rand.Uint32())}, size) //nolint:gosec // any byte
	return p.expect(p.message(&soakv1.Echo{Data: data}, ""), func(code status.Code, f *wire.Frame) {
		back := &soakv1.Echoed{}
		if code != status.OK {
			return
		}
		if err := p.session.Unmarshal(f.Ack.Reply.Payload, back); err != nil || !bytes.Equal(back.GetData(), data) {
			w.fail("an echo of %d bytes came back as %d others: %v", len(data), len(back.GetData()), err)
		}
	})
}

// isOver reports whether the connection has ended.
func (p *peer) isOver() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended
}

// keyedWorker sends frames with keys, cuts its connections, and sends again what
// has no ack, the oldest first: each runs once.
func keyedWorker(ctx context.Context, w *worker) {
	token, number := w.token(w.user()), uint64(0)
	for ctx.Err() == nil {
		var open []*soakv1.Once
		for range 1 + w.rand.IntN(maxInFlight/2) {
			number++
			open = append(open, &soakv1.Once{Number: number, Lane: strconv.Itoa(w.rand.IntN(4))})
		}
		w.untilRun(context.WithoutCancel(ctx), token, open)
		pause(ctx, time.Duration(20+w.rand.IntN(80))*time.Millisecond)
	}
}

// untilRun sends frames until all are acked OK, on as many connections as it takes.
func (w *worker) untilRun(ctx context.Context, token string, open []*soakv1.Once) {
	hello := &protowayv1.Hello{Features: []string{"settled"}}
	for deadline := time.Now().Add(keyWindow); len(open) > 0; {
		if time.Now().After(deadline) { // the server may have forgotten them
			w.fail("%d keyed frames were not run in time", len(open))
			return
		}
		p, err := w.dial(ctx, w.ledger, dialing{json: w.number%2 == 1, token: token, hello: hello})
		if err != nil {
			pause(ctx, 50*time.Millisecond)
			continue
		}
		for !p.isOver() && len(open) > 0 && time.Now().Before(deadline) {
			if open = w.try(ctx, p, open); w.rand.IntN(3) == 0 {
				break
			}
		}
		if w.rand.IntN(2) == 0 {
			p.reset()
		} else {
			p.close()
		}
	}
}

// try sends frames once and returns those that are to be sent again. Sometimes it
// cuts the connection meanwhile.
func (w *worker) try(ctx context.Context, p *peer, open []*soakv1.Once) (again []*soakv1.Once) {
	ran := map[uint64]uint64{} // the run of each number; guarded by p.mu
	ids := make([]uint64, 0, len(open))
	for _, m := range open {
		f := p.message(m, w.key(m))
		err := p.expect(f, func(code status.Code, ack *wire.Frame) {
			reply := &soakv1.Ran{}
			if code == status.OK && p.session.Unmarshal(ack.Ack.Reply.Payload, reply) == nil {
				ran[reply.GetNumber()] = reply.GetRun()
			}
		})
		if err != nil {
			break
		}
		ids = append(ids, f.ID)
	}
	if w.rand.IntN(4) == 0 {
		p.reset()
	} else if err := p.acked(ctx); err != nil && !errors.Is(err, errEnded) {
		p.drain(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range open {
		if ran[m.GetNumber()] == 0 {
			again = append(again, m)
		}
	}
	w.once.Add(int64(len(open) - len(again)))
	if len(again) == 0 && w.number%2 == 0 { // the other half is forgotten by time
		settled := &wire.Frame{Kind: wire.KindSettled, Control: &protowayv1.Settled{Ids: ids}}
		go func() { _ = p.send(settled) }() // a hint: an error shows elsewhere
	}
	return again
}

// key names a frame of one phase.
func (w *worker) key(m *soakv1.Once) string {
	return strconv.Itoa(w.phase) + "." + strconv.Itoa(w.number) + "." + strconv.FormatUint(m.GetNumber(), 10)
}
