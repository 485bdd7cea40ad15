package load

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// dialing is how many connections are made at a time.
	dialing = 32
	// heartbeat is how often each connection shows a sign of life.
	heartbeat = 20 * time.Second
)

// connect makes the connections while those that are there are driven.
func (e *engine) connect(ctx context.Context) error {
	e.config.Progress(fmt.Sprintf("connecting %d times to %s", e.config.Connections, e.config.URL))
	began := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var next, made atomic.Int64
	var dials sync.WaitGroup
	for range min(dialing, e.config.Connections) {
		dials.Go(func() {
			for i := next.Add(1) - 1; i < int64(e.config.Connections) && ctx.Err() == nil; i = next.Add(1) - 1 {
				if e.open(ctx, int(i), began) {
					made.Add(1)
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() { dials.Wait(); close(ended) }()
	err := e.driver.run(ctx, func() time.Duration {
		select {
		case <-ended:
			return -1
		default:
			return e.beat(time.Millisecond)
		}
	})
	cancel()
	<-ended
	e.result.Connections, e.result.ConnectSeconds = int(made.Load()), time.Since(began).Seconds()
	if err == nil && made.Load() == 0 {
		return fmt.Errorf("no connection could be made: %w", e.firstError())
	}
	return err
}

// open makes one connection, when the ramp has come to it.
func (e *engine) open(ctx context.Context, index int, began time.Time) bool {
	due := began.Add(e.config.Ramp * time.Duration(index) / time.Duration(e.config.Connections))
	if err := until(ctx, due); err != nil {
		return false
	}
	c := newConn(index, e.protocol, e.clock)
	nc, err := e.dialer.dial(ctx, c, Greeting{Token: e.config.token(index)})
	if err != nil {
		e.count(err.Error(), 1)
		return false
	}
	c.setup, c.do = nil, e.scenario
	c.slots = make([]int64, e.config.InFlight)
	if err := e.driver.add(c, nc); err != nil {
		e.count(err.Error(), 1)
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.conns[index] = c
	return true
}

// until waits for a time.
func until(ctx context.Context, due time.Time) error {
	wait := time.Until(due)
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// beat sends the heartbeats that are due: each connection has its own moment in
// the period. It returns how long it may be waited.
func (e *engine) beat(wait time.Duration) time.Duration {
	due := int(e.clock() / (int64(heartbeat) / int64(len(e.conns))))
	if due <= e.beaten {
		return wait
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for ; e.beaten < due; e.beaten++ {
		c := e.conns[e.beaten%len(e.conns)]
		if c == nil || c.failed != nil {
			continue
		}
		if e.scratch = e.protocol.Heartbeat(e.scratch[:0]); len(e.scratch) > 0 {
			c.send(e.scratch)
			e.driver.dirty(c)
		}
	}
	return wait
}
