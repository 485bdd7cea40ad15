package broadcast

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Group is the members of one group on this node. It exists while somebody
// holds it: [Hub.Acquire] and [Hub.Release].
type Group struct {
	name  string
	ready chan struct{} // closed once subscribed, or err says why not
	err   error         // set before ready is closed
	refs  int           // guarded by Hub.mu: who acquired and did not release
	left  chan struct{} // guarded by Hub.mu: not nil while unsubscribing; closed after it

	turns turns

	count atomic.Int64 // of members, for who must not wait for a delivery

	mu      sync.Mutex // guards what follows; delivering holds it, so order is kept
	members []Member
	places  map[Member]int // where in members each one stands; nil while there are few
}

// Name returns the name of the group.
func (g *Group) Name() string { return g.name }

// Acquire returns the group, subscribed at the broker. It must be released.
func (h *Hub) Acquire(ctx context.Context, name string) (*Group, error) {
	for {
		h.mu.Lock()
		g := h.groups[name]
		if g == nil {
			g = &Group{name: name, ready: make(chan struct{}), refs: 1}
			h.groups[name] = g
			h.mu.Unlock()
			return h.subscribe(ctx, g)
		}
		left := g.left
		if left == nil {
			g.refs++
		}
		h.mu.Unlock()
		if left == nil {
			return h.await(ctx, g)
		}
		select { // the last member has just left: the broker must forget it first
		case <-left:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// subscribeTimeout bounds how long a broker may take to subscribe.
const subscribeTimeout = 10 * time.Second

// subscribe is what the first to acquire a group does for all.
func (h *Hub) subscribe(ctx context.Context, g *Group) (*Group, error) {
	// Others wait for this too, so it does not end with who asked first.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), subscribeTimeout)
	defer cancel()
	g.err = h.broker.Subscribe(ctx, g.name)
	close(g.ready)
	if g.err != nil {
		h.Release(g)
		return nil, g.err
	}
	return g, nil
}

func (h *Hub) await(ctx context.Context, g *Group) (*Group, error) {
	select {
	case <-g.ready:
	case <-ctx.Done():
		h.Release(g)
		return nil, ctx.Err()
	}
	if g.err != nil {
		h.Release(g)
		return nil, g.err
	}
	return g, nil
}

// Release gives back what Acquire returned. The last one unsubscribes.
func (h *Hub) Release(g *Group) {
	h.mu.Lock()
	g.refs--
	if g.refs > 0 {
		h.mu.Unlock()
		return
	}
	left := make(chan struct{})
	g.left = left
	h.mu.Unlock()

	if g.err == nil {
		// The broker bounds how long this takes; there is no caller to wait for it.
		if err := h.broker.Unsubscribe(context.Background(), g.name); err != nil {
			h.logger.Warn("unsubscribe failed", "group", g.name, "error", err)
		}
	}
	h.mu.Lock()
	delete(h.groups, g.name)
	h.mu.Unlock()
	close(left)
}

// fewMembers is how many are looked for one by one: most groups are those of one
// user, and a map would be most of their memory.
const fewMembers = 8

// place returns where a member stands; -1 for nowhere. The caller holds mu.
func (g *Group) place(m Member) int {
	if g.places == nil {
		return slices.Index(g.members, m)
	}
	if place, ok := g.places[m]; ok {
		return place
	}
	return -1
}

// Add makes m a member and reports whether it was not one before. announce is
// called first, while nothing is delivered: what it queues precedes the group's
// first publication.
func (g *Group) Add(m Member, announce func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.place(m) >= 0 {
		return false
	}
	if announce != nil {
		announce()
	}
	g.members = append(g.members, m)
	if last := len(g.members) - 1; g.places != nil {
		g.places[m] = last
	} else if last >= fewMembers {
		g.places = make(map[Member]int, 2*fewMembers)
		for i, m := range g.members {
			g.places[m] = i
		}
	}
	g.count.Store(int64(len(g.members)))
	return true
}

// Remove ends the membership of m and reports whether it was one. announce is
// called last, while nothing is delivered: nothing of the group follows it.
func (g *Group) Remove(m Member, announce func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	place := g.place(m)
	if place < 0 {
		return false
	}
	last := len(g.members) - 1
	moved := g.members[last]
	g.members[place] = moved
	if g.places != nil {
		g.places[moved] = place
	}
	g.members[last] = nil
	g.members = g.members[:last]
	g.count.Store(int64(last))
	delete(g.places, m)
	if announce != nil {
		announce()
	}
	return true
}

func (g *Group) size() int { return int(g.count.Load()) }
