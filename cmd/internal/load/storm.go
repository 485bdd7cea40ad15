package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// storm measures connections that come, greet, join and go. It needs no driver:
// each of its goroutines has one connection at a time.
func (e *engine) storm(ctx context.Context) (*Result, error) {
	e.result.Unit = "connects"
	before, err := sampleOf(ctx, &e.config)
	if err != nil {
		return nil, err
	}
	s := &storm{e: e, pace: newPace(e.config.Rate)}
	s.pace.start(e.clock())
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	if e.result.Done == 0 {
		return nil, fmt.Errorf("no connection could be made: %w", e.firstError())
	}
	after, err := sampleOf(ctx, &e.config)
	if err != nil {
		return nil, err
	}
	e.finish(before, before, after)
	return e.result, nil
}

type storm struct {
	e       *engine
	counted atomic.Bool // it is measured now

	mu   sync.Mutex // guards pace, the counts and the histogram of the engine
	pace pace
}

// run warms up and measures.
func (s *storm) run(ctx context.Context) error {
	e := s.e
	e.result.Connections = e.config.Connections
	e.config.Progress(fmt.Sprintf("connecting over and over to %s for %s", e.config.URL, e.config.Warmup+e.config.Duration))
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	var visitors sync.WaitGroup
	for i := range e.config.Connections {
		visitors.Go(func() { s.visit(inner, i) })
	}
	defer visitors.Wait()
	defer cancel()
	if err := until(ctx, time.Now().Add(e.config.Warmup)); err != nil {
		return err
	}
	own, server := e.times()
	began := e.clock()
	s.counted.Store(true)
	if err := until(ctx, time.Now().Add(e.config.Duration)); err != nil {
		return err
	}
	s.counted.Store(false)
	e.result.Seconds = float64(e.clock()-began) / 1e9
	ownEnd, serverEnd := e.times()
	cancel()
	visitors.Wait()
	e.use(ownEnd-own, serverEnd-server)
	return nil
}

// visit connects over and over.
func (s *storm) visit(ctx context.Context, index int) {
	g := Greeting{}
	for turn := index; ctx.Err() == nil; turn += s.e.config.Connections {
		due, err := s.due(ctx)
		if err != nil {
			return
		}
		g.Token = s.e.config.token(turn)
		if s.e.config.Resume {
			g.Token = s.e.config.token(index) // tickets belong to their user
		}
		if g, err = s.once(ctx, index, g, due); err != nil && ctx.Err() == nil {
			s.e.count(err.Error(), 1)
		}
	}
}

// due waits until the next connection is due.
func (s *storm) due(ctx context.Context) (int64, error) {
	now := s.e.clock()
	if s.pace.every == 0 {
		return now, ctx.Err()
	}
	s.mu.Lock()
	at := int64(s.pace.next)
	s.pace.next += s.pace.every
	s.mu.Unlock()
	return at, until(ctx, time.Now().Add(time.Duration(at-now)))
}

var errNotResumed = errors.New("the group was not resumed")

// once makes a connection and ends it. It returns what the next one says first.
func (s *storm) once(ctx context.Context, index int, g Greeting, due int64) (Greeting, error) {
	d := *s.e.dialer
	resuming := len(g.Ticket) > 0
	d.join = d.join && !resuming
	c := newConn(index, s.e.protocol, s.e.clock)
	s.begun()
	nc, err := d.dial(ctx, c, g)
	if err != nil {
		return Greeting{}, err
	}
	s.ended(due, s.e.clock())
	if err := leave(nc, c); err != nil {
		return Greeting{}, err
	}
	if resuming && len(c.setup.ticket) == 0 {
		return Greeting{}, errNotResumed
	}
	if !s.e.config.Resume {
		return Greeting{}, nil
	}
	return Greeting{Secret: c.setup.secret, Ticket: c.setup.ticket}, nil
}

func (s *storm) begun() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.e.result.Begun++
}

func (s *storm) ended(began, now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.e.measured = s.counted.Load()
	s.e.done(began, now)
}

// leave says goodbye, and waits for the server's.
func leave(nc net.Conn, c *conn) error {
	defer func() { _ = nc.Close() }() // all was said
	const patience = 5 * time.Second
	_ = nc.SetDeadline(time.Now().Add(patience)) // shows in what follows
	normal := []byte{0x03, 0xe8}                 // 1000
	if _, err := nc.Write(appendFrame(c.out[:0], opClose, c.key, normal)); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	var buffer [4096]byte
	for {
		n, err := nc.Read(buffer[:])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return errors.New("close: the server does not answer")
		}
		if err != nil || errors.As(c.feed(buffer[:n]), new(closedError)) {
			return nil
		}
	}
}
