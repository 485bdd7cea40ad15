package broadcast

import (
	"cmp"
	"container/list"
	"slices"
	"time"

	"github.com/protoway/protoway/wire"
)

// chain is publications of one group without a hole between them. It belongs to a
// [shelf], whose owner guards it.
type chain struct {
	group   string
	base    wire.Position // of the predecessor of the first link
	links   []*link
	place   *list.Element // on the shelf
	forget  time.Time     // when nobody needs to know where the group stands
	turn    chan struct{} // taken by who publishes; nil in a ring
	holders int           // who may be waiting for the turn
}

// follows reports whether nothing is missing between a position and p.
func follows(last wire.Position, p *Publication) bool {
	return p.Position.Epoch == last.Epoch && p.Position.Offset > last.Offset &&
		(p.Position.Offset == last.Offset+1 || p.Prev != 0 && p.Prev == last.Offset)
}

// link is one publication of a chain.
type link struct {
	publication Publication
	chain       *chain
	place       *list.Element // on the shelf
	expires     time.Time
}

// What a link and a chain take besides their texts, about.
const (
	linkBytes  = 384
	chainBytes = 512
)

// newLink returns what is kept of a publication.
func newLink(p *Publication, expires time.Time) *link {
	kept := *p
	kept.Retention, kept.Window, kept.more, kept.reached = nil, 0, false, 0
	return &link{publication: kept, expires: expires}
}

func (l *link) size() int {
	p := &l.publication
	return linkBytes + len(p.Payload) + len(p.Type) + len(p.Key) + len(p.Except)
}

func (c *chain) size() int { return chainBytes + len(c.group) }

// top is where the group stands.
func (c *chain) top() wire.Position {
	if n := len(c.links); n > 0 {
		return c.links[n-1].publication.Position
	}
	return c.base
}

// since returns what follows a position.
func (c *chain) since(from wire.Position, most Limit) Range {
	top := c.top()
	r := Range{Top: top}
	switch {
	case from.Epoch != top.Epoch || from.Epoch == "":
		r.Reason = ReasonEpoch
		return r
	case from.Offset > top.Offset:
		r.Reason = ReasonAhead
		return r
	case from.Offset < c.base.Offset:
		r.Reason = ReasonTrimmed
		return r
	}
	next, at := c.find(from.Offset)
	switch {
	case at != from:
		r.Reason = ReasonTag
	case exceeds(c.links[next:], most):
		r.Reason = ReasonTooMany
	default:
		r.Complete = true
		for _, l := range c.links[next:] {
			r.Publications = append(r.Publications, l.publication)
		}
	}
	return r
}

// find returns the first link after an offset, and the position in front of it.
func (c *chain) find(offset uint64) (next int, at wire.Position) {
	next, found := slices.BinarySearchFunc(c.links, offset, func(l *link, offset uint64) int {
		return cmp.Compare(l.publication.Position.Offset, offset)
	})
	if found {
		next++
	}
	if next == 0 {
		return 0, c.base
	}
	return next, c.links[next-1].publication.Position
}

// exceeds reports whether links are more than a recovery may return.
func exceeds(links []*link, most Limit) bool {
	if most.Count > 0 && len(links) > most.Count {
		return true
	}
	if most.Bytes <= 0 {
		return false
	}
	bytes := 0
	for _, l := range links {
		bytes += len(l.publication.Payload)
		if bytes > most.Bytes {
			return true
		}
	}
	return false
}
