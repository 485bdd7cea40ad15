package broadcast

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// Member is a connection as a group sees it. Its methods never block.
type Member interface {
	// Session names the connection.
	Session() string
	// Dialect is how its frames are spelled.
	Dialect() wire.Dialect
	// MayReceive reports whether the receive rules of a message let it through now.
	MayReceive(e *wire.Entry, now time.Time) bool
	// Deliver sends encoded frames. The bundle is shared, must not be changed, and is
	// valid during the call.
	Deliver(b *Bundle)
}

// Bundle is encoded frames of a group, in their order.
type Bundle struct {
	// Data is the frames, one behind the other.
	Data []byte
	// Ends says where each of them but the last one ends.
	Ends []int
	// Slow says of each frame what happens to it at a member that is slow. It is empty
	// if all of them wait, which is the default.
	Slow []Slow
}

// Slow is what happens to a publication at a member that is slow.
type Slow struct {
	Policy protowayv1.SlowConsumer_Policy
	// Topic is what the publication is about.
	Topic Topic
}

// Topic is what a publication is about: of those with the same topic, a slow member
// gets the latest if the rule of the message is LATEST.
type Topic struct {
	Group, Type string
	Key         string // the value of the field that the rule names, or its hash
}

// Observer is told what the hub does. Its methods never block.
type Observer interface {
	// Published is called for each publication that was delivered on this node.
	Published(kind string, reached int)
	// PublicationDropped is called for one that could not be delivered.
	PublicationDropped(kind, reason string)
}

// Hub knows the members of all groups on this node.
type Hub struct {
	broker   Broker
	catalog  *wire.Catalog
	observer Observer
	logger   *slog.Logger

	mu     sync.RWMutex
	groups map[string]*Group // guarded by mu, as are its refs and left
}

var _ Handler = (*Hub)(nil)

// NewHub returns a hub on a broker, which it starts.
func NewHub(ctx context.Context, broker Broker, catalog *wire.Catalog, observer Observer, logger *slog.Logger) (*Hub, error) {
	h := &Hub{broker: broker, catalog: catalog, observer: observer, logger: logger, groups: map[string]*Group{}}
	if err := broker.Start(ctx, h); err != nil {
		return nil, err
	}
	return h, nil
}

// Close ends all deliveries.
func (h *Hub) Close(ctx context.Context) error { return h.broker.Close(ctx) }

// Groups returns how many groups have members on this node.
func (h *Hub) Groups() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.groups)
}

// Count returns how many members a group has on this node.
func (h *Hub) Count(group string) int {
	h.mu.RLock()
	g := h.groups[group]
	h.mu.RUnlock()
	if g == nil {
		return 0
	}
	return g.size()
}

// Publish sends a message of server origin to a group and returns how many
// members of this node it reached. It does not check the name: see [CheckGroup].
func (h *Hub) Publish(ctx context.Context, group string, m proto.Message, opts ...PublishOption) (int, error) {
	e, err := h.catalog.Of(m)
	if err != nil {
		return 0, status.Internal.Wrap(err, "internal error")
	}
	if !e.FromServer() {
		return 0, status.Internal.Errorf("message %s has origin CLIENT: the server cannot send it", e.Name())
	}
	payload, err := proto.Marshal(m)
	if err != nil {
		return 0, status.Internal.Wrap(err, "internal error")
	}
	p := &Publication{Group: group, Type: e.Type, Payload: payload, At: time.Now()}
	for _, opt := range opts {
		opt(p)
	}
	if _, keeps := h.broker.(History); !keeps && p.asksHistory() {
		return 0, status.Unimplemented.Errorf("%s asks for history or for a key to be remembered: the broker %T does neither", p, h.broker)
	}
	if err := h.broker.Publish(ctx, p); err != nil {
		return 0, err
	}
	return int(p.reached), nil
}

// OnPublication delivers to the members on this node.
func (h *Hub) OnPublication(p *Publication) {
	e := h.catalog.FromServer(p.Type)
	if e == nil {
		h.drop(p, "unknown_type")
		return
	}
	h.mu.RLock()
	g := h.groups[p.Group]
	h.mu.RUnlock()
	if g != nil {
		p.reached = int32(min(g.publish(h, p, e), math.MaxInt32)) //nolint:gosec // it fits
	}
	h.observer.Published(p.Type, int(p.reached))
}

// OnInterrupted has nothing to recover as long as groups have no history.
func (h *Hub) OnInterrupted(groups []string) {
	h.logger.Warn("publications may have been lost", "groups", len(groups))
}

// drop says that a publication cannot be delivered on this node.
func (h *Hub) drop(p *Publication, reason string) {
	h.observer.PublicationDropped(p.Type, reason)
	h.logger.Error("publication dropped", "publication", p.String(), "reason", reason)
}
