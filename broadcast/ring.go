package broadcast

import (
	"sync"
	"time"

	"github.com/protoway/protoway/wire"
)

// Ring keeps the latest publications of the groups of a node under a budget of bytes,
// so that most members who come back are served without asking the broker. It is fed
// with what a [Sequencer] delivers, in that order.
type Ring struct {
	mu    sync.Mutex // guards what follows
	shelf *shelf
}

// NewRing returns an empty ring. Past its budget it forgets what is oldest, of
// whichever group.
func NewRing(budget int) *Ring { return &Ring{shelf: newShelf(budget, nil)} }

// Begin says that what is added to the group next follows a position. What the ring
// had of the group is forgotten, as it must be after an interruption.
func (r *Ring) Begin(group string, at wire.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.shelf.chains[group]
	if c == nil {
		c = &chain{group: group}
		r.shelf.add(c)
	}
	r.shelf.clear(c)
	c.base = at
	r.shelf.makeRoom(c)
}

// Add adds a publication that follows what was added before. One without a position
// is not kept; one that does not follow, or a group that did not begin, begins with it.
func (r *Ring) Add(p *Publication) {
	if p.Position == (wire.Position{}) {
		return
	}
	r.mu.Lock()
	c := r.shelf.chains[p.Group]
	follows := c != nil && follows(c.top(), p)
	if follows {
		r.shelf.extend(c, newLink(p, time.Time{}))
	}
	r.mu.Unlock()
	if !follows {
		r.Begin(p.Group, p.Position)
	}
}

// Forget forgets a group, as when the node leaves it.
func (r *Ring) Forget(group string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.shelf.chains[group]; c != nil {
		r.shelf.remove(c)
	}
}

// Since answers as [History].Since would have when the latest publication was added,
// and reports whether it can: the position is one that the ring knows, and it has all
// that follows. If not, the history has to be asked.
func (r *Ring) Since(group string, from wire.Position, most Limit) (Range, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.shelf.chains[group]
	if c == nil {
		return Range{}, false
	}
	answer := c.since(from, most)
	if !answer.Complete && answer.Reason != ReasonTooMany {
		return Range{}, false
	}
	return answer, true
}
