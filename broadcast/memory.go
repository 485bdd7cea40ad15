package broadcast

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// The bounds of a [Memory] if a [MemoryConfig] states none.
const (
	DefaultHistoryBytes = 64 << 20
	DefaultKeys         = 100_000
)

// MemoryConfig bounds what a [Memory] keeps. The zero value is fine.
type MemoryConfig struct {
	// HistoryBytes is about how much memory the histories of all groups take. Past it,
	// what is oldest is forgotten, of whichever group. A publication of more than a
	// quarter of it is refused with status.ResourceExhausted if it is to be kept.
	// Default: [DefaultHistoryBytes].
	HistoryBytes int
	// Keys is how many keys are remembered. Past it, publications with a window are
	// refused with status.ResourceExhausted; none is forgotten before its time.
	// Default: [DefaultKeys].
	Keys int
	// Clock says what time it is. Default: time.Now.
	Clock func() time.Time
}

// Memory is the broker of a single node. Publications are delivered before
// Publish returns; those of a group in the order in which they came to its hub, and
// those that are kept one at a time. Histories end with the process.
type Memory struct {
	handler Handler // set by Start
	closed  atomic.Bool
	history *memoryHistory
}

var (
	_ Broker  = (*Memory)(nil)
	_ History = (*Memory)(nil)
)

// NewMemory returns a broker for a single node, with the default bounds.
func NewMemory() *Memory { return NewMemoryWith(MemoryConfig{}) }

// NewMemoryWith returns a broker for a single node.
func NewMemoryWith(config MemoryConfig) *Memory {
	if config.HistoryBytes <= 0 {
		config.HistoryBytes = DefaultHistoryBytes
	}
	if config.Keys <= 0 {
		config.Keys = DefaultKeys
	}
	if config.Clock == nil {
		config.Clock = time.Now
	}
	return &Memory{history: newMemoryHistory(config)}
}

// Start begins to deliver to h.
func (m *Memory) Start(_ context.Context, h Handler) error {
	m.handler = h
	return nil
}

// Subscribe has nothing to do: every publication reaches this node.
func (m *Memory) Subscribe(context.Context, ...string) error { return m.check() }

// Unsubscribe has nothing to do.
func (m *Memory) Unsubscribe(context.Context, ...string) error { return nil }

// Publish delivers p. Its context bounds how long it waits for who publishes to the
// group already.
func (m *Memory) Publish(ctx context.Context, p *Publication) error {
	if err := m.check(); err != nil {
		return err
	}
	if p.asksHistory() {
		return m.publishAsked(ctx, p)
	}
	m.handler.OnPublication(p)
	return nil
}

// publishAsked delivers a publication that asks for history or for its key to be
// remembered.
func (m *Memory) publishAsked(ctx context.Context, p *Publication) error {
	if err := m.history.check(p); err != nil {
		return err
	}
	if p.Retention == nil {
		fresh, err := m.history.claim(p)
		if err == nil && fresh {
			m.handler.OnPublication(p)
		}
		return err
	}
	// What is stored while somebody delivers has to be delivered after it, so who has
	// the turn does both.
	c, err := m.history.take(ctx, p.Group)
	if err != nil {
		return err
	}
	defer m.history.release(c)
	fresh, err := m.history.store(c, p)
	if err == nil && fresh {
		m.handler.OnPublication(p)
	}
	return err
}

// Top implements [History].
func (m *Memory) Top(_ context.Context, groups ...string) ([]wire.Position, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	return m.history.tops(groups), nil
}

// Since implements [History].
func (m *Memory) Since(_ context.Context, group string, from wire.Position, most Limit) (Range, error) {
	if err := m.check(); err != nil {
		return Range{}, err
	}
	return m.history.since(group, from, most), nil
}

// Drop implements [History].
func (m *Memory) Drop(ctx context.Context, group string) error {
	if err := m.check(); err != nil {
		return err
	}
	c, err := m.history.take(ctx, group)
	if err != nil {
		return err
	}
	defer m.history.release(c)
	m.history.drop(c)
	m.handler.OnInterrupted([]string{group})
	return nil
}

// Close ends all deliveries.
func (m *Memory) Close(context.Context) error {
	m.closed.Store(true)
	return nil
}

func (m *Memory) check() error {
	if m.closed.Load() {
		return status.Unavailable.Errorf("the broker is closed")
	}
	return nil
}
