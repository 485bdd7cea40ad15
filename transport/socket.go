package transport

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/coder/websocket"

	"github.com/protoway/protoway/consumer"
)

// socket is a WebSocket as a consumer sees it.
type socket struct {
	ws     *websocket.Conn
	cork   *corkConn
	ending sync.WaitGroup // goroutines that end the connection

	mu     sync.Mutex // guards what follows
	closed consumer.CloseCode
	ended  bool // nothing is left to be ended
}

var _ consumer.Conn = (*socket)(nil)

// maxKeptRead is the largest read buffer that a connection keeps between messages.
const maxKeptRead = 4 << 10

// readAll reads until the connection has ended and returns how it did. Pings are
// answered by ws while it reads.
func (s *socket) readAll(c *consumer.Consumer) consumer.CloseCode {
	defer s.ws.CloseNow() //nolint:errcheck // it has ended, one way or another
	var buffer []byte
	for {
		kind, message, err := s.ws.Reader(context.Background())
		if err != nil {
			return s.codeOf(err)
		}
		if buffer, err = readInto(buffer[:0], message); err != nil {
			return s.codeOf(err)
		}
		c.Receive(buffer, kind == websocket.MessageText)
		if cap(buffer) > maxKeptRead {
			buffer = nil
		}
	}
}

// readInto appends all of r to buffer.
func readInto(buffer []byte, r io.Reader) ([]byte, error) {
	const smallest = 512
	for {
		if len(buffer) == cap(buffer) {
			buffer = slices.Grow(buffer, smallest)
		}
		n, err := r.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		if errors.Is(err, io.EOF) {
			return buffer, nil
		}
		if err != nil {
			return buffer, err
		}
	}
}

// codeOf returns the code with which the connection ended: this side's, else the
// other's, else 1006 for a connection that was cut.
func (s *socket) codeOf(err error) consumer.CloseCode {
	s.mu.Lock()
	ours := s.closed
	s.mu.Unlock()
	if ours != 0 {
		return ours
	}
	if errors.Is(err, websocket.ErrMessageTooBig) {
		return consumer.CloseMessageBig
	}
	if theirs := websocket.CloseStatus(err); theirs > 0 {
		return consumer.CloseCode(theirs)
	}
	return consumer.CloseAbnormal
}

// Write sends messages with one write to the network.
func (s *socket) Write(messages [][]byte, text bool) error {
	kind := websocket.MessageBinary
	if text {
		kind = websocket.MessageText
	}
	if len(messages) > 1 {
		s.cork.hold()
	}
	for _, message := range messages {
		if err := s.ws.Write(context.Background(), kind, message); err != nil {
			return err
		}
	}
	return s.cork.release()
}

// maxReason is the longest reason that a close frame can carry.
const maxReason = 123

// Close starts the closing handshake.
func (s *socket) Close(code consumer.CloseCode, reason string) {
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed != 0 {
		return
	}
	s.closed = code
	s.endWith(func() error { return s.ws.Close(websocket.StatusCode(code), reason) }) // waits five seconds at most
}

// Abort ends the connection at once, also while it is being closed.
func (s *socket) Abort(code consumer.CloseCode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed == 0 {
		s.closed = code
	}
	s.endWith(func() error {
		_ = s.cork.Close() // CloseNow would wait for a closing handshake that runs
		return s.ws.CloseNow()
	})
}

// endWith runs what ends the connection, unless it has ended. The caller holds mu.
func (s *socket) endWith(end func() error) {
	if s.ended {
		return
	}
	s.ending.Go(func() {
		_ = end() // the reader learns how it ended
	})
}

// end waits for what ends the connection.
func (s *socket) end() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.ending.Wait()
}
