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
	// Accept checks the request and its origin, and makes the answer. The connection
	// that it would return is not used: frames are read and written here, in one way
	// for both modes. So it is told that there is none, which costs less than to make
	// one and to close it.
	if _, err := websocket.Accept(taken, r, options); taken.up.net == nil {
		return nil, err
	}
	if err := taken.up.net.SetDeadline(time.Time{}); err != nil { // those of the HTTP server
		_ = taken.up.net.Close()
		return nil, err
	}
	return &taken.up, nil
}

// takeover is a ResponseWriter that keeps the connection for itself.
type takeover struct {
	http.ResponseWriter
	up    upgraded
	taken bool // what is written is of no interest any more
}

// errTaken is what Hijack says when the connection is taken over.
var errTaken = errors.New("the connection is taken over")

// WriteHeader keeps the answer to an upgrade for Hijack: written to the connection
// itself it costs half of what it costs package net/http, which adds a date.
func (t *takeover) WriteHeader(code int) {
	if code != http.StatusSwitchingProtocols && !t.taken {
		t.ResponseWriter.WriteHeader(code)
	}
}

// Write writes the text of an error, unless it is that the connection was taken.
func (t *takeover) Write(text []byte) (int, error) {
	if t.taken {
		return len(text), nil
	}
	return t.ResponseWriter.Write(text)
}

// switching is the first line of the answer to an upgrade.
const switching = "HTTP/1.1 101 Switching Protocols\r\n"

// answer writes the answer to an upgrade.
func (t *takeover) answer(to io.Writer) error {
	response := getBuffer()
	defer response.put()
	out := bytes.NewBuffer(append(response.b, switching...))
	if err := t.Header().Write(out); err != nil {
		return err
	}
	out.WriteString("\r\n")
	_, err := to.Write(out.Bytes())
	return err
}

// Hijack takes the connection over and answers. It always returns an error.
func (t *takeover) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(t.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	t.taken = true
	early, err := buffered.Reader.Peek(buffered.Reader.Buffered())
	if err == nil {
		err = t.answer(conn)
	}
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	t.up = upgraded{conn, bytes.Clone(early)}
	return nil, nil, errTaken
}
