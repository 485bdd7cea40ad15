package brokertest

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/protoway/protoway/broadcast"
	"github.com/protoway/protoway/wire"
)

// recoverAtFullRate has members come back again and again while somebody publishes as
// fast as it can.
func recoverAtFullRate(s *scene) {
	const members, cycles = 4, 2_500
	group := s.group("recover")
	n := &node{}
	crowd := &crowd{all: map[*broadcast.Sequencer]bool{}}
	n.before = crowd.hand
	s.subscribe(s.start(n), group)
	start := s.top(n, group)

	ctx, stop := context.WithCancel(s.Context())
	var publisher, all sync.WaitGroup
	publisher.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			p := publication(group, strconv.Itoa(i), broadcast.Keep(broadcast.Retention{Size: 20_000, TTL: time.Hour}))
			if err := n.Publish(s.Context(), p); err != nil {
				s.Error(err)
				return
			}
		}
	})
	var complete atomic.Int32
	for range members {
		all.Go(func() {
			from := from{at: start, next: 0}
			for range cycles {
				if s.comeBack(n, group, crowd, &from) {
					complete.Add(1)
				}
				if s.Failed() {
					return
				}
			}
		})
	}
	all.Wait()
	stop()
	publisher.Wait()
	s.Logf("%d of %d recoveries were complete", complete.Load(), members*cycles)
	if complete.Load() == 0 {
		s.Error("no recovery was complete")
	}
}

// crowd hands publications to who is there.
type crowd struct {
	mu  sync.RWMutex // guards all
	all map[*broadcast.Sequencer]bool
}

func (c *crowd) hand(p *broadcast.Publication) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for s := range c.all {
		s.OnPublication(p)
	}
}

func (c *crowd) set(s *broadcast.Sequencer, there bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if there {
		c.all[s] = true
	} else {
		delete(c.all, s)
	}
}

// from is where a member stands: its position, and the number that comes next; -1 if
// it does not know.
type from struct {
	at   wire.Position
	next int
}

// take checks the next publication of a member.
func (f *from) take(p *broadcast.Publication) error {
	number, err := strconv.Atoi(string(p.Payload))
	if err != nil {
		return err
	}
	if f.next >= 0 && number != f.next {
		return fmt.Errorf("%d comes where %d is next", number, f.next)
	}
	f.next, f.at = number+1, p.Position
	return nil
}

// comeBack recovers from where a member was, takes some publications, and goes. It
// reports whether the recovery was complete.
func (s *scene) comeBack(n *node, group string, crowd *crowd, at *from) bool {
	const live = 3
	begin := *at
	there := make(chan wire.Position, 1) // where the member stood when it had seen enough
	taken := 0
	seq := broadcast.NewSequencer(broadcast.SequencerConfig{
		Group: group, History: n,
		Deliver: func(p *broadcast.Publication) {
			if err := at.take(p); err != nil {
				s.Error(err)
			}
			if taken++; taken >= live {
				select {
				case there <- p.Position:
				default:
				}
			}
		},
		Interrupted: func(reason broadcast.Reason, top wire.Position) { at.at, at.next = top, -1 },
	})
	r, err := seq.Resume(s.Context(), begin.at, func(context.Context) error {
		crowd.set(seq, true)
		return nil
	})
	if err != nil {
		s.Error(err)
	}
	if r.Complete {
		for enough := begin.at; enough.Offset <= r.Top.Offset && !s.Failed(); {
			select {
			case enough = <-there:
			case <-time.After(patience):
				s.Error("nothing comes after the recovery")
			}
		}
	}
	crowd.set(seq, false)
	seq.Close()
	if !r.Complete {
		*at = from{at: r.Top, next: -1}
	}
	return r.Complete
}

// line is a node whose live feed loses what lose says, with a sequencer behind it.
type line struct {
	*node
	seq   *broadcast.Sequencer
	lose  atomic.Pointer[string] // a payload
	reads atomic.Int32

	mu    sync.Mutex // guards what follows
	seen  []string
	holes []broadcast.Reason
	news  chan struct{} // gets one whenever something comes
}

