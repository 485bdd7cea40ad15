package brokertest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/protoway/protoway/broadcast"
	"github.com/protoway/protoway/wire"
)

// patience is how long a case waits for what must happen.
const patience = 30 * time.Second

// retention keeps all that a case publishes.
var retention = broadcast.Retention{Size: 100_000, TTL: time.Hour}

// kept is the option of publications that are kept.
var kept = broadcast.Keep(retention)

// scene is what a case has.
type scene struct {
	*testing.T
	Env

	number   int
	want     int  // nodes
	takesAll bool // the broker hands over what nobody subscribed to
}

// group returns the name of a group that no other case uses.
func (s *scene) group(name string) string { return fmt.Sprintf("case %d %s", s.number, name) }

// nodes starts all nodes, subscribed to groups.
func (s *scene) nodes(groups ...string) []*node {
	s.Helper()
	all := make([]*node, s.want)
	for i := range all {
		all[i] = s.start(&node{})
		s.subscribe(all[i], groups...)
	}
	return all
}

// one starts one node, subscribed to groups.
func (s *scene) one(groups ...string) *node {
	s.Helper()
	n := s.start(&node{})
	s.subscribe(n, groups...)
	return n
}

// start starts a node.
func (s *scene) start(n *node) *node {
	s.Helper()
	n.Broker = s.Node(s.T)
	n.got, n.news = map[string][]broadcast.Publication{}, make(chan struct{})
	s.check(n.Start(s.Context(), n))
	s.Cleanup(func() { s.check(n.Close(context.Background())) })
	return n
}

func (s *scene) subscribe(n *node, groups ...string) {
	s.Helper()
	if len(groups) > 0 {
		s.check(n.Subscribe(s.Context(), groups...))
	}
}

// check fails the case for an error.
func (s *scene) check(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// publication returns what a case publishes.
func publication(group, payload string, opts ...broadcast.PublishOption) *broadcast.Publication {
	p := &broadcast.Publication{Group: group, Type: "event", Payload: []byte(payload), At: time.Now()}
	for _, opt := range opts {
		opt(p)
	}
	return p
}

// publish publishes and returns it with its position.
func (s *scene) publish(n *node, group, payload string, opts ...broadcast.PublishOption) *broadcast.Publication {
	s.Helper()
	p := publication(group, payload, opts...)
	s.check(n.Publish(s.Context(), p))
	return p
}

// fill publishes so many that are kept and returns the positions: that in front of
// them, and theirs.
func (s *scene) fill(n *node, group string, count int, opts ...broadcast.PublishOption) []wire.Position {
	s.Helper()
	at := []wire.Position{s.top(n, group)}
	for i := range count {
		at = append(at, s.publish(n, group, fmt.Sprint(i), append([]broadcast.PublishOption{kept}, opts...)...).Position)
	}
	return at
}

func (s *scene) top(n *node, group string) wire.Position {
	s.Helper()
	tops, err := n.Top(s.Context(), group)
	s.check(err)
	if len(tops) != 1 {
		s.Fatalf("%d positions of one group", len(tops))
	}
	if tops[0].Epoch == "" {
		s.Fatalf("%q stands in no epoch", group)
	}
	return tops[0]
}

func (s *scene) since(n *node, group string, from wire.Position, most broadcast.Limit) broadcast.Range {
	s.Helper()
	r, err := n.Since(s.Context(), group, from, most)
	s.check(err)
	return r
}

// complete wants exactly these payloads after a position, and the top behind them.
func (s *scene) complete(n *node, group string, from wire.Position, want ...string) {
	s.Helper()
	r := s.since(n, group, from, broadcast.Limit{})
	if !r.Complete || r.Reason != "" {
		s.Fatalf("from %v: complete %v, reason %q", from, r.Complete, r.Reason)
	}
	if diff := cmp.Diff(want, payloadsOf(r.Publications)); diff != "" {
		s.Fatalf("from %v (-want +got):\n%s", from, diff)
	}
	last, prev := from, from.Offset
	for _, p := range r.Publications {
		if p.Prev != prev || p.Position.Offset <= prev || p.Group != group || p.Type != "event" || p.Position.Epoch != from.Epoch {
			s.Fatalf("%v with predecessor %d follows %d", p.Position, p.Prev, prev)
		}
		last, prev = p.Position, p.Position.Offset
	}
	if r.Top != last {
		s.Fatalf("from %v: the top is %v, the last is %v", from, r.Top, last)
	}
}

// incomplete wants no publications after a position, a reason, and where to go on.
func (s *scene) incomplete(r broadcast.Range, reason broadcast.Reason, top wire.Position) {
	s.Helper()
	if r.Complete || r.Reason != reason || len(r.Publications) != 0 || r.Top != top {
		s.Errorf("complete %v, reason %q, %d publications, top %v; want %q and %v", r.Complete, r.Reason, len(r.Publications), r.Top, reason, top)
	}
}

func payloadsOf(all []broadcast.Publication) (payloads []string) {
	for i := range all {
		payloads = append(payloads, string(all[i].Payload))
	}
	return payloads
}

// node is a node that writes down what its broker hands over.
type node struct {
	Broker
	before func(*broadcast.Publication) // called first, if there is one

	mu          sync.Mutex // guards what follows
	got         map[string][]broadcast.Publication
	interrupted []string
	news        chan struct{} // closed and made anew whenever something comes
}

func (n *node) OnPublication(p *broadcast.Publication) {
	if n.before != nil {
		n.before(p)
	}
	runtime.Gosched() // who is handed over out of order may overtake
	n.mu.Lock()
	defer n.mu.Unlock()
	n.got[p.Group] = append(n.got[p.Group], *p)
	n.tell()
}

func (n *node) OnInterrupted(groups []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.interrupted = append(n.interrupted, groups...)
	n.tell()
}

// tell wakes who waits. The caller holds mu.
func (n *node) tell() {
	close(n.news)
	n.news = make(chan struct{})
}

// of returns what came to a group.
func (n *node) of(group string) []broadcast.Publication {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.got[group])
}

// told reports whether a group was said to be interrupted.
func (n *node) told(group string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Contains(n.interrupted, group)
}

// until waits for a condition on what came to a node.
func (s *scene) until(n *node, what string, is func() bool) {
	s.Helper()
	late := time.After(patience)
	for {
		n.mu.Lock()
		news := n.news
		n.mu.Unlock()
		if is() {
			return
		}
		select {
		case <-news:
		case <-late:
			s.Fatalf("it never happens that %s", what)
		}
	}
}

// receives wants exactly these payloads at a node.
func (s *scene) receives(n *node, group string, want ...string) {
	s.Helper()
	s.until(n, fmt.Sprintf("%d publications to %q come", len(want), group), func() bool { return len(n.of(group)) >= len(want) })
	if diff := cmp.Diff(want, payloadsOf(n.of(group))); diff != "" {
		s.Errorf("%q (-want +got):\n%s", group, diff)
	}
}
