package transport

import (
	"net"
	"syscall"

	"github.com/protoway/protoway/consumer"
)

// blockingEnd is an end on which a goroutine reads: for TLS, and for systems
// without an event mode.
type blockingEnd struct {
	net net.Conn
	raw syscall.RawConn // nil: what the network takes without blocking is not known

	// What follows belongs to who holds conn.mu. The callback is made once, so that
	// a write costs no allocation.
	try    func(fd uintptr) bool
	trying []byte
	n      int
	err    error
}

var _ end = (*blockingEnd)(nil)

// newBlockingEnd takes over a connection.
func newBlockingEnd(c net.Conn) *blockingEnd {
	e := &blockingEnd{net: c}
	if plain, ok := c.(*net.TCPConn); ok && canTry {
		if raw, err := plain.SyscallConn(); err == nil {
			e.raw = raw
		}
	}
	e.try = func(fd uintptr) bool {
		e.n, e.err = tryWrite(fd, e.trying)
		return true
	}
	return e
}

// tryWrite writes what the network takes.
func (e *blockingEnd) tryWrite(p []byte) (int, error) {
	if e.raw == nil {
		return 0, nil
	}
	e.trying = p
	err := e.raw.Write(e.try)
	e.trying = nil
	if err == nil {
		err = e.err
	}
	return e.n, err
}

// await writes the rest in a goroutine.
func (e *blockingEnd) await(c *conn) {
	if e.raw == nil {
		go e.writeLeft(c)
		return
	}
	go func() {
		asked := false
		err := e.raw.Write(func(fd uintptr) bool {
			if asked || writable(fd) {
				return true
			}
			asked = true
			return false // come again when it is
		})
		if err == nil { // else it was closed
			c.drain()
		}
	}()
}

// writeLeft writes until nothing is left.
func (e *blockingEnd) writeLeft(c *conn) {
	for p := c.left(); len(p) > 0; p = c.left() {
		if n, err := e.net.Write(p); !c.taken(n, err) {
			return
		}
	}
}

// shut has reads and writes fail. It does not close: that would wait for those
// that run, one of which may be the caller's.
func (e *blockingEnd) shut() {
	under := e.net
	for {
		wrapped, ok := under.(interface{ NetConn() net.Conn }) // TLS
		if !ok {
			break
		}
		under = wrapped.NetConn()
	}
	if tcp, ok := under.(*net.TCPConn); ok {
		_ = tcp.CloseRead()
		_ = tcp.CloseWrite()
		return
	}
	go func() { _ = e.net.Close() }()
}

// close leaves the closing to readAll, in which its caller is.
func (e *blockingEnd) close() { e.shut() }

// readAll reads until the connection has ended, and closes it.
func (e *blockingEnd) readAll(c *conn) {
	defer e.net.Close() //nolint:errcheck // it has ended, one way or another
	if e.raw == nil {
		e.readBlocking(c)
		return
	}
	more := true
	for c.isOpen() {
		// Memory is taken only once there is something to read.
		err := e.raw.Read(func(fd uintptr) bool {
			scratch := getBuffer()
			defer scratch.put()
			for more = true; more; {
				more = c.readOnce(rawReader(fd), scratch.b[:cap(scratch.b)])
			}
			return !c.isOpen()
		})
		if err != nil {
			c.finish(consumer.CloseAbnormal)
		}
	}
}

// rawReader reads what has come without waiting.
type rawReader uintptr

func (fd rawReader) read(p []byte) (int, error) { return tryRead(uintptr(fd), p) }

// readBlocking reads from a connection that cannot be tried.
func (e *blockingEnd) readBlocking(c *conn) {
	scratch := make([]byte, firstBuffer)
	for c.isOpen() {
		c.readOnce(netReader{e.net}, scratch)
	}
}

// netReader waits for what comes.
type netReader struct{ net.Conn }

func (r netReader) read(p []byte) (int, error) { return eof(r.Read(p)) }
