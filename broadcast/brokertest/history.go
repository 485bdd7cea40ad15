package brokertest

import (
	"fmt"
	"slices"
	"time"

	"github.com/protoway/protoway/broadcast"
	"github.com/protoway/protoway/wire"
)

// numbers returns the payloads of [scene.fill] from one on.
func numbers(from, to int) (all []string) {
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprint(i))
	}
	return all
}

func sinceExact(s *scene) {
	group := s.group("exact")
	nodes := s.nodes(group)
	at := s.fill(nodes[0], group, 50)
	for _, n := range nodes {
		for i, from := range at {
			s.complete(n, group, from, numbers(i, 50)...)
		}
	}
	tops, err := nodes[0].Top(s.Context(), s.group("never"), group, s.group("never"))
	if err != nil || len(tops) != 3 || tops[1] != at[50] || tops[0] != tops[2] || tops[0].Offset != 0 {
		s.Errorf("tops %v, %v; want %v in between", tops, err, at[50])
	}
	s.complete(nodes[0], s.group("never"), tops[0])
	s.publish(nodes[0], s.group("never"), "now", kept)
	s.complete(nodes[0], s.group("never"), tops[0], "now")
}

func trimmedBySize(s *scene) {
	group := s.group("size")
	n := s.one(group)
	at := s.fill(n, group, 30, broadcast.Keep(broadcast.Retention{Size: 10, TTL: time.Hour}))
	for _, from := range []int{20, 25, 30} {
		s.complete(n, group, at[from], numbers(from, 30)...)
	}
	for _, from := range []int{0, 1, 10} {
		s.incomplete(s.since(n, group, at[from], broadcast.Limit{}), broadcast.ReasonTrimmed, at[30])
	}
}

func trimmedByTTL(s *scene) {
	group := s.group("ttl")
	n := s.one(group)
	short := broadcast.Keep(broadcast.Retention{Size: 100, TTL: 2 * time.Second})
	at := s.fill(n, group, 3, short)
	s.complete(n, group, at[1], numbers(1, 3)...)
	s.Pass(4 * time.Second)
	s.incomplete(s.since(n, group, at[1], broadcast.Limit{}), broadcast.ReasonTrimmed, at[3])
	top := s.publish(n, group, "later", short).Position
	s.incomplete(s.since(n, group, at[1], broadcast.Limit{}), broadcast.ReasonTrimmed, top)
}

func idlePastTTL(s *scene) {
	group := s.group("idle")
	n := s.one(group)
	short := broadcast.Keep(broadcast.Retention{Size: 100, TTL: 2 * time.Second})
	at := s.fill(n, group, 3, short)
	s.Pass(4 * time.Second)
	s.complete(n, group, at[3])
	if top := s.top(n, group); top != at[3] {
		s.Errorf("the group stood at %v and stands at %v", at[3], top)
	}
	p := s.publish(n, group, "later", short)
	if p.Prev != at[3].Offset {
		s.Errorf("the predecessor of %v is %d, not %d", p.Position, p.Prev, at[3].Offset)
	}
	s.complete(n, group, at[3], "later")
}

func ahead(s *scene) {
	group := s.group("ahead")
	n := s.one(group)
	at := s.fill(n, group, 3)
	for _, by := range []uint64{1, 100, 1 << 62} {
		from := at[3]
		from.Offset += by
		s.incomplete(s.since(n, group, from, broadcast.Limit{}), broadcast.ReasonAhead, at[3])
	}
}

func wrongEpoch(s *scene) {
	group := s.group("epoch")
	n := s.one(group)
	at := s.fill(n, group, 3)
	for _, epoch := range []string{"", "other", at[2].Epoch + "x"} {
		from := at[2]
		from.Epoch = epoch
		s.incomplete(s.since(n, group, from, broadcast.Limit{}), broadcast.ReasonEpoch, at[3])
	}
	s.incomplete(s.since(n, group, wire.Position{}, broadcast.Limit{}), broadcast.ReasonEpoch, at[3])
}

func tagMismatch(s *scene) {
	group := s.group("tag")
	n := s.one(group)
	at := s.fill(n, group, 5)
	for _, from := range at[1:] {
		from.Tag++
		s.incomplete(s.since(n, group, from, broadcast.Limit{}), broadcast.ReasonTag, at[5])
	}
}

func tooMany(s *scene) {
	group := s.group("many")
	n := s.one(group)
	at := s.fill(n, group, 10) // of one byte each
	for _, most := range []broadcast.Limit{{Count: 5}, {Bytes: 5}, {Count: 5, Bytes: 100}, {Count: 100, Bytes: 5}} {
		if r := s.since(n, group, at[5], most); !r.Complete || len(r.Publications) != 5 {
			s.Errorf("%+v: just as many: %+v", most, r)
		}
		s.incomplete(s.since(n, group, at[4], most), broadcast.ReasonTooMany, at[10])
	}
}

func dropTells(s *scene) {
	group := s.group("drop")
	nodes := s.nodes(group)
	at := s.fill(nodes[0], group, 5)
	s.check(nodes[len(nodes)-1].Drop(s.Context(), group))
	for _, n := range nodes {
		s.until(n, "the drop is told", func() bool { return n.told(group) })
	}
	n := nodes[0]
	top := s.top(n, group)
	if top.Epoch == at[5].Epoch {
		s.Errorf("the epoch is still %q", top.Epoch)
	}
	for _, from := range at {
		s.incomplete(s.since(n, group, from, broadcast.Limit{}), broadcast.ReasonEpoch, top)
	}
	s.complete(n, group, top)
	next := s.publish(n, group, "next", kept)
	if next.Position.Epoch != top.Epoch {
		s.Errorf("%v follows %v", next.Position, top)
	}
	s.complete(n, group, top, "next")
	epochs := []string{at[0].Epoch, top.Epoch}
	for range 3 {
		s.check(n.Drop(s.Context(), group))
		if epoch := s.top(n, group).Epoch; slices.Contains(epochs, epoch) {
			s.Errorf("epoch %q comes again", epoch)
		} else {
			epochs = append(epochs, epoch)
		}
	}
}
