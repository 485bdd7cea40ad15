package transport

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/protoway/protoway/consumer"
)

// pipeMessages is how many messages a pipe holds in each direction. Beyond, the
// side that writes waits for the one that reads, as on a network.
const pipeMessages = 16

// PipeEnd is the client's end of a connection in memory. It is the transport of
// a Go client:
//
//	conn, err := client.Open(ctx, transport.Pipe(node, opening))
type PipeEnd struct{ pipe *pipe }

// PipeError is how a read or write fails on a pipe that was closed.
type PipeError struct {
	// Code is what the side that closed it stated; 1006 if it was cut.
	Code consumer.CloseCode
	// Reason is for people.
	Reason string
}

// Error returns code and reason.
func (e *PipeError) Error() string { return fmt.Sprintf("pipe closed with %s: %s", e.Code, e.Reason) }

// Closed returns code and reason, in the form in which a client asks for them.
func (e *PipeError) Closed() (code int, reason string) { return int(e.Code), e.Reason }

// Pipe opens a connection in memory and returns the client's end. No HTTP request
// precedes it: path, dialect and user are those of the opening. The node must not
// be closed before [PipeEnd.Done].
func Pipe(node *consumer.Node, opening consumer.Opening) *PipeEnd {
	return openPipe(node, opening, func() {})
}

// Pipe opens a connection in memory on the path of the handler. [Handler.Wait]
// waits for it.
func (h *Handler) Pipe(opening consumer.Opening) *PipeEnd {
	opening.Path = h.config.Path
	if !h.enter() {
		end := openPipe(h.config.Node, opening, func() {})
		end.pipe.Close(consumer.CloseGoingAway, "the server is shutting down")
		return end
	}
	return openPipe(h.config.Node, opening, h.reading.Done)
}

func openPipe(node *consumer.Node, opening consumer.Opening, ended func()) *PipeEnd {
	p := &pipe{
		limit:    node.Limits().MaxMessageBytes,
		toServer: make(chan pipeMessage, pipeMessages),
		toClient: make(chan pipeMessage, pipeMessages),
		closed:   make(chan struct{}),
		cut:      make(chan struct{}),
		served:   make(chan struct{}),
	}
	c := node.Open(p, opening)
	go func() {
		defer ended()
		defer close(p.served)
		p.serve(c)
		c.Closed(p.state().Code)
	}()
	return &PipeEnd{p}
}

// Read returns the next message of the server. What it sent before it closed
// comes first, and then a [PipeError].
func (e *PipeEnd) Read(ctx context.Context) (message []byte, text bool, err error) {
	p := e.pipe
	select {
	case <-p.cut:
		return nil, false, p.seenByClient()
	default:
	}
	select {
	case m := <-p.toClient:
		return m.data, m.text, nil
	case <-ctx.Done():
		return nil, false, ctx.Err()
	case <-p.closed:
	}
	select {
	case m := <-p.toClient:
		return m.data, m.text, nil
	default:
		return nil, false, p.seenByClient()
	}
}

// Write sends a message to the server, and waits while it has not taken those
// before.
func (e *PipeEnd) Write(ctx context.Context, message []byte, text bool) error {
	p := e.pipe
	select {
	case <-p.closed:
		return p.seenByClient()
	default:
	}
	select {
	case p.toServer <- pipeMessage{bytes.Clone(message), text}:
		return nil
	case <-p.closed:
		return p.seenByClient()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends the connection with a close code. The server takes what was written
// before. It always returns nil.
func (e *PipeEnd) Close(code int, reason string) error {
	e.pipe.Close(consumer.CloseCode(code), reason)
	return nil
}

// Done is closed when the server has let go of the connection.
func (e *PipeEnd) Done() <-chan struct{} { return e.pipe.served }

// pipe is a connection in memory as a consumer sees it.
type pipe struct {
	limit    int // bytes of a message to the server
	toServer chan pipeMessage
	toClient chan pipeMessage
	closed   chan struct{} // closed by the first Close or Abort
	cut      chan struct{} // closed by Abort
	served   chan struct{} // closed when the consumer has been told of the end
	consumer *consumer.Consumer

	mu    sync.Mutex // guards what follows
	err   *PipeError // nil while it is open
	isCut bool
}

var _ consumer.Conn = (*pipe)(nil)

// pipeMessage is a message on its way.
type pipeMessage struct {
	data []byte
	text bool
}

// serve hands over what the client sends until the connection ends.
func (p *pipe) serve(c *consumer.Consumer) {
	for {
		select {
		case m := <-p.toServer:
			if !p.receive(c, m) {
				return
			}
		case <-p.closed:
			p.serveRest(c)
			return
		}
	}
}

// serveRest hands over what the client sent before the connection was closed.
func (p *pipe) serveRest(c *consumer.Consumer) {
	for {
		select {
		case <-p.cut:
			return
		default:
		}
		select {
		case m := <-p.toServer:
			if !p.receive(c, m) {
				return
			}
		default:
			return
		}
	}
}

// receive hands over a message and reports whether more may follow.
func (p *pipe) receive(c *consumer.Consumer, m pipeMessage) bool {
	if len(m.data) > p.limit {
		p.Close(consumer.CloseMessageBig, fmt.Sprintf("a message has %d bytes, at most %d are read", len(m.data), p.limit))
		return false
	}
	c.Receive(m.data, m.text)
	return true
}

// Attach says whose connection it is.
func (p *pipe) Attach(c *consumer.Consumer) { p.consumer = c }

// Write sends copies of messages. What the client has no room for is sent by a
// goroutine, which waits until it reads.
func (p *pipe) Write(messages [][]byte, text bool) (done bool, err error) {
	for i, message := range messages {
		m := pipeMessage{bytes.Clone(message), text}
		select {
		case <-p.closed:
			return false, p.state()
		default:
		}
		select {
		case p.toClient <- m:
		default:
			rest := []pipeMessage{m}
			for _, message := range messages[i+1:] {
				rest = append(rest, pipeMessage{bytes.Clone(message), text})
			}
			go p.writeLater(rest)
			return false, nil
		}
	}
	return true, nil
}

func (p *pipe) writeLater(rest []pipeMessage) {
	for _, m := range rest {
		select {
		case p.toClient <- m:
		case <-p.closed:
			return
		}
	}
	p.consumer.Written()
}

// Close ends the connection, from either side. Only the first call counts.
func (p *pipe) Close(code consumer.CloseCode, reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = &PipeError{code, reason}
		close(p.closed)
	}
}

// Partial returns the zero time: messages come whole.
func (p *pipe) Partial() time.Time { return time.Time{} }

// Abort ends the connection at once; what the client has not read is lost.
func (p *pipe) Abort(code consumer.CloseCode) {
	p.Close(code, "")
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.isCut {
		p.isCut = true
		close(p.cut)
	}
}

// state returns how the connection ended, as the server sees it.
func (p *pipe) state() *PipeError {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// seenByClient returns how the connection ended, as the client sees it: a
// connection that is cut brings no close code.
func (p *pipe) seenByClient() *PipeError {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isCut {
		return &PipeError{consumer.CloseCode(websocket.StatusAbnormalClosure), "the connection was cut"}
	}
	return p.err
}
