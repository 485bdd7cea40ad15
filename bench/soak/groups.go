package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"sync"
	"time"

	soakv1 "github.com/protoway/protoway/bench/gen/soak/v1"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// groupName is the group of one crew member of the actor "group".
func groupName(number int) string { return "ordered-" + strconv.Itoa(number) }

const members = 12

// groupWorker publishes to members that stay: each hears all, in order.
func groupWorker(ctx context.Context, w *worker) {
	op := context.WithoutCancel(ctx)
	all, err := w.enterAll(op, members, groupName(w.number), dialing{})
	if err != nil {
		w.fail("%v", err)
	}
	number := uint64(0)
	for err == nil && (number == 0 || pause(ctx, time.Duration(w.rand.IntN(10))*time.Millisecond)) {
		err = w.publish(op, all, &number, 1+w.rand.IntN(maxInFlight/2), w.rand.IntN(2_000))
	}
	if err != nil && number > 0 {
		w.fail("%v", err)
	}
	w.leaveAll(all)
}

// enterAll connects members of a group.
func (w *worker) enterAll(ctx context.Context, count int, group string, o dialing) (all []*peer, err error) {
	for i := range count {
		o.json, o.ordered = i%2 == 1, group
		p, err := w.dial(ctx, w.ledger, o)
		if err == nil {
			all = append(all, p)
			err = p.must(ctx, &soakv1.Enter{Group: group})
		}
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// leaveAll closes the connections that are still there.
func (w *worker) leaveAll(all []*peer) {
	for _, p := range all {
		if p.isOver() {
			w.fail("a member that reads was closed with %d", p.code)
			continue
		}
		p.close()
	}
}

// publish has the first member publish, and waits until all have heard it.
func (w *worker) publish(ctx context.Context, all []*peer, number *uint64, count, size int) error {
	data := make([]byte, size)
	_, _ = rand.Read(data) // never fails, says its documentation
	for range count {
		*number++
		m := &soakv1.Publish{Group: all[0].o.ordered, Number: *number, Data: data}
		err := all[0].expect(all[0].message(m, ""), func(code status.Code, _ *wire.Frame) {
			if code != status.OK {
				w.fail("a publication was acked %v", code)
			}
		})
		if err != nil {
			return err
		}
	}
	all[0].drain(ctx)
	for _, p := range all {
		if err := p.until(ctx, "a publication", func() bool { return p.heard.last == *number }); err != nil {
			p.mu.Lock()
			missed := int(*number - p.heard.last)
			p.mu.Unlock()
			w.note(func(e *entries) { e.Missed += missed })
			return fmt.Errorf("%d publications before: %w", *number, err)
		}
	}
	return nil
}

// churnWorker comes and goes: connects, enters a group that is published to,
// leaves it or not, and ends in one of several ways.
func churnWorker(ctx context.Context, w *worker) {
	op := context.WithoutCancel(ctx)
	for pause(ctx, time.Duration(20+w.rand.IntN(200))*time.Millisecond) {
		if w.rand.IntN(10) == 0 {
			w.abandon(op)
			continue
		}
		o := dialing{json: w.rand.IntN(2) == 0, ordered: groupName(w.rand.IntN(max(w.connections/50, 1)))}
		if w.rand.IntN(2) == 0 {
			o.token = w.token(w.user())
		}
		p, err := w.dial(op, w.ledger, o)
		if err != nil {
			w.failUnless(ctx, err)
			continue
		}
		if err := w.visit(op, p); err != nil {
			w.fail("%v", err)
		}
		switch w.rand.IntN(3) {
		case 0:
			p.close()
		case 1:
			p.reset()
		default: // FIN, without a close frame
			p.change(func() { p.leaving = true })
			_ = p.tcp.Close()
			<-p.done
		}
	}
}

// visit enters a group, and leaves it sometimes; each leave takes memory of the
// server for as long as a ticket lives, so it is rare.
func (w *worker) visit(ctx context.Context, p *peer) error {
	if err := p.must(ctx, &soakv1.Enter{Group: p.o.ordered}); err != nil {
		return err
	}
	for range w.rand.IntN(4) {
		if err := w.echo(p, w.rand.IntN(200)); err != nil {
			return err
		}
	}
	if w.rand.IntN(50) == 0 {
		return p.must(ctx, &soakv1.Leave{Group: p.o.ordered})
	}
	return nil
}

// abandon gives up in the middle of an upgrade.
func (w *worker) abandon(ctx context.Context) {
	tcp, err := connect(ctx, w.addr)
	if err != nil {
		w.fail("%v", err)
		return
	}
	text := request("protoway.v1")
	_, _ = tcp.Write([]byte(text[:w.rand.IntN(len(text))])) // given up anyway
	_ = tcp.SetLinger(w.rand.IntN(2) - 1)
	_ = tcp.Close()
	w.note(func(e *entries) { e.Connections++; e.Closes[closedByUs]++ })
}

// stormWorker has many members that are cut at once, come back at once with their
// tickets, and must then hear a publication.
func stormWorker(ctx context.Context, w *worker) {
	op := context.WithoutCancel(ctx)
	all := make([]*peer, max(w.connections/2, 2))
	number := uint64(0)
	for round := 0; round == 0 || pause(ctx, time.Duration(500+w.rand.IntN(1000))*time.Millisecond); round++ {
		if round > 0 {
			for _, p := range all {
				_ = p.tcp.SetLinger(w.rand.IntN(2) - 1)
				p.change(func() { p.leaving = true })
				_ = p.tcp.Close()
			}
		}
		var group sync.WaitGroup
		for i := range all {
			group.Go(func() { all[i] = w.comeBack(op, i, all[i]) })
		}
		group.Wait()
		if err := w.publish(op, all, &number, 1, 100); err != nil {
			w.fail("after %d storms: %v", round, err)
		}
	}
	w.leaveAll(all)
}

// comeBack connects with the tickets of before; at first, it enters two groups.
func (w *worker) comeBack(ctx context.Context, i int, before *peer) *peer {
	const common = "storm"
	o := dialing{json: i%2 == 1, ordered: common}
	if i%4 < 2 {
		o.token = w.token(w.name + "-" + strconv.Itoa(i))
	}
	if before != nil {
		<-before.done
		o.hello = &protowayv1.Hello{Resume: &protowayv1.Resume{Secret: before.welcome.GetSecret()}}
		for _, ticket := range before.tickets {
			o.hello.Resume.Groups = append(o.hello.Resume.Groups, &protowayv1.ResumeGroup{Ticket: ticket})
		}
	}
	p, err := w.dial(ctx, w.ledger, o)
	for deadline := time.Now().Add(patience); err != nil && time.Now().Before(deadline); {
		pause(ctx, 100*time.Millisecond)
		p, err = w.dial(ctx, w.ledger, o)
	}
	if err != nil {
		panic(fmt.Sprintf("a storm cannot connect for %v: %v", patience, err))
	}
	if before == nil {
		for _, group := range []string{common, common + "-" + strconv.Itoa(i%7)} {
			if err := p.must(ctx, &soakv1.Enter{Group: group}); err != nil {
				w.fail("%v", err)
			}
		}
		return p
	}
	if err := p.acked(ctx); err != nil { // Hello's, which comes behind Joined
		w.fail("%v", err)
	}
	w.note(func(e *entries) {
		e.Tickets += len(before.tickets)
		e.Restored += len(p.tickets)
	})
	return p
}
