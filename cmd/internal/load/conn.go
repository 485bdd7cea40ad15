package load

import (
	"math/rand/v2"
	"time"
)

// behaviour is what a scenario makes of what its connections get. It is called
// by one goroutine at a time.
type behaviour interface {
	acked(c *conn, id uint64, code string)
	delivered(c *conn)
}

// conn is a connection: what it got, what it is to send, and what the scenario
// remembers about it. It is used by one goroutine at a time, see [driver].
type conn struct {
	index    int
	protocol Protocol
	do       behaviour
	clock    func() int64
	in       stream
	out      []byte
	key      uint32
	now      int64 // when the bytes that are handled were read
	failed   error

	setup *setup // while the connection is made

	slots    []int64 // when what is in flight was begun; 0: free
	first    int     // of slots to look at: the last one freed; in ordered protocols the oldest
	received uint64  // publications
}

// setup is what was heard while a connection was made.
type setup struct {
	welcomed       bool
	acks           map[uint64]string // by id
	secret, ticket []byte
}

var (
	_ messages = (*conn)(nil)
	_ Sink     = (*conn)(nil)
)

func newConn(index int, protocol Protocol, clock func() int64) *conn {
	return &conn{
		index: index, protocol: protocol, clock: clock, key: rand.Uint32(), //nolint:gosec // masks keep no secret here
		setup: &setup{acks: map[uint64]string{}},
	}
}

// say puts a message into what is to be sent.
func (c *conn) say(verb Verb, id uint64, scratch *[]byte) {
	*scratch = c.protocol.Say((*scratch)[:0], verb, id)
	c.send(*scratch)
}

func (c *conn) send(message []byte) {
	opcode := byte(opBinary)
	if c.protocol.Text() {
		opcode = opText
	}
	c.out = appendFrame(c.out, opcode, c.key, message)
}

// feed handles bytes that were read.
func (c *conn) feed(b []byte) error {
	c.now = c.clock()
	return c.in.feed(b, c)
}

func (c *conn) message(payload []byte) error { return c.protocol.Read(payload, c) }

func (c *conn) ping(payload []byte) { c.out = appendFrame(c.out, opPong, c.key, payload) }

// Welcomed implements [Sink].
func (c *conn) Welcomed(secret []byte) {
	if c.setup != nil {
		c.setup.welcomed, c.setup.secret = true, append([]byte(nil), secret...)
	}
}

// Joined implements [Sink].
func (c *conn) Joined(ticket []byte) {
	if c.setup != nil {
		c.setup.ticket = append([]byte(nil), ticket...)
	}
}

// Acked implements [Sink].
func (c *conn) Acked(id uint64, code string) {
	if c.setup != nil {
		c.setup.acks[id] = code
		return
	}
	c.do.acked(c, id, code)
}

// Delivered implements [Sink].
func (c *conn) Delivered() {
	if c.setup == nil {
		c.do.delivered(c)
	}
}

// begin takes a free slot for something that began at a time, and returns its
// id; 0 if all are taken.
func (c *conn) begin(at int64) uint64 {
	next := c.first
	for range c.slots {
		if c.slots[next] == 0 {
			c.slots[next] = at
			return uint64(next) + 1 //nolint:gosec // an index is not negative
		}
		next = (next + 1) % len(c.slots)
	}
	return 0
}

// end frees the slot of an id, or the oldest one in ordered protocols, and
// returns when it began; 0 if nothing waits for it.
func (c *conn) end(id uint64) (begun int64) {
	i := c.first
	if !c.protocol.Ordered() {
		if id == 0 || id > uint64(len(c.slots)) {
			return 0
		}
		i = int(id - 1) //nolint:gosec // it is an index
	}
	begun, c.slots[i] = c.slots[i], 0
	if c.first = i; c.protocol.Ordered() && begun != 0 {
		c.first = (i + 1) % len(c.slots)
	}
	return begun
}

// monotonic returns a clock that counts nanoseconds from 1: 0 is no time.
func monotonic() func() int64 {
	base := time.Now()
	return func() int64 { return int64(time.Since(base)) + 1 }
}
