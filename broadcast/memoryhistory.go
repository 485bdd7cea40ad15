package broadcast

import (
	"context"
	"crypto/rand"
	mrand "math/rand/v2"
	"sync"
	"time"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// rememberGroups is for how long at least the memory broker knows where a silent
// group stands, if there is room.
const rememberGroups = 24 * time.Hour

// memoryHistory is the histories and keys of a [Memory].
type memoryHistory struct {
	config MemoryConfig

	mu    sync.Mutex // guards what follows, and the chains but for their turns
	shelf *shelf
	keys  *keys
	// epoch is that of all groups without a chain, which stand at offset 0. A new one
	// begins when a chain is forgotten: that group must not begin again in the same.
	epoch string
}

func newMemoryHistory(config MemoryConfig) *memoryHistory {
	h := &memoryHistory{config: config, keys: newKeys(config.Keys), epoch: rand.Text()}
	h.shelf = newShelf(config.HistoryBytes, func(c *chain) {
		if c.base != (wire.Position{Epoch: h.epoch}) {
			h.epoch = rand.Text()
		}
	})
	return h
}

// check says whether p can be published.
func (h *memoryHistory) check(p *Publication) error {
	if err := p.CheckAsked(); err != nil {
		return err
	}
	if most := h.config.HistoryBytes / 4; p.Retention != nil && len(p.Payload) > most {
		return status.ResourceExhausted.Errorf("%s has %d bytes, at most %d are kept", p, len(p.Payload), most)
	}
	return nil
}

// take waits for the turn to publish to a group. It must be released.
func (h *memoryHistory) take(ctx context.Context, group string) (*chain, error) {
	h.mu.Lock()
	c := h.shelf.chains[group]
	if c == nil {
		c = &chain{group: group, base: wire.Position{Epoch: h.epoch}, turn: make(chan struct{}, 1)}
		h.shelf.add(c)
	}
	c.holders++
	h.mu.Unlock()
	select {
	case c.turn <- struct{}{}:
		return c, nil
	case <-ctx.Done():
		h.mu.Lock()
		c.holders--
		h.mu.Unlock()
		return nil, ctx.Err()
	}
}

func (h *memoryHistory) release(c *chain) {
	<-c.turn
	h.mu.Lock()
	c.holders--
	h.mu.Unlock()
}

// claim remembers the key of a publication that is not kept, and reports whether it is
// the first.
func (h *memoryHistory) claim(p *Publication) (fresh bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.config.Clock()
	if h.keys.known(p, now) {
		return false, nil
	}
	return true, h.keys.remember(p, now)
}

// store gives p its position and keeps it, unless its key is known.
func (h *memoryHistory) store(c *chain, p *Publication) (fresh bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.config.Clock()
	if h.keys.known(p, now) {
		return false, nil
	}
	top := c.top()
	p.Prev = top.Offset
	p.Position = wire.Position{Epoch: top.Epoch, Offset: top.Offset + 1, Tag: mrand.Uint32()} //nolint:gosec // it tells publications apart, it is no secret
	if err := h.keys.remember(p, now); err != nil {
		p.Prev, p.Position = 0, wire.Position{}
		return false, err
	}
	h.shelf.sweep(now)
	h.shelf.extend(c, newLink(p, now.Add(p.Retention.TTL)))
	h.shelf.expire(c, now)
	for len(c.links) > p.Retention.Size {
		h.shelf.trim(c)
	}
	c.forget = now.Add(max(rememberGroups, p.Retention.TTL))
	return true, nil
}

// tops returns where groups stand.
func (h *memoryHistory) tops(groups []string) []wire.Position {
	h.mu.Lock()
	defer h.mu.Unlock()
	tops := make([]wire.Position, len(groups))
	for i, group := range groups {
		tops[i] = wire.Position{Epoch: h.epoch}
		if c := h.shelf.chains[group]; c != nil {
			tops[i] = c.top()
		}
	}
	return tops
}

// since returns what a group published after a position.
func (h *memoryHistory) since(group string, from wire.Position, most Limit) Range {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.shelf.chains[group]
	if c == nil {
		c = &chain{base: wire.Position{Epoch: h.epoch}}
	}
	h.shelf.expire(c, h.config.Clock())
	return c.since(from, most)
}

// drop begins a new epoch of a group.
func (h *memoryHistory) drop(c *chain) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.shelf.clear(c)
	c.base = wire.Position{Epoch: rand.Text()}
	c.forget = h.config.Clock().Add(rememberGroups)
}
