package transport

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// upgraded is a connection that has become a WebSocket.
type upgraded struct {
	net   net.Conn
	early []byte // what the client sent behind its request
}

// upgrade answers a request and takes its connection over. If it fails, it has
// answered with what is wrong.
func upgrade(w http.ResponseWriter, r *http.Request, options *websocket.AcceptOptions) (*upgraded, error) {
	taken := &takeover{ResponseWriter: w}
	// Accept checks the request and its origin, and answers. What it returns is
	// not used: frames are read and written here, in one way for both modes. It is
	// closed, which closes nothing, since its finalizer would keep it in memory.
	unused, err := websocket.Accept(taken, r, options)
	if err != nil {
		return nil, err
	}
	_ = unused.CloseNow()
	if err := taken.up.net.SetDeadline(time.Time{}); err != nil { // those of the HTTP server
		_ = taken.up.net.Close()
		return nil, err
	}
	return &taken.up, nil
}

// takeover is a ResponseWriter that keeps the connection for itself.
type takeover struct {
	http.ResponseWriter
	up upgraded
}

// smallest is the least that bufio allocates.
const smallest = 16

// Hijack takes the connection and hands out one that does nothing.
func (t *takeover) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(t.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	early, err := buffered.Reader.Peek(buffered.Reader.Buffered())
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	t.up = upgraded{conn, bytes.Clone(early)}
	nothing := idleConn{conn}
	return nothing, bufio.NewReadWriter(bufio.NewReaderSize(nothing, smallest), bufio.NewWriterSize(nothing, smallest)), nil
}

// idleConn stands for a connection that somebody else uses.
type idleConn struct{ net.Conn }

func (idleConn) Read([]byte) (int, error)    { return 0, io.EOF }
func (idleConn) Write(p []byte) (int, error) { return len(p), nil }
func (idleConn) Close() error                { return nil }
