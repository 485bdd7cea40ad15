package consumer

import (
	"context"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/broadcast"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// Config is what a node is made of. Every field down to Logger is required.
type Config struct {
	Catalog  *wire.Catalog
	Hub      *broadcast.Hub
	Tickets  *broadcast.Tickets
	Verifier auth.Verifier
	// Store keeps which memberships have ended, so that their tickets are refused.
	Store    auth.Store
	Observer Observer
	Logger   *slog.Logger
	Limits   Limits
	Pools    Pools
	// Users are asked every Recheck whether who is connected still may be signed in,
	// and with what rights. Optional; 0 is never.
	Users   auth.Users
	Recheck time.Duration
	// Revocations end users at once. Optional; the verifier refuses what they cover.
	Revocations *auth.Revocations
	// Forward writes what a client is told about an error of a receiver that was
	// not made with package status. Optional; by default it is told nothing.
	Forward func(err error) string
	// MinAPIVersion is the oldest version of a client that is not told to upgrade.
	MinAPIVersion int32
}

// Node is what all consumers of a process share.
type Node struct {
	catalog    *wire.Catalog
	hub        *broadcast.Hub
	tickets    *broadcast.Tickets
	verifier   auth.Verifier
	store      auth.Store
	observer   Observer
	logger     *slog.Logger
	limits     Limits
	started    time.Time
	frameRate  rate // of one connection
	byteRate   rate
	schemaHash string
	forward    func(err error) string // nil: clients learn nothing

	minAPIVersion int32

	sync      *workers
	async     *workers
	dedupe    *dedupe
	wheel     *wheel
	policies  sync.Map // *wire.Entry to *auth.Policy of its receivers
	limiters  sync.Map // *wire.Entry to *limiter of its senders
	admission *admission
	recheck   *recheck
	revoked   revocations
	draining  atomic.Bool
	delayed   atomic.Int64   // frames that are to be acked after a delay
	parting   sync.WaitGroup // what runs for no frame: Disconnected, and the end of users

	mu        sync.Mutex // guards what follows
	consumers map[*Consumer]struct{}
	users     map[string]int // connections of each signed-in user
	leaving   bool           // Disconnect was called
}

// NewNode starts a node. It is ended by Close.
func NewNode(config Config) *Node {
	limits, pools := config.Limits.WithDefaults(), config.Pools.WithDefaults()
	n := &Node{
		catalog: config.Catalog, hub: config.Hub, tickets: config.Tickets, verifier: config.Verifier,
		store: config.Store, observer: config.Observer, logger: config.Logger, limits: limits,
		schemaHash: config.Catalog.Hash(), forward: config.Forward, minAPIVersion: config.MinAPIVersion,
		sync:      newWorkers(pools.SyncWorkers, pools.SyncQueue),
		async:     newWorkers(pools.AsyncWorkers, pools.AsyncQueue),
		dedupe:    newDedupe(limits),
		consumers: map[*Consumer]struct{}{},
		users:     map[string]int{},
		started:   time.Now(),
		frameRate: perSecond(limits.FramesPerSecond, limits.FrameBurst),
		byteRate:  perSecond(limits.BytesPerSecond, limits.ByteBurst),
		admission: newAdmission(limits),
		recheck:   newRecheck(config.Users, config.Recheck),
	}
	n.wheel = startWheel(n.sync.watch)
	n.watchRevocations(config.Revocations)
	return n
}

// Limits returns the limits in force.
func (n *Node) Limits() Limits { return n.limits }

// sinceStart is the clock of buckets, which nobody sets back.
func (n *Node) sinceStart() time.Duration { return time.Since(n.started) }

// Open starts a consumer on a connection.
func (n *Node) Open(conn Conn, opening Opening) *Consumer {
	c := newConsumer(n, conn, opening)
	n.mu.Lock()
	n.consumers[c] = struct{}{}
	leaving := n.leaving
	n.mu.Unlock()
	if leaving {
		c.outbox.close(CloseGoingAway, leavingText)
	}
	n.observer.Opened(opening.Path.Name, opening.Dialect.Name())
	if !opening.Dialect.Handshake() {
		c.begin()
	}
	n.wheel.add(spoke{c: c}, min(n.limits.HandshakeTimeout, wheelTick))
	return c
}

// forget takes a consumer that has ended off the node.
func (n *Node) forget(c *Consumer, code CloseCode) {
	n.mu.Lock()
	delete(n.consumers, c)
	n.mu.Unlock()
	n.dropUser(c.identity.Load().user)
	n.observer.Closed(c.opening.Path.Name, c.opening.Dialect.Name(), code)
}

// goodbye calls the Disconnected methods of a consumer nothing of which runs
// any more, of those receivers that were told that it was there.
func (n *Node) goodbye(c *Consumer) {
	c.mu.Lock()
	met := slices.DeleteFunc(slices.Clone(c.lives[:c.met]), func(l Lifecycle) bool { return l.Disconnected == nil })
	c.mu.Unlock()
	if len(met) == 0 {
		return
	}
	n.later(func() {
		for _, life := range met {
			_ = c.lifecycle("Disconnected", func(ctx context.Context) error {
				life.Disconnected(ctx)
				return nil
			})
		}
	})
}

// later runs what belongs to no frame. Close waits for it.
func (n *Node) later(work func()) {
	n.parting.Go(func() {
		defer func() {
			if reason := recover(); reason != nil {
				n.observer.Panicked("server")
				n.logger.Error("a part of the server panicked", "panic", reason, "stack", string(debug.Stack()))
			}
		}()
		work()
	})
}

// Stats returns the state of the node.
func (n *Node) Stats() Stats {
	var s Stats
	s.SyncRunning, s.SyncQueued = n.sync.stats()
	s.AsyncRunning, s.AsyncQueued = n.async.stats()
	s.AsyncQueued += int(n.delayed.Load())
	s.DedupeEntries = n.dedupe.len()
	s.Draining = n.draining.Load()
	n.mu.Lock()
	defer n.mu.Unlock()
	s.Connections, s.Users = len(n.consumers), len(n.users)
	for _, connections := range n.users {
		s.Authenticated += connections
	}
	return s
}

// Drain acks new frames Unavailable and asks all clients to reconnect elsewhere
// within spread. Handlers that run go on.
func (n *Node) Drain(spread time.Duration) {
	if !n.draining.CompareAndSwap(false, true) {
		return
	}
	goaway := &protowayv1.Goaway{SpreadMs: uint32(spread.Milliseconds()), Reason: leavingText} //nolint:gosec // a spread is short
	for _, c := range n.all() {
		_ = c.send(&wire.Frame{Kind: wire.KindGoaway, Control: goaway})
	}
}

// Draining reports whether Drain was called.
func (n *Node) Draining() bool { return n.draining.Load() }

// leavingText is the reason of closes at shutdown.
const leavingText = "the server is shutting down"

// Disconnect closes all connections with code 1001, and those that still come.
func (n *Node) Disconnect() {
	n.mu.Lock()
	n.leaving = true
	n.mu.Unlock()
	for _, c := range n.all() {
		c.outbox.close(CloseGoingAway, leavingText)
	}
}

// Close waits for all handlers and ends the node. Its connections must have
// ended before.
func (n *Node) Close() {
	n.revoked.stop()
	n.recheck.stop()
	n.sync.close()
	n.async.close()
	n.parting.Wait()
	n.wheel.stop()
}

func (n *Node) all() []*Consumer {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := make([]*Consumer, 0, len(n.consumers))
	for c := range n.consumers {
		all = append(all, c)
	}
	return all
}

// receivePolicy returns who may receive a message.
func (n *Node) receivePolicy(e *wire.Entry) *auth.Policy {
	if known, ok := n.policies.Load(e); ok {
		return known.(*auth.Policy)
	}
	policy := auth.Receiving(e.Rules)
	known, _ := n.policies.LoadOrStore(e, &policy)
	return known.(*auth.Policy)
}

// outgoing checks a message that the server is to send.
func (n *Node) outgoing(m any) (proto.Message, *wire.Entry, error) {
	value, err := wire.ProtoOf(m)
	if err != nil {
		return nil, nil, status.Mask(err)
	}
	e, err := n.catalog.Of(value)
	if err != nil {
		return nil, nil, status.Mask(err)
	}
	if !e.FromServer() {
		return nil, nil, status.Internal.Errorf("message %s has origin CLIENT: the server cannot send it", e.Name())
	}
	return value, e, nil
}

// serialized returns a reply that can be kept: the handler may change its value
// later.
func (n *Node) serialized(reply proto.Message) (wire.Message, *status.Error) {
	e, err := n.catalog.Of(reply)
	if err != nil {
		return wire.Message{}, status.From(err)
	}
	payload, err := proto.Marshal(reply)
	if err != nil {
		return wire.Message{}, status.Internal.Wrap(err, "the answer cannot be encoded")
	}
	return wire.Message{Type: e.Type, Entry: e, Payload: payload}, nil
}
