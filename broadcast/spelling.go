package broadcast

import (
	"slices"
	"sync"

	"github.com/protoway/protoway/wire"
)

// spelling is a run of publications in the dialects of the members, each of
// which is encoded when the first member needs it.
type spelling struct {
	run   []*delivery
	slow  bool      // some of them do not wait for slow members
	known []spelled // as many as there are dialects in use, which are few
}

// spelled is the publications in one dialect.
type spelled struct {
	dialect wire.Dialect
	bundle  Bundle
	failed  []int // of the run, those that the dialect cannot spell
}

// maxBundle is how many bytes are delivered together: what a client reads in one
// message before it has said more. A larger publication goes alone.
const maxBundle = 32 << 10

// maxKeptBundle is the largest buffer that is used again.
const maxKeptBundle = 64 << 10

var spellings = sync.Pool{New: func() any { return &spelling{} }}

// newSpelling takes as many publications of a run as go together.
func newSpelling(run []*delivery) *spelling {
	s := spellings.Get().(*spelling)
	n, bytes := 0, 0
	for n < len(run) && (n == 0 || bytes+frameSize(run[n].p) <= maxBundle) {
		bytes += frameSize(run[n].p)
		n++
	}
	s.run = run[:n]
	s.slow = slices.ContainsFunc(s.run, func(d *delivery) bool { return d.slow != (Slow{}) })
	return s
}

// frameSize is about how many bytes a publication has as a frame.
func frameSize(p *Publication) int {
	const around = 64
	return len(p.Payload) + len(p.Type) + len(p.Group) + around
}

func (s *spelling) recycle() {
	s.run = nil
	for i := range s.known {
		k := &s.known[i]
		if cap(k.bundle.Data) > maxKeptBundle {
			k.bundle.Data = nil
		}
		clear(k.bundle.Slow)
		k.bundle.Slow = k.bundle.Slow[:0]
		k.dialect, k.bundle.Data, k.bundle.Ends, k.failed = nil, k.bundle.Data[:0], k.bundle.Ends[:0], k.failed[:0]
	}
	s.known = s.known[:0]
	spellings.Put(s)
}

// in returns the publications in a dialect.
func (s *spelling) in(h *Hub, dialect wire.Dialect) *Bundle {
	for i := range s.known {
		if s.known[i].dialect == dialect {
			return &s.known[i].bundle
		}
	}
	if len(s.known) < cap(s.known) {
		s.known = s.known[:len(s.known)+1] // with the memory of an earlier one
	} else {
		s.known = append(s.known, spelled{})
	}
	k := &s.known[len(s.known)-1]
	k.dialect = dialect
	for i, d := range s.run {
		if k.add(h, i, d) && s.slow {
			k.bundle.Slow = append(k.bundle.Slow, d.slow)
		}
	}
	return &k.bundle
}

// add appends a publication, and reports whether the dialect has words for it.
func (k *spelled) add(h *Hub, i int, d *delivery) bool {
	p := d.p
	f := wire.Frame{Kind: wire.KindMessage, Message: wire.Message{
		Type: d.entry.Type, Entry: d.entry, Payload: p.Payload, Group: p.Group, Position: p.Position,
	}}
	begin := len(k.bundle.Data)
	data, err := k.dialect.AppendPublication(k.bundle.Data, h.catalog, &f)
	if err != nil {
		h.logger.Error("publication cannot be encoded", "dialect", k.dialect.Name(), "publication", p.String(), "error", err)
		h.observer.PublicationDropped(p.Type, "encode")
		k.failed = append(k.failed, i)
		return false
	}
	if begin > 0 && len(data) > begin {
		k.bundle.Ends = append(k.bundle.Ends, begin)
	}
	k.bundle.Data = data
	return len(data) > begin
}

// missing returns how many members did not get a publication of the run, since
// their dialect cannot spell it.
func (s *spelling) missing(g *Group, i int) int {
	missing := 0
	for j := range s.known {
		for _, failed := range s.known[j].failed {
			if failed != i {
				continue
			}
			for _, m := range g.members {
				if m.Dialect() == s.known[j].dialect {
					missing++
				}
			}
		}
	}
	return missing
}