// Since counts and asks the broker.
func (l *line) Since(ctx context.Context, group string, from wire.Position, most broadcast.Limit) (broadcast.Range, error) {
	l.reads.Add(1)
	return l.node.Since(ctx, group, from, most)
}

func (l *line) state() (seen []string, holes []broadcast.Reason) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen, l.holes
}

func (l *line) note(payload string, reason broadcast.Reason) {
	l.mu.Lock()
	if reason != "" {
		l.holes = append(l.holes, reason)
	} else {
		l.seen = append(l.seen, payload)
	}
	l.mu.Unlock()
	select {
	case l.news <- struct{}{}:
	default:
	}
}

// line starts a node with a sequencer for a group.
func (s *scene) line(group string) *line {
	s.Helper()
	l := &line{node: &node{}, news: make(chan struct{}, 1)}
	l.seq = broadcast.NewSequencer(broadcast.SequencerConfig{
		Group: group, History: l,
		Deliver:     func(p *broadcast.Publication) { l.note(string(p.Payload), "") },
		Interrupted: func(reason broadcast.Reason, _ wire.Position) { l.note("", reason) },
	})
	l.before = func(p *broadcast.Publication) {
		if lost := l.lose.Load(); lost == nil || *lost != string(p.Payload) {
			l.seq.OnPublication(p)
		}
	}
	s.Cleanup(l.seq.Close)
	s.subscribe(s.start(l.node), group)
	l.seq.Start(s.top(l.node, group))
	return l
}

// sees wants exactly these payloads behind the sequencer.
func (s *scene) sees(l *line, want ...string) {
	s.Helper()
	late := time.After(patience)
	for {
		seen, holes := l.state()
		if len(seen) >= len(want) || len(holes) > 0 {
			if diff := cmp.Diff(want, seen); diff != "" || len(holes) > 0 {
				s.Fatalf("holes %v, (-want +got):\n%s", holes, diff)
			}
			return
		}
		select {
		case <-l.news:
		case <-late:
			s.Fatalf("%d publications come, %d were published", len(seen), len(want))
		}
	}
}

// lines starts a line on each node.
func (s *scene) lines(group string) []*line {
	s.Helper()
	all := make([]*line, s.want)
	for i := range all {
		all[i] = s.line(group)
	}
	return all
}

func liveDropFilled(s *scene) {
	group := s.group("hole")
	lines := s.lines(group)
	for hole := range 5 {
		lost := strconv.Itoa(hole*10 + 4)
		for _, l := range lines {
			l.lose.Store(&lost)
		}
		for i := hole * 10; i < hole*10+10; i++ {
			s.publish(lines[0].node, group, strconv.Itoa(i), kept)
		}
		for i, l := range lines {
			s.sees(l, numbers(0, hole*10+10)...)
			if reads := int(l.reads.Load()); reads != hole+1 {
				s.Errorf("node %d: %d reads for %d holes", i, reads, hole+1)
			}
		}
	}
}

func lastDropFound(s *scene) {
	group := s.group("last")
	lines := s.lines(group)
	lost := "2"
	for _, l := range lines {
		l.lose.Store(&lost)
	}
	for _, payload := range numbers(0, 3) {
		s.publish(lines[0].node, group, payload, kept)
	}
	for _, l := range lines {
		s.sees(l, "0", "1")
		s.until(l.node, "the last comes to the node", func() bool { return len(l.of(group)) == 3 })
		s.check(broadcast.CheckTops(s.Context(), l, []*broadcast.Sequencer{l.seq}))
		s.sees(l, "0", "1", "2")
		s.check(broadcast.CheckTops(s.Context(), l, []*broadcast.Sequencer{l.seq}))
		if reads := l.reads.Load(); reads != 1 {
			s.Errorf("%d reads for one hole", reads)
		}
	}
}
