package brokertest

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/protoway/protoway/broadcast"
)

func manyGroups(s *scene) {
	const count, batch, each = 50_000, 512, 997
	groups := make([]string, count)
	for i := range groups {
		groups[i] = s.group(fmt.Sprint(i))
	}
	n := s.one()
	for range 2 { // the second time is what a node does after an interruption
		for begin := 0; begin < count; begin += batch {
			s.subscribe(n, groups[begin:min(begin+batch, count)]...)
		}
	}
	for begin := 0; begin < count; begin += batch {
		some := groups[begin:min(begin+batch, count)]
		tops, err := n.Top(s.Context(), some...)
		if err != nil || len(tops) != len(some) {
			s.Fatalf("%d positions of %d groups, %v", len(tops), len(some), err)
		}
	}
	for i := 0; i < count; i += each {
		s.publish(n, groups[i], "here", kept)
		s.receives(n, groups[i], "here")
	}
}

func names(s *scene) {
	long := strings.Repeat("x", broadcast.MaxGroupBytes-1)
	all := []string{
		"a.b.c", "a.b", "a", "a.*", "*", ">", "a.>", "a b", " ", "grüße", "世界", "🎉", "a{b}c", "{}", "a:b", "a/b", "..", ".", "$a", "\\",
		"A", "%41", "YQ", "a\tb", "a\nb", "\"", "'", "[a]", "?", "-", long + "x", long + "y", long,
	}
	n := s.one(all...)
	before, err := n.Top(s.Context(), all...)
	s.check(err)
	for i, group := range all {
		s.publish(n, group, fmt.Sprint(i), kept)
	}
	for i, group := range all {
		s.receives(n, group, fmt.Sprint(i))
		s.complete(n, group, before[i], fmt.Sprint(i))
	}
}

func payloads(s *scene) {
	group := s.group("payload")
	n := s.one(group)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for i, payload := range [][]byte{{}, {0}, all, bytes.Repeat([]byte("x"), s.MaxPayload)} {
		before := s.top(n, group)
		s.publish(n, group, string(payload), kept)
		r := s.since(n, group, before, broadcast.Limit{})
		if len(r.Publications) != 1 || !bytes.Equal(r.Publications[0].Payload, payload) {
			s.Errorf("payload %d is not kept as it is", i)
		}
		s.until(n, "it comes", func() bool { return len(n.of(group)) == i+1 })
		if !bytes.Equal(n.of(group)[i].Payload, payload) {
			s.Errorf("payload %d does not come as it is", i)
		}
	}
	top := s.top(n, group)
	p := publication(group, strings.Repeat("x", s.MaxPayload+1), kept, broadcast.Once("large", time.Minute))
	if err := n.Publish(s.Context(), p); err == nil || s.top(n, group) != top || p.Position.Offset != 0 {
		s.Errorf("a payload beyond the limit: %v, position %v", err, p.Position)
	}
	if p := s.publish(n, group, "small", kept, broadcast.Once("large", time.Minute)); p.Duplicate {
		s.Error("what was refused took the key")
	}
}

func retryIsOne(s *scene) {
	group := s.group("retry")
	n := s.one(group)
	start := s.top(n, group)
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	var want []string
	for i := range 50 {
		once := broadcast.Once(fmt.Sprint(i), time.Minute)
		_ = n.Publish(ctx, publication(group, fmt.Sprint(i), kept, once)) // stored or not
		p := s.publish(n, group, fmt.Sprint(i), kept, once)
		again := s.publish(n, group, fmt.Sprint(i), kept, once)
		if !again.Duplicate || again.Position != p.Position {
			s.Errorf("duplicate %v at %v, the first is at %v", again.Duplicate, again.Position, p.Position)
		}
		want = append(want, fmt.Sprint(i))
	}
	s.complete(n, group, start, want...)
	s.receives(n, group, want...)
}

func slowHandler(s *scene) {
	slow, fast := s.group("slow"), s.group("fast")
	entered, release := make(chan struct{}, 2), make(chan struct{})
	n := &node{before: func(p *broadcast.Publication) {
		if p.Group == slow {
			entered <- struct{}{}
			<-release
		}
	}}
	s.subscribe(s.start(n), slow, fast)
	done := make(chan error, 1)
	go func() { done <- n.Publish(s.Context(), publication(slow, "slow", kept)) }()
	<-entered
	s.publish(n, fast, "kept", kept)
	s.publish(n, fast, "not kept")
	s.receives(n, fast, "kept", "not kept")
	s.check(func() error { _, err := n.Top(s.Context(), slow, fast); return err }())
	close(release)
	s.check(<-done)
	s.receives(n, slow, "slow")
}

// clockJump has the clock of a node jump. What it promises is that nothing is lost
// without being declared, not that what was kept survives.
func clockJump(s *scene) {
	group := s.group("clock")
	n := s.one(group)
	keep := broadcast.Keep(broadcast.Retention{Size: 100, TTL: time.Minute})
	last := s.top(n, group)
	var want []string
	for i, jump := range []time.Duration{0, time.Hour, -2 * time.Hour, time.Hour} {
		if s.Jump != nil {
			s.Jump(jump)
		}
		if r := s.since(n, group, last, broadcast.Limit{}); !r.Complete || len(r.Publications) > 0 {
			s.Errorf("jump %d: from the top: %+v", i, r)
		}
		for j := range 3 {
			p := publication(group, fmt.Sprint(i, " ", j), keep)
			p.At = p.At.Add(-jump)
			before := last
			s.check(n.Publish(s.Context(), p))
			if p.Prev != last.Offset || p.Position.Epoch != last.Epoch {
				s.Errorf("jump %d: %v with predecessor %d follows %v", i, p.Position, p.Prev, last)
			}
			last = p.Position
			s.complete(n, group, before, string(p.Payload))
			want = append(want, string(p.Payload))
		}
	}
	s.receives(n, group, want...)
}
