package transport

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/protoway/protoway/consumer"
)

// reader is what a connection is read from: a read that finds nothing says errEmpty.
type reader interface {
	read(p []byte) (int, error)
}

// errEmpty is what a read of an end says when there is nothing to read.
var errEmpty = errors.New("nothing to read")

// buffer is memory that is used again.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, firstBuffer)} }}

const (
	firstBuffer = 4 << 10
	// maxBuffer is the largest buffer that is used again.
	maxBuffer = 64 << 10
)

func getBuffer() *buffer { return buffers.Get().(*buffer) }

func (b *buffer) put() {
	if cap(b.b) > maxBuffer {
		return
	}
	b.b = b.b[:0]
	buffers.Put(b)
}

const (
	// leastRoom is how much room a read gets behind a part.
	leastRoom = 2 << 10
	// firstRoom is what a part grows by besides doubling.
	firstRoom = 4 << 10
)

// readOnce reads from r, into scratch or behind what is incomplete, and handles
// what is complete. It reports whether there may be more; when there is not, the
// connection was finished or the network is empty.
func (c *conn) readOnce(r reader, scratch []byte) (more bool) {
	into, before := scratch, len(c.part)
	if before > 0 {
		if !c.makeRoom() {
			c.refuse(c.limits.short())
			c.dropPart()
			return true
		}
		into = c.part[before:cap(c.part)]
	}
	n, err := r.read(into)
	switch {
	case errors.Is(err, errEmpty):
		return false
	case err != nil || n == 0:
		c.finish(consumer.CloseAbnormal)
		return false
	}
	if before > 0 {
		c.part = c.part[:before+n]
		return c.feedPart(n == len(into))
	}
	return c.feedScratch(scratch[:n], n == len(into))
}

// feedScratch handles what was read, and keeps the rest.
func (c *conn) feedScratch(b []byte, full bool) (more bool) {
	used, code, ok := c.feed(b)
	if !ok {
		c.finish(code)
		return false
	}
	if used < len(b) {
		c.part = append(c.part, b[used:]...)
		c.limits.take(cap(c.part)) // what is too much shows when more is needed
	}
	c.notePartial()
	return full
}

// feedPart handles what is complete by now.
func (c *conn) feedPart(full bool) (more bool) {
	used, code, ok := c.feed(c.part)
	switch {
	case !ok:
		c.finish(code)
		return false
	case used == len(c.part):
		c.dropPart()
	case used > 0:
		c.part = c.part[:copy(c.part, c.part[used:])]
	}
	c.notePartial()
	return full
}

// makeRoom makes room for a read behind the part.
func (c *conn) makeRoom() bool {
	if cap(c.part)-len(c.part) >= leastRoom {
		return true
	}
	grown := make([]byte, len(c.part), 2*cap(c.part)+firstRoom)
	if !c.limits.take(cap(grown) - cap(c.part)) {
		c.limits.give(cap(grown) - cap(c.part))
		return false
	}
	copy(grown, c.part)
	c.part = grown
	return true
}

func (c *conn) dropPart() {
	c.limits.give(cap(c.part))
	c.part = nil
}

// notePartial notes since when something is incomplete: the oldest of it.
func (c *conn) notePartial() {
	switch incomplete := len(c.part) > 0 || c.opcode != 0; {
	case !incomplete:
		if c.partial.Load() != 0 {
			c.partial.Store(0)
		}
	case c.whole || c.partial.Load() == 0:
		c.partial.Store(time.Now().UnixNano())
	}
	c.whole = false
}

// eof turns the end of a stream into an error.
func eof(n int, err error) (int, error) {
	if n == 0 && err == nil {
		return 0, io.EOF
	}
	return n, err
}
