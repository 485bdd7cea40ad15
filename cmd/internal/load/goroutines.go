package load

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// goroutines is the driver that works everywhere: two goroutines to each
// connection.
type goroutines struct {
	failed func(c *conn, err error)
	wake   chan struct{}
	ended  sync.WaitGroup

	mu     sync.Mutex // guards the connections, and what scenarios keep
	pipes  []*pipe    // by the index of the connection
	closed bool
}

// pipe is a connection and what its writer waits for.
type pipe struct {
	c     *conn
	nc    net.Conn
	ready chan struct{} // something is to be written
	done  chan struct{} // closed by the reader
}

var _ driver = (*goroutines)(nil)

func newGoroutines(size int, failed func(*conn, error)) *goroutines {
	return &goroutines{failed: failed, wake: make(chan struct{}, 1), pipes: make([]*pipe, size)}
}

func (g *goroutines) add(c *conn, nc net.Conn) error {
	p := &pipe{c, nc, make(chan struct{}, 1), make(chan struct{})}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return net.ErrClosed
	}
	g.pipes[c.index] = p
	g.ended.Add(2)
	go g.read(p)
	go g.write(p)
	return nil
}

func (g *goroutines) read(p *pipe) {
	defer g.ended.Done()
	defer close(p.done)
	buffer := make([]byte, 16<<10)
	for {
		n, err := p.nc.Read(buffer)
		g.mu.Lock()
		if err == nil {
			err = p.c.feed(buffer[:n])
		}
		if err != nil && !g.closed {
			p.c.failed = err
			g.failed(p.c, err)
		}
		if len(p.c.out) > 0 {
			g.dirty(p.c)
		}
		g.mu.Unlock()
		signal(g.wake)
		if err != nil {
			_ = p.nc.Close()
			return
		}
	}
}

func (g *goroutines) write(p *pipe) {
	defer g.ended.Done()
	var spare []byte
	for {
		select {
		case <-p.ready:
		case <-p.done:
			return
		}
		g.mu.Lock()
		b := p.c.out
		p.c.out = spare[:0]
		g.mu.Unlock()
		if _, err := p.nc.Write(b); err != nil {
			_ = p.nc.Close() // the reader says why
			return
		}
		spare = b
	}
}

// dirty is called with the lock held.
func (g *goroutines) dirty(c *conn) { signal(g.pipes[c.index].ready) }

func (g *goroutines) run(ctx context.Context, step func() time.Duration) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		g.mu.Lock()
		wait := step()
		g.mu.Unlock()
		if wait < 0 {
			return nil
		}
		timer.Reset(min(wait, longestWait))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		case <-g.wake:
		}
	}
}

func (g *goroutines) do(fn func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	fn()
}

func (g *goroutines) close() {
	g.mu.Lock()
	g.closed = true
	for _, p := range g.pipes {
		if p != nil {
			_ = p.nc.Close()
		}
	}
	g.mu.Unlock()
	g.ended.Wait()
}

// signal puts a token into a channel that has room for one.
func signal(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// errLost is the end of a connection without a close frame.
var errLost = errors.New("the server has cut the connection")
