package transport

import (
	"time"
	"unicode/utf8"

	"github.com/protoway/protoway/consumer"
)

// feed handles the frames at the beginning of b and returns how many bytes they
// have. It reports false when the connection is to be finished with code.
func (c *conn) feed(b []byte) (used int, code consumer.CloseCode, ok bool) {
	for {
		if c.over {
			return len(b), 0, true
		}
		h, complete, bad := parseHeader(b[used:])
		if bad == nil && complete {
			bad = c.checkFrame(&h)
		}
		if bad != nil {
			c.refuse(bad)
			continue
		}
		if !complete || len(b)-used-h.size < h.length {
			return used, 0, true
		}
		payload := b[used+h.size:][:h.length]
		used += h.size + len(payload)
		unmask(payload, h.mask)
		if h.opcode == opClose {
			if code, ok = c.takeClose(payload); !ok {
				return used, code, false
			}
			continue
		}
		c.take(&h, payload)
		c.whole = c.whole || c.opcode == 0
	}
}

// refuse ends a connection whose client broke a rule. What follows is read and
// dropped, so that the close frame is not lost in a reset.
func (c *conn) refuse(why *failure) {
	if c.over {
		return
	}
	c.over = true
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sayClose(why.code, why.reason, refuseTimeout)
}

// checkFrame refuses a frame before its payload is read.
func (c *conn) checkFrame(h *header) *failure {
	switch {
	case h.control():
		return nil
	case h.opcode == opContinuation && c.opcode == 0:
		return violation("a continuation of nothing")
	case h.opcode != opContinuation && c.opcode != 0:
		return violation("a message begins inside another one")
	case h.length > c.limits.message-len(c.message):
		return c.limits.tooBig()
	}
	return nil
}

// take handles a frame whose payload is there.
func (c *conn) take(h *header, payload []byte) {
	switch {
	case h.opcode == opPing:
		c.pong(payload)
	case h.opcode == opPong:
	case h.opcode != opContinuation && h.fin:
		c.receive(h.opcode, payload)
	default:
		c.takeFragment(h, payload)
	}
}

func (c *conn) takeFragment(h *header, payload []byte) {
	if h.opcode != opContinuation {
		c.opcode = h.opcode
	}
	before := cap(c.message)
	c.message = append(c.message, payload...)
	if !c.limits.take(cap(c.message) - before) {
		c.refuse(c.limits.short())
		return
	}
	if !h.fin {
		return
	}
	message, opcode := c.message, c.opcode
	c.message, c.opcode = nil, 0
	c.receive(opcode, message)
	c.limits.give(cap(message))
}

// receive hands a message to the consumer.
func (c *conn) receive(opcode byte, message []byte) {
	if opcode == opText && !utf8.Valid(message) {
		c.refuse(&failure{consumer.CloseNotUTF8, "a text is not UTF-8"})
		return
	}
	c.consumer.Receive(message, opcode == opText)
}

// maxPongs is how many bytes of pongs may wait to be written: whoever pings and
// does not read gets no more.
const maxPongs = 64 << 10

func (c *conn) pong(payload []byte) {
	var frame [2 + maxControl]byte
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || c.pongs > maxPongs {
		return
	}
	answer := appendFrame(frame[:0], opPong, payload)
	if done, err := c.write(answer); !done && err == nil { // whoever reads learns of an error
		c.pongs += len(answer)
	}
}

// takeClose answers a close frame. It reports false when that was all; true if
// the network has yet to take the answer, or the frame was refused.
func (c *conn) takeClose(payload []byte) (consumer.CloseCode, bool) {
	code, bad := parseClose(payload)
	if bad != nil {
		c.refuse(bad)
		return 0, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		c.closing = true
		_, _ = c.write(appendFrame(nil, opClose, payload)) // the connection ends either way
	}
	if len(c.out) == 0 {
		return code, false
	}
	c.over, c.leaving = true, true
	if c.code == 0 {
		c.code = code
	}
	if c.timer == nil {
		c.timer = time.AfterFunc(closeTimeout, func() { c.Abort(code) })
	}
	return 0, true
}
