package broadcast

import (
	"context"
	"sync"
	"time"

	"github.com/protoway/protoway/wire"
)

// SequencerConfig is what a [Sequencer] works with.
type SequencerConfig struct {
	Group   string
	History History
	// Deliver gets the publications, complete and in order, without duplicates, one at
	// a time. It must not close the sequencer.
	Deliver func(p *Publication)
	// Interrupted is called in order with Deliver, when publications in between cannot
	// be had: what is delivered next follows top.
	Interrupted func(reason Reason, top wire.Position)
	// Limit is how much may be missing to be filled in. The zero value is no limit.
	Limit Limit
	// Waiting is how many publications wait while a hole is filled, or while somebody
	// delivers. What comes beyond is read from the history later, and lost if it was
	// not kept. Default: [DefaultWaiting].
	Waiting int
	// Slots bounds how many sequencers that share it read at the same time. Default: no
	// bound.
	Slots chan struct{}
	// Backoff is how long to wait after the n-th failure to read, from 1. Default: 100
	// ms, doubled up to 5 s.
	Backoff func(n int) time.Duration
}

// DefaultWaiting is how many publications of a group wait while a hole is filled.
const DefaultWaiting = 1024

// Sequencer puts what a broker hands over for one group into its order, and fills
// holes from the history: with one read at a time, and without making the broker
// wait. What cannot be filled it declares.
//
// It begins with [Sequencer.Start] or [Sequencer.Resume]; what comes before waits.
type Sequencer struct {
	config SequencerConfig
	ctx    context.Context // ends the reads
	cancel context.CancelFunc
	reads  sync.WaitGroup

	mu       sync.Mutex // guards what follows
	last     wire.Position
	reading  bool           // a read is under way or about to be, or nothing has begun
	again    bool           // another read is needed after it
	behind   bool           // something was not taken in: a read is needed once all is delivered
	closed   bool           // nothing is delivered any more
	waiting  []*Publication // came during a read
	ready    []ordered      // to be delivered
	fromRead int            // how many of these were read, which are beside the bound
	draining bool           // somebody delivers
}

// ordered is a publication or an interruption in its place.
type ordered struct {
	publication *Publication // nil: an interruption
	reason      Reason
	top         wire.Position
}

// NewSequencer returns a sequencer that has not begun. It must be closed.
func NewSequencer(config SequencerConfig) *Sequencer {
	if config.Waiting <= 0 {
		config.Waiting = DefaultWaiting
	}
	if config.Backoff == nil {
		config.Backoff = backoff
	}
	s := &Sequencer{config: config, reading: true}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// backoff is how long to wait after a read that failed.
func backoff(n int) time.Duration {
	const first, most = 100 * time.Millisecond, 5 * time.Second
	return min(first<<min(n-1, 10), most)
}

// Start begins after a position: [History.Top] of the group, read after the broker has
// subscribed it. What came before it is not delivered.
func (s *Sequencer) Start(top wire.Position) {
	s.mu.Lock()
	s.last = top
	if s.settle() {
		s.reads.Go(s.readAll)
	}
	s.drain()
}

// OnPublication takes what the broker hands over. It waits for nothing but Deliver.
func (s *Sequencer) OnPublication(p *Publication) {
	s.mu.Lock()
	s.take(p)
	s.drain()
}

// OnTop compares with where the broker says that the group stands, and reads what is
// missing. That is how the loss of a last publication is found.
func (s *Sequencer) OnTop(top wire.Position) {
	s.mu.Lock()
	if top != s.last {
		s.fill()
	}
	s.drain()
}

// Check reads what is missing, as after an interruption.
func (s *Sequencer) Check() {
	s.mu.Lock()
	s.fill()
	s.drain()
}

// Last returns the position of what was put into order last, which may be about to be
// delivered.
func (s *Sequencer) Last() wire.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// Close ends the reads and waits for them. Nothing is delivered after it, except by
// calls that are under way.
func (s *Sequencer) Close() {
	s.mu.Lock()
	s.closed = true
	s.waiting, s.ready = nil, nil
	s.mu.Unlock()
	s.cancel()
	s.reads.Wait()
}

// take puts a publication where it belongs. The caller holds mu.
func (s *Sequencer) take(p *Publication) {
	switch {
	case s.closed:
	case s.reading:
		// In the end it is in its place, already delivered, or reason for another read.
		if len(s.waiting) < s.config.Waiting {
			s.waiting = append(s.waiting, p)
		} else if p.Position != (wire.Position{}) {
			s.again = true
		}
	case p.Position == (wire.Position{}):
		if !s.full() {
			s.ready = append(s.ready, ordered{publication: p})
		}
	case s.behind || s.old(p.Position):
	case !follows(s.last, p):
		s.fill()
	case s.full():
		s.behind = true
	default:
		s.last = p.Position
		s.ready = append(s.ready, ordered{publication: p})
	}
}

// full reports whether more has come than may wait for who delivers.
func (s *Sequencer) full() bool { return len(s.ready)-s.fromRead >= s.config.Waiting }

// old reports whether a position was passed. An offset that has another tag is not:
// offsets are used again, and the history has to say so.
func (s *Sequencer) old(at wire.Position) bool {
	return at.Epoch == s.last.Epoch && (at.Offset < s.last.Offset || at == s.last)
}

// drain delivers what is ready, unless somebody does. The caller holds mu, which is
// unlocked after it.
func (s *Sequencer) drain() {
	defer s.mu.Unlock()
	if s.draining {
		return
	}
	s.draining = true
	for {
		for len(s.ready) > 0 {
			batch := s.ready
			s.ready, s.fromRead = nil, 0
			s.mu.Unlock()
			s.deliver(batch)
			s.mu.Lock()
		}
		if !s.behind || s.closed {
			break
		}
		s.behind = false
		s.fill()
	}
	s.draining = false
}

func (s *Sequencer) deliver(batch []ordered) {
	for i := range batch {
		if o := &batch[i]; o.publication != nil {
			s.config.Deliver(o.publication)
		} else {
			s.config.Interrupted(o.reason, o.top)
		}
	}
}
