package transport

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/protoway/protoway/consumer"
)

// end is the network side of a connection. Its methods do not block.
type end interface {
	// tryWrite writes what the network takes. Without an error, less than all
	// means that it is full.
	tryWrite(p []byte) (int, error)
	// await calls conn.drain, from another goroutine, once the network may take
	// more. The caller holds conn.mu.
	await(c *conn)
	// shut ends both directions: whoever reads learns of it, and calls close.
	shut()
	// shutRead ends reading: whoever reads learns of it. What the network has taken
	// goes its way.
	shutRead()
	// close gives the network side back. It is called once, by whoever reads.
	close()
}

// conn is a WebSocket as a consumer sees it: the frames of RFC 6455 over an end.
type conn struct {
	consumer *consumer.Consumer
	end      end
	limits   *readLimits
	ended    func() // called once, when the consumer knows that it has ended

	// What follows belongs to who reads.
	part    []byte // the beginning of a frame
	message []byte // the fragments of a message so far
	opcode  byte   // its kind; 0: none is open
	over    bool   // whatever comes is of no interest
	whole   bool   // what was incomplete has been completed

	// partial is when the first byte of what is not complete came, in nanoseconds
	// since 1970; 0: nothing is incomplete.
	partial atomic.Int64

	mu      sync.Mutex // guards what follows; held while writing, which does not block
	out     []byte     // what the network has not taken
	pongs   int        // bytes of out that are pongs, at most
	owes    bool       // the consumer waits for what is in out
	closing bool       // a close frame was sent, or nothing is sent any more
	leaving bool       // the client said goodbye, and what is in out is the last
	gone    bool       // the end is closed
	code    consumer.CloseCode
	timer   *time.Timer // ends a closing handshake that takes too long
}

var _ consumer.HeadroomConn = (*conn)(nil)

// How long the other side may take to answer a close frame.
const (
	closeTimeout = 5 * time.Second
	// refuseTimeout is for who broke a rule: nothing it says counts.
	refuseTimeout = time.Second
)

// Attach says whose connection it is.
func (c *conn) Attach(owner *consumer.Consumer) { c.consumer = owner }

// Write sends messages with one write to the network.
func (c *conn) Write(messages [][]byte, text bool) (done bool, err error) {
	buffer := getBuffer()
	defer buffer.put()
	for _, m := range messages {
		buffer.b = appendFrame(buffer.b, opcodeOf(text), m)
	}
	return c.writeFrames(buffer.b)
}

// WriteOne sends the message behind the headroom of a buffer.
func (c *conn) WriteOne(buffer []byte, text bool) (done bool, err error) {
	const room = consumer.Headroom // as much as the longest header
	var header [room]byte
	h := appendHeader(header[:0], opcodeOf(text), len(buffer)-room)
	frame := buffer[room-len(h):]
	copy(frame, h)
	return c.writeFrames(frame)
}

func opcodeOf(text bool) byte {
	if text {
		return opText
	}
	return opBinary
}

// writeFrames writes frames that carry messages.
func (c *conn) writeFrames(frames []byte) (done bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing && !c.gone {
		return true, nil // nothing follows a close frame: it is dropped
	}
	done, err = c.write(frames)
	c.owes = err == nil && !done
	return done, err
}

// write writes frames, or keeps what the network does not take. The caller holds mu.
func (c *conn) write(frames []byte) (done bool, err error) {
	if c.gone {
		return false, net.ErrClosed
	}
	if len(c.out) > 0 {
		c.out = append(c.out, frames...)
		return false, nil
	}
	n, err := c.end.tryWrite(frames)
	if err != nil || n == len(frames) {
		return err == nil, err
	}
	c.out = append(c.out, frames[n:]...)
	c.end.await(c)
	return false, nil
}

// left returns what is left to be written; nil if nothing is.
func (c *conn) left() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out
}

// drain writes what is left as far as the network takes it.
func (c *conn) drain() {
	c.mu.Lock()
	if c.gone || len(c.out) == 0 {
		c.mu.Unlock()
		return
	}
	n, err := c.end.tryWrite(c.out)
	c.mu.Unlock()
	if c.taken(n, err) {
		c.mu.Lock()
		c.end.await(c)
		c.mu.Unlock()
	}
}

// taken notes that the network took n bytes of what was left, and reports
// whether there is more.
func (c *conn) taken(n int, err error) (more bool) {
	c.mu.Lock()
	if err == nil && !c.gone && n < len(c.out) {
		c.out = c.out[n:]
		owes := c.owes
		c.mu.Unlock()
		if owes && n > 0 {
			c.consumer.Progressed()
		}
		return true
	}
	c.out, c.pongs = nil, 0
	owed := c.owes
	c.owes = false
	if err == nil && c.leaving && !c.gone {
		c.end.shutRead()
	}
	c.mu.Unlock()
	if err != nil {
		c.Abort(consumer.CloseAbnormal)
	} else if owed {
		c.consumer.Written()
	}
	return false
}

// Close starts the closing handshake.
func (c *conn) Close(code consumer.CloseCode, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sayClose(code, reason, closeTimeout)
}

// sayClose sends a close frame, once, and waits a while for the answer. The
// caller holds mu.
func (c *conn) sayClose(code consumer.CloseCode, reason string, patience time.Duration) {
	if c.closing || c.gone {
		return
	}
	c.closing = true
	if c.code == 0 {
		c.code = code
	}
	if _, err := c.write(appendFrame(nil, opClose, closePayload(code, reason))); err != nil {
		c.end.shut()
		return
	}
	c.timer = time.AfterFunc(patience, func() { c.Abort(code) })
}

// Abort ends the connection at once.
func (c *conn) Abort(code consumer.CloseCode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return
	}
	if c.code == 0 {
		c.code = code
	}
	c.out, c.closing = nil, true
	c.end.shut()
}

// Partial returns since when a message has been coming in that is not complete;
// the zero time if there is none.
func (c *conn) Partial() time.Time {
	if since := c.partial.Load(); since != 0 {
		return time.Unix(0, since)
	}
	return time.Time{}
}

// isOpen reports whether the connection was not finished.
func (c *conn) isOpen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.gone
}

// finish ends the connection for who reads; theirs is how the other side ended
// it. Nothing is read after it.
func (c *conn) finish(theirs consumer.CloseCode) {
	c.mu.Lock()
	if c.gone {
		c.mu.Unlock()
		return
	}
	c.gone, c.out = true, nil
	if c.code == 0 {
		c.code = theirs
	}
	code := c.code
	if c.timer != nil {
		c.timer.Stop()
	}
	c.end.close()
	c.mu.Unlock()
	c.limits.give(cap(c.part) + cap(c.message))
	c.part, c.message = nil, nil
	c.partial.Store(0)
	go func() { // leaving groups may take a while
		defer c.ended()
		c.consumer.Closed(code)
	}()
}
