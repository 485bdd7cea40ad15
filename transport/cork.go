package transport

import (
	"bufio"
	"net"
	"net/http"
	"sync"
)

// corkWriter is a ResponseWriter whose hijacked connection can hold back writes.
type corkWriter struct {
	http.ResponseWriter
	conn *corkConn
}

// Hijack hands over the connection, wrapped.
func (w *corkWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	w.conn = &corkConn{Conn: conn}
	// What the server read ahead stays in the reader; the writer is empty.
	buffered.Writer.Reset(w.conn)
	return w.conn, buffered, nil
}

// corkConn holds back writes while it is corked, so that several frames leave
// in one packet.
type corkConn struct {
	net.Conn

	mu     sync.Mutex // guards what follows; not held while writing to the network
	corked bool
	waits  []byte
}

// Write writes, or holds back.
func (c *corkConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	if c.corked {
		c.waits = append(c.waits, p...)
		c.mu.Unlock()
		return len(p), nil
	}
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// hold begins to hold back.
func (c *corkConn) hold() {
	c.mu.Lock()
	c.corked = true
	c.mu.Unlock()
}

// release writes what was held back. The lock is not held while writing, so a
// pong may go between; it is a frame of its own, as is all that was held.
func (c *corkConn) release() error {
	c.mu.Lock()
	waits := c.waits
	c.corked, c.waits = false, nil
	c.mu.Unlock()
	if len(waits) == 0 {
		return nil
	}
	_, err := c.Conn.Write(waits)
	return err
}
