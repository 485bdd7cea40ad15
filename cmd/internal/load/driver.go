package load

import (
	"context"
	"net"
	"time"
)

// driver reads and writes the connections of a run. Whatever a connection gets is
// handled by one goroutine at a time.
type driver interface {
	// add takes over a connection. It may be called by several goroutines.
	add(c *conn, nc net.Conn) error
	// run calls step after whatever happened, and after the time that it has
	// returned, until that is negative or ctx ends.
	run(ctx context.Context, step func() time.Duration) error
	// do calls fn while nothing is handled.
	do(fn func())
	// dirty says that something was put into c.out by step, by fn of do, or while
	// something of another connection was handled.
	dirty(c *conn)
	// close closes the connections. A second call does nothing.
	close()
}

// longestWait is how long a driver waits at most, so that it sees the end of its
// context.
const longestWait = 50 * time.Millisecond
