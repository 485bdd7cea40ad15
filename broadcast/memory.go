package broadcast

import (
	"context"
	"sync/atomic"

	"github.com/protoway/protoway/status"
)

// Memory is the broker of a single node. Publications are delivered before
// Publish returns; those of a group in the order in which they came to its hub.
type Memory struct {
	handler Handler // set by Start
	closed  atomic.Bool
}

var _ Broker = (*Memory)(nil)

// NewMemory returns a broker for a single node.
func NewMemory() *Memory { return &Memory{} }

// Start begins to deliver to h.
func (m *Memory) Start(_ context.Context, h Handler) error {
	m.handler = h
	return nil
}

// Subscribe has nothing to do: every publication reaches this node.
func (m *Memory) Subscribe(context.Context, ...string) error { return m.check() }

// Unsubscribe has nothing to do.
func (m *Memory) Unsubscribe(context.Context, ...string) error { return nil }

// Publish delivers p.
func (m *Memory) Publish(_ context.Context, p *Publication) error {
	if err := m.check(); err != nil {
		return err
	}
	m.handler.OnPublication(p)
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
