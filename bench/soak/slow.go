package main

import (
	"context"
	"time"

	soakv1 "github.com/protoway/protoway/bench/gen/soak/v1"
)

// deafWorker floods a group in which most members do not read: those are closed,
// and the others hear all.
func deafWorker(ctx context.Context, w *worker) {
	op := context.WithoutCancel(ctx)
	for pause(ctx, 500*time.Millisecond) {
		good, err := w.enterAll(op, 3, floodGroup, dialing{})
		gate := make(chan struct{})
		var deaf []*peer
		for range 6 {
			if err != nil {
				break
			}
			var p *peer
			if p, err = w.dialDeaf(op, gate); err == nil {
				deaf = append(deaf, p)
			}
		}
		number := uint64(0)
		for i := 0; i < 40 && err == nil; i++ { // 10 MB: more than buffers and outbox hold
			err = w.publish(op, good, &number, 16, 16<<10)
		}
		if err != nil {
			w.fail("%v", err)
		}
		w.leaveAll(good)
		close(gate)
		for _, p := range deaf {
			w.mustBeSlow(p)
		}
	}
}

const floodGroup = "flood"

// dialDeaf connects a member that reads nothing after the ack of Enter, until
// the gate is open.
func (w *worker) dialDeaf(ctx context.Context, gate chan struct{}) (*peer, error) {
	member := make(chan struct{})
	o := dialing{small: true}
	o.pace = func() {
		select {
		case <-member:
			<-gate
		default:
		}
	}
	p, err := w.dial(ctx, w.ledger, o)
	if err != nil {
		return nil, err
	}
	err = p.must(ctx, &soakv1.Enter{Group: floodGroup})
	close(member)
	return p, err
}

// mustBeSlow waits for the end of a connection that was not read from.
func (w *worker) mustBeSlow(p *peer) {
	timer := time.NewTimer(w.patience)
	defer timer.Stop()
	select {
	case <-p.done:
		if p.code != 4000 && p.code != closedCut {
			w.fail("who does not read was closed with %d", p.code)
		}
	case <-timer.C:
		w.fail("who does not read was not closed")
		p.reset()
	}
}

// slowWorker asks for more than it reads. It is closed, or gets every ack.
func slowWorker(ctx context.Context, w *worker) {
	op := context.WithoutCancel(ctx)
	for pause(ctx, 300*time.Millisecond) {
		began := time.Now()
		p, err := w.dial(op, w.ledger, dialing{json: w.number%2 == 1, pace: func() {
			if time.Since(began) < 3*time.Second {
				pause(op, 20*time.Millisecond)
			}
		}})
		if err != nil {
			w.failUnless(ctx, err)
			continue
		}
		for range 4_000 {
			if w.echo(p, 8<<10) != nil {
				break
			}
		}
		p.drain(op)
		if !p.isOver() {
			p.close()
			continue
		}
		w.mustBeSlow(p)
	}
}
