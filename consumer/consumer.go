// Package consumer is one connection of a client: it takes frames, finds the
// route of each, runs it and acks it.
//
// What a receiver can do during a frame hangs off the frame's handle:
//
//	me := consumer.From(ctx)
//	err := me.Join(ctx, "room:1")
//
// The one idea: reading never waits. Frames go into lanes, lanes are run by a
// bounded pool of workers, and what a connection is sent goes into its bounded
// outbox.
package consumer

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/broadcast"
	"github.com/protoway/protoway/wire"
)

// overloadRetry is when a frame that was refused for load may come again.
const overloadRetry = 200 * time.Millisecond

// Opening is what is known about a connection before its first frame.
type Opening struct {
	Path    *Path
	Dialect wire.Dialect
	// RemoteAddr is the client's address, for logs.
	RemoteAddr string
	// Token is what the upgrade request offered; empty for none.
	Token string
	// User is the session identity of the upgrade request; nil for none.
	User *auth.User
}

// Consumer is one connection.
type Consumer struct {
	node    *Node
	opening Opening
	name    string // names the session
	wire    wire.Session
	outbox  *outbox
	onFrame func(*wire.Frame) // takeFrame, bound once

	identity    atomic.Pointer[identity]
	unannounced atomic.Pointer[identity] // an identity that the receivers have to be told about
	saidHello   atomic.Bool              // the handshake timeout is met
	signing     chan struct{}            // holds one token: who has it may change the identity
	lastRead    atomic.Int64             // nanoseconds since 1970
	checked     atomic.Int64             // likewise: when it was last looked up what the user may do
	askedOf     *identity                // who was asked for a token in its grace; the wheel's own
	began       time.Time

	reading
	attached

	mu sync.Mutex // guards what follows
	schedule
	asking
	secret   string                 // proves an anonymous client on resume
	welcomed bool                   // frames behind hello may run
	settles  bool                   // the client says when its keys may be forgotten
	claims   map[uint64]claimKey    // by frame, those that it has not said so of
	buckets  map[*wire.Entry]bucket // of the connection, for messages with a rate limit
	closed   bool
	parted   bool  // Disconnected has been or is being called
	calls    *call // those that run, a list
	groups   memberships

	voids voids
}

// reading is the state of the reader, which is alone with it.
type reading struct {
	greeted    bool
	complained bool // this message of the transport was answered by an ack of no frame
	scratch    []byte
	lastToken  string // that came with a frame
	outdated   bool   // it was told that its version is too old
	rates      *rates // nil: there is no limit
}

// attached is the receivers of the connection.
type attached struct {
	lives     []Lifecycle
	met       int            // how many of lives were told that the connection is there; guarded by mu
	instances map[*Scope]any // what PerConnection receivers made
	// bound is the handlers of these; they run in the connection's own lane, which
	// is alone with it.
	bound map[*Route]Handler
}

var _ broadcast.Member = (*Consumer)(nil)

// newConsumer makes the consumer of a connection.
func newConsumer(node *Node, conn Conn, opening Opening) *Consumer {
	c := &Consumer{
		node:    node,
		opening: opening,
		name:    newSession(),
		wire:    opening.Dialect.Open(node.catalog, wire.ServerSide),
		signing: make(chan struct{}, 1),
		began:   time.Now(),
	}
	conn.Attach(c)
	c.outbox = newOutbox(conn, opening.Dialect, node)
	c.onFrame = c.takeFrame
	c.rates = newRates(node)
	c.own.c = c
	c.secret = newSecret()
	c.identity.Store(newIdentity(auth.Anonymous, anonymousSubject(c.secret)))
	c.lastRead.Store(c.began.UnixNano())
	c.openScopes()
	return c
}

// openScopes makes the receivers that live as long as the connection.
func (c *Consumer) openScopes() {
	path := c.opening.Path
	c.lives = path.Lifecycles
	if len(path.Scopes) == 0 {
		return
	}
	c.instances = make(map[*Scope]any, len(path.Scopes))
	c.bound = map[*Route]Handler{}
	c.lives = append([]Lifecycle(nil), path.Lifecycles...)
	for _, scope := range path.Scopes {
		instance := scope.New()
		c.instances[scope] = instance
		c.lives = append(c.lives, scope.Lifecycle(instance))
	}
}

// log returns a logger that names the connection. It is made for each line, since
// most connections never log one.
func (c *Consumer) log() *slog.Logger {
	return c.node.logger.With("session", c.name, "path", c.opening.Path.Name)
}

// debugging reports whether somebody wants to see what is only of interest to who
// looks for something. Else nothing is made of it.
func (n *Node) debugging() bool {
	return n.logger.Enabled(context.Background(), slog.LevelDebug)
}

// Session names the connection.
func (c *Consumer) Session() string { return c.name }

// Dialect is how the connection's frames are spelled.
func (c *Consumer) Dialect() wire.Dialect { return c.opening.Dialect }

// Written is called by the transport when the network has taken what was left of
// a write.
func (c *Consumer) Written() { c.outbox.written() }

// Progressed is called by the transport when the network has taken a part of what
// was left of a write: it is slow, and not stuck.
func (c *Consumer) Progressed() { c.outbox.stuckSince.Store(c.node.wheel.clock.now()) }

// Close ends the connection once all that waits is written.
func (c *Consumer) Close(code CloseCode, reason string) { c.outbox.close(code, reason) }

// Closed is called by the transport once, when the connection has ended. Frames
// with a key run to their end, others are canceled.
func (c *Consumer) Closed(code CloseCode) {
	c.outbox.drop()
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.closed = true
	c.cancelCalls()
	c.failRequests()
	left := c.leaveEverything()
	last := c.lastOne()
	c.mu.Unlock()
	for _, g := range left {
		c.node.hub.Release(g)
	}
	c.node.forget(c, code)
	if last {
		c.node.goodbye(c)
	}
}

// lastOne reports, once, that the connection has ended and nothing of it runs
// any more. The caller holds mu.
func (c *Consumer) lastOne() bool {
	if !c.closed || c.parted || c.jobs > 0 || c.calls != nil {
		return false
	}
	c.parted = true
	return true
}

// newSession returns the name of a connection: 64 random bits.
func newSession() string { return hex.EncodeToString(randomBytes(8)) }

// newSecret returns 128 random bits.
func newSecret() string { return string(randomBytes(secretBytes)) }

// secretBytes is the length of an anonymous client's secret.
const secretBytes = 16

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	return b
}
