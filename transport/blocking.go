package transport

import (
	"errors"
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

// writeLeft writes until nothing is left, piece by piece, so that what was
// written is known.
func (e *blockingEnd) writeLeft(c *conn) {
	for p := c.left(); len(p) > 0; p = c.left() {
		if n, err := e.net.Write(p[:min(len(p), maxBuffer)]); !c.taken(n, err) {
			return
		}
	}
}

// shut has reads and writes fail. It does not close: that would wait for those
// that run, one of which may be the caller's.
func (e *blockingEnd) shut() {
	if tcp := e.tcp(); tcp != nil {
		_ = tcp.CloseRead()
		_ = tcp.CloseWrite()
		return
	}
	go func() { _ = e.net.Close() }()
}

func (e *blockingEnd) shutRead() {
	if tcp := e.tcp(); tcp != nil {
		_ = tcp.CloseRead()
		return
	}
	go func() { _ = e.net.Close() }()
}

// tcp returns the connection below that of TLS; nil if there is another one.
func (e *blockingEnd) tcp() *net.TCPConn {
	under := e.net
	for {
		wrapped, ok := under.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		under = wrapped.NetConn()
	}
	tcp, _ := under.(*net.TCPConn)
	return tcp
}

// close leaves the closing to readAll, which is about to go on or in which its
// caller is. TLS says goodbye then.
func (e *blockingEnd) close() {}

// readAll reads until the connection has ended, and closes it.
func (e *blockingEnd) readAll(c *conn) {
	defer e.net.Close() //nolint:errcheck // it has ended, one way or another
	if e.raw == nil {
		e.readBlocking(c)
		return
	}
	r := &rawReader{}
	for c.isOpen() {
		// Memory is taken only once there is something to read.
		err := e.raw.Read(func(fd uintptr) bool {
			scratch := getBuffer()
			defer scratch.put()
			r.fd, r.empty = fd, false
			// Go's poller tells of what comes, and not of what is there: an end of the
			// stream that came with the last bytes is seen only by another read.
			for more := true; more || !r.empty && c.isOpen(); {
				more = c.readOnce(r, scratch.b[:cap(scratch.b)])
			}
			return !c.isOpen()
		})
		if err != nil {
			c.finish(consumer.CloseAbnormal)
		}
	}
}

// rawReader reads what has come without waiting.
type rawReader struct {
	fd    uintptr
	empty bool // there was nothing more to read
}

func (r *rawReader) read(p []byte) (int, error) {
	n, err := tryRead(r.fd, p)
	r.empty = errors.Is(err, errEmpty)
	return n, err
}

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
