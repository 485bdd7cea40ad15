package broadcast

import (
	"context"
	"time"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// fill has what is missing read, by a goroutine that ends when nothing is missing. The
// caller holds mu.
func (s *Sequencer) fill() {
	switch {
	case s.closed:
	case s.reading:
		s.again = true
	case s.draining && len(s.ready) >= s.config.Waiting:
		s.behind = true
	default:
		s.reading = true
		s.reads.Go(s.readAll)
	}
}

// readAll reads until nothing is missing.
func (s *Sequencer) readAll() {
	for failures := 0; ; {
		r, err := s.read(s.ctx)
		if err != nil {
			failures++
			if !s.pause(s.config.Backoff(failures)) {
				return
			}
			continue
		}
		failures = 0
		s.mu.Lock()
		s.merge(r)
		more := s.settle()
		s.drain()
		if !more {
			return
		}
	}
}

// pause waits, and reports whether to go on.
func (s *Sequencer) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// read reads what follows the last publication.
func (s *Sequencer) read(ctx context.Context) (Range, error) {
	if s.config.Slots != nil {
		select {
		case s.config.Slots <- struct{}{}:
			defer func() { <-s.config.Slots }()
		case <-ctx.Done():
			return Range{}, ctx.Err()
		}
	}
	s.mu.Lock()
	from := s.last
	// The answer has everything that came before the question.
	unkept := s.waiting[:0]
	for _, p := range s.waiting {
		if p.Position == (wire.Position{}) {
			unkept = append(unkept, p)
		}
	}
	clear(s.waiting[len(unkept):])
	s.waiting, s.again = unkept, false
	s.mu.Unlock()
	return s.config.History.Since(ctx, s.config.Group, from, s.config.Limit)
}

// merge puts what was read into its place. The caller holds mu.
func (s *Sequencer) merge(r Range) {
	switch {
	case s.closed:
		return
	case !r.Complete:
		s.ready = append(s.ready, ordered{reason: r.Reason, top: r.Top})
	default:
		for i := range r.Publications {
			s.ready = append(s.ready, ordered{publication: &r.Publications[i]})
		}
		s.fromRead += len(r.Publications)
	}
	s.last = r.Top
}

// settle puts what came during a read into its place, and reports whether another one
// is needed, which it leaves to the caller. The caller holds mu.
func (s *Sequencer) settle() (more bool) {
	s.reading = false
	waiting := s.waiting
	s.waiting = nil
	for i, p := range waiting {
		if !s.behind && s.hole(p) {
			s.again = true
			s.waiting = waiting[i:]
			break
		}
		s.take(p)
	}
	if s.again && s.draining && len(s.ready) >= s.config.Waiting {
		// What is ready is delivered before more is read; so is what is not kept.
		s.again, s.behind = false, true
		for _, p := range s.waiting {
			s.take(p)
		}
		s.waiting = nil
	}
	s.reading = s.again && !s.closed
	return s.reading
}

// hole reports whether something is missing in front of p. The caller holds mu.
func (s *Sequencer) hole(p *Publication) bool {
	return p.Position != (wire.Position{}) && !s.old(p.Position) && !follows(s.last, p)
}

// Resume begins after a position that a member has, while publications flow: it
// subscribes, reads what the member missed, delivers it, and goes on with what has come
// meanwhile and comes from now on. subscribe returns once every publication is handed
// to OnPublication.
//
// The range says whether the recovery was complete, and if not, why; its publications
// were delivered, and Interrupted is not called for it. After an error nothing was
// delivered, the sequencer is of no use, and the member keeps its position and may
// try again.
func (s *Sequencer) Resume(ctx context.Context, from wire.Position, subscribe func(context.Context) error) (Range, error) {
	s.mu.Lock()
	s.last = from
	s.mu.Unlock()
	err := subscribe(ctx)
	var r Range
	if err == nil {
		r, err = s.read(ctx)
	}
	s.mu.Lock()
	if err == nil && s.closed {
		err = status.Unavailable.Errorf("the recovery of %q was ended", s.config.Group)
	}
	if err != nil {
		s.closed, s.waiting = true, nil
		s.mu.Unlock()
		return Range{}, err
	}
	if r.Complete {
		s.merge(r)
	}
	s.last = r.Top
	if s.settle() {
		s.reads.Go(s.readAll)
	}
	s.drain()
	r.Publications = nil
	return r, nil
}

// CheckTops asks where groups stand and tells their sequencers, as from time to time
// and after an interruption of all. They share one history.
func CheckTops(ctx context.Context, history History, all []*Sequencer) error {
	const batch = 512
	for len(all) > 0 {
		some := all[:min(batch, len(all))]
		all = all[len(some):]
		groups := make([]string, len(some))
		for i, s := range some {
			groups[i] = s.config.Group
		}
		tops, err := history.Top(ctx, groups...)
		if err != nil {
			return err
		}
		if len(tops) != len(groups) {
			return status.Internal.Errorf("the broker told %d positions of %d groups", len(tops), len(groups))
		}
		for i, s := range some {
			s.OnTop(tops[i])
		}
	}
	return nil
}
