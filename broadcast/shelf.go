package broadcast

import (
	"container/list"
	"time"
)

// shelf keeps chains under a budget of bytes: what is oldest goes first, whichever
// group it belongs to. Its owner guards it with a mutex.
type shelf struct {
	budget int
	bytes  int
	chains map[string]*chain
	// Links and chains, the oldest first. A chain stands behind its links, so it goes
	// after them.
	ages *list.List
	hand *list.Element // where the next sweep begins; nil: with the oldest
	// forgot is called when a chain is gone.
	forgot func(c *chain)
}

func newShelf(budget int, forgot func(*chain)) *shelf {
	return &shelf{budget: budget, chains: map[string]*chain{}, ages: list.New(), forgot: forgot}
}

// add puts an empty chain on the shelf.
func (s *shelf) add(c *chain) {
	s.chains[c.group] = c
	s.bytes += c.size()
	c.place = s.ages.PushBack(c)
}

// extend adds a publication to a chain and makes room for it.
func (s *shelf) extend(c *chain, l *link) {
	l.chain = c
	c.links = append(c.links, l)
	s.bytes += l.size()
	l.place = s.ages.PushBack(l)
	s.step(c.place)
	s.ages.MoveToBack(c.place)
	s.makeRoom(c)
}

// makeRoom removes what is oldest while there is too much, but not the chain c itself,
// nor chains that somebody holds.
func (s *shelf) makeRoom(c *chain) {
	for e := s.ages.Front(); e != nil && s.bytes > s.budget; {
		next := e.Next()
		switch item := e.Value.(type) {
		case *link:
			s.trim(item.chain)
		case *chain:
			if item != c && item.holders == 0 && len(item.links) == 0 {
				s.remove(item)
			}
		}
		e = next
	}
}

// trim removes the first link of a chain.
func (s *shelf) trim(c *chain) {
	l := c.links[0]
	c.links[0] = nil
	c.links = c.links[1:]
	c.base = l.publication.Position
	s.bytes -= l.size()
	s.step(l.place)
	s.ages.Remove(l.place)
}

// expire removes the links of a chain whose time is over.
func (s *shelf) expire(c *chain, now time.Time) {
	for len(c.links) > 0 && !now.Before(c.links[0].expires) {
		s.trim(c)
	}
}

// clear removes all links of a chain.
func (s *shelf) clear(c *chain) {
	for len(c.links) > 0 {
		s.trim(c)
	}
}

// remove removes a chain with its links.
func (s *shelf) remove(c *chain) {
	s.clear(c)
	delete(s.chains, c.group)
	s.bytes -= c.size()
	s.step(c.place)
	s.ages.Remove(c.place)
	if s.forgot != nil {
		s.forgot(c)
	}
}

// step moves the hand away from an element that is about to be elsewhere.
func (s *shelf) step(e *list.Element) {
	if s.hand == e {
		s.hand = e.Next()
	}
}

// sweep looks at a few of all links and chains, and removes those whose time is over.
// Each that is added pays for several, so all are looked at again and again.
func (s *shelf) sweep(now time.Time) {
	const few = 4
	for range few {
		if s.hand == nil {
			s.hand = s.ages.Front()
		}
		e := s.hand
		if e == nil {
			return
		}
		s.hand = e.Next()
		switch item := e.Value.(type) {
		case *link:
			s.expire(item.chain, now)
		case *chain:
			if item.holders == 0 && len(item.links) == 0 && !now.Before(item.forget) {
				s.remove(item)
			}
		}
	}
}
