package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	soakv1 "github.com/protoway/protoway/bench/gen/soak/v1"
)

// warm takes the server to the bounds of what it never gives back: its workers,
// the goroutines of many connections at once, and maps, which do not shrink. What
// the phases do stays below, however the scheduler has them meet.
func (o options) warm(ctx context.Context, server *child) error {
	o.only, o.ackCopies = "", nil
	r, err := newRun(o, server.Addr, 0)
	if err != nil {
		return err
	}
	if err := r.busyWorkers(ctx); err != nil || o.brief {
		return err
	}
	if err := r.manyKeys(ctx); err != nil {
		return err
	}
	for range 3 {
		if err := r.crowd(ctx, 3*o.connections); err != nil {
			return err
		}
	}
	_, err = server.idle(ctx, true)
	return err
}

// busyWorkers has all workers nap at once.
func (r *run) busyWorkers(ctx context.Context) error {
	l := newLedger("warm")
	all := make([]*peer, 0, 2*syncWorkers)
	for range cap(all) {
		p, err := r.dial(ctx, l, dialing{})
		if err != nil {
			return err
		}
		all = append(all, p)
		for _, async := range []bool{true, false} {
			nap := &soakv1.Nap{Millis: uint32(longestNap.Milliseconds()), Async: async} //nolint:gosec // a small number
			if err := p.expect(p.message(nap, ""), nil); err != nil {
				return err
			}
		}
	}
	for _, p := range all {
		if err := p.acked(ctx); err != nil {
			return err
		}
		p.close()
	}
	return nil
}

// manyKeys has the server remember as many keys as it may.
func (r *run) manyKeys(ctx context.Context) error {
	p, err := r.dial(ctx, newLedger("warm"), dialing{token: r.token("warm")})
	if err != nil {
		return err
	}
	defer p.close()
	for i := range mostKeys {
		m := &soakv1.Nap{} // with a key, as any message may have one
		if err := p.expect(p.message(m, "warm-"+strconv.Itoa(i)), nil); err != nil {
			return err
		}
		if i%(maxInFlight/2) == 0 {
			if err := p.acked(ctx); err != nil {
				return err
			}
		}
	}
	return p.acked(ctx)
}

// crowd has many connections at once, in groups, and cuts all of them together.
func (r *run) crowd(ctx context.Context, count int) error {
	var group sync.WaitGroup
	all, errs := make([]*peer, count), make([]error, count)
	l := newLedger("warm")
	for i := range all {
		group.Go(func() {
			p, err := r.dial(ctx, l, dialing{token: r.token("warm-" + strconv.Itoa(i)), json: i%2 == 1})
			if all[i], errs[i] = p, err; err != nil {
				return
			}
			errs[i] = p.must(ctx, &soakv1.Enter{Group: "warm-" + strconv.Itoa(i%50)})
		})
	}
	group.Wait()
	for i, p := range all {
		if p == nil {
			return fmt.Errorf("the server does not take %d connections: %w", count, errs[i])
		}
	}
	for _, p := range all {
		group.Go(p.reset)
	}
	group.Wait()
	return nil
}
