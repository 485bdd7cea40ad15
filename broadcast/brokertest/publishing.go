package brokertest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/protoway/protoway/broadcast"
)

func publishReachesAll(s *scene) {
	group := s.group("all")
	nodes := s.nodes(group)
	var want []string
	for i, n := range nodes {
		for _, opts := range [][]broadcast.PublishOption{{kept}, nil} {
			payload := fmt.Sprint("from ", i, " kept ", len(opts))
			p := s.publish(n, group, payload, opts...)
			if has := p.Position.Offset > 0; has != (len(opts) > 0) {
				s.Errorf("position %v of one that is kept: %v", p.Position, len(opts) > 0)
			}
			want = append(want, payload)
			for _, n := range nodes {
				s.receives(n, group, want...)
			}
		}
	}
}

func equalOrder(s *scene) {
	const publishers, each = 8, 100
	group := s.group("order")
	nodes := s.nodes(group)
	start := s.top(nodes[0], group)
	var all sync.WaitGroup
	for i := range publishers {
		all.Go(func() {
			for j := range each {
				p := publication(group, fmt.Sprint(i, " ", j), kept)
				if err := nodes[i%len(nodes)].Publish(s.Context(), p); err != nil {
					s.Error(err)
				}
			}
		})
	}
	all.Wait()
	r := s.since(nodes[0], group, start, broadcast.Limit{})
	want := payloadsOf(r.Publications)
	if len(want) != publishers*each {
		s.Fatalf("%d publications are kept", len(want))
	}
	for _, n := range nodes {
		s.receives(n, group, want...)
	}
}

func exactChain(s *scene) {
	group := s.group("chain")
	n := s.one(group, s.group("other"))
	last := s.top(n, group)
	tags := map[uint32]bool{}
	for i := range 100 {
		s.publish(n, s.group("other"), "in between", kept)
		s.publish(n, group, "not kept")
		p := s.publish(n, group, fmt.Sprint(i), kept)
		if p.Position.Epoch != last.Epoch || p.Position.Offset <= last.Offset || p.Prev != last.Offset {
			s.Fatalf("%v with predecessor %d follows %v", p.Position, p.Prev, last)
		}
		last = p.Position
		tags[last.Tag] = true
	}
	if len(tags) < 99 {
		s.Errorf("%d tags for 100 publications", len(tags))
	}
	s.until(n, "all come", func() bool { return len(n.of(group)) == 200 })
	var prev uint64
	for _, p := range n.of(group) {
		if p.Position.Offset == 0 {
			continue
		}
		if p.Prev != prev {
			s.Fatalf("%d follows %d, and says %d", p.Position.Offset, prev, p.Prev)
		}
		prev = p.Position.Offset
	}
}

func seenAfterSubscribe(s *scene) {
	n, publisher := s.one(), s.nodeBesides()
	if publisher == nil {
		publisher = n
	}
	for i := range 200 {
		group := s.group(fmt.Sprint(i))
		s.subscribe(n, group)
		s.publish(publisher, group, "first")
		s.receives(n, group, "first")
	}
}

// nodeBesides returns another node; nil if there can be only one.
func (s *scene) nodeBesides() *node {
	s.Helper()
	if s.want == 1 {
		return nil
	}
	return s.one()
}

func resubscribe(s *scene) {
	group := s.group("resubscribed")
	n := s.one(group)
	var want []string
	for i := range 20 {
		s.check(n.Unsubscribe(s.Context(), group))
		s.subscribe(n, group)
		want = append(want, fmt.Sprint(i))
		s.publish(n, group, want[i], kept)
		s.receives(n, group, want...)
	}
	if s.takesAll {
		return
	}
	s.check(n.Unsubscribe(s.Context(), group))
	late := time.Now().Add(patience)
	for count := -1; count != len(n.of(group)); { // brokers may absorb churn for a while
		if time.Now().After(late) {
			s.Fatal("publications come after unsubscribe")
		}
		count = len(n.of(group))
		s.publish(n, group, "after", kept)
		s.Pass(2 * time.Second)
	}
}

func sameKey(s *scene) {
	group := s.group("key")
	n := s.one(group)
	for _, keeps := range []bool{true, false} {
		key := fmt.Sprint("kept ", keeps)
		opts := []broadcast.PublishOption{broadcast.Once(key, time.Minute)}
		if keeps {
			opts = append(opts, kept)
		}
		first := s.publish(n, group, key, opts...)
		if first.Duplicate || keeps != (first.Position.Offset > 0) {
			s.Errorf("the first: duplicate %v, position %v", first.Duplicate, first.Position)
		}
		s.publish(n, group, "after "+key, kept)
		again := s.publish(n, group, "again", opts...)
		if !again.Duplicate || again.Position != first.Position {
			s.Errorf("again: duplicate %v at %v, the first is at %v", again.Duplicate, again.Position, first.Position)
		}
	}
	s.publish(n, group, "end", kept)
	s.receives(n, group, "kept true", "after kept true", "kept false", "after kept false", "end")
}

func racingCallers(s *scene) {
	const callers = 50
	group := s.group("race")
	nodes := s.nodes(group)
	start := s.top(nodes[0], group)
	var want []string
	for round := range 20 {
		var all sync.WaitGroup
		var firsts atomic.Int32
		positions := make([]any, callers)
		for i := range callers {
			all.Go(func() {
				p := publication(group, fmt.Sprint(round), kept, broadcast.Once(fmt.Sprint(round), time.Minute))
				if err := nodes[i%len(nodes)].Publish(s.Context(), p); err != nil {
					s.Error(err)
				}
				if !p.Duplicate {
					firsts.Add(1)
				}
				positions[i] = p.Position
			})
		}
		all.Wait()
		for _, at := range positions {
			if diff := cmp.Diff(positions[0], at); diff != "" {
				s.Fatal("two callers have two positions:", diff)
			}
		}
		if firsts.Load() != 1 {
			s.Fatalf("%d were the first", firsts.Load())
		}
		want = append(want, fmt.Sprint(round))
	}
	s.complete(nodes[0], group, start, want...)
	for _, n := range nodes {
		s.receives(n, group, want...)
	}
}

func dedupeExpires(s *scene) {
	group := s.group("window")
	n := s.one(group)
	once := broadcast.Once("key", 2*time.Second)
	first := s.publish(n, group, "first", kept, once)
	s.Pass(3 * time.Second)
	if second := s.publish(n, group, "second", kept, once); second.Duplicate || second.Position == first.Position {
		s.Errorf("after the window: duplicate %v at %v", second.Duplicate, second.Position)
	}
	if third := s.publish(n, group, "third", kept, once); !third.Duplicate {
		s.Error("the second window is none")
	}
	s.receives(n, group, "first", "second")
}

func keysPerGroup(s *scene) {
	// Joined without a separator, these are the same.
	groups := []string{s.group("a"), s.group("ab")}
	keys := []string{"bc", "c"}
	n := s.one(groups...)
	for i, group := range groups {
		if p := s.publish(n, group, "x", kept, broadcast.Once(keys[i], time.Minute)); p.Duplicate {
			s.Errorf("key %q of %q is a duplicate", keys[i], group)
		}
		if p := s.publish(n, group, "same", kept, broadcast.Once("same", time.Minute)); p.Duplicate {
			s.Errorf("the key of another group makes a duplicate in %q", group)
		}
		s.receives(n, group, "x", "same")
	}
}
