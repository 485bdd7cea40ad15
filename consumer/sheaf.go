package consumer

import (
	"sync"

	"github.com/protoway/protoway/broadcast"
)

// sheaf is encoded frames, split into messages of the transport.
type sheaf struct {
	data     []byte
	ends     []int // where each message but the last one ends
	messages [][]byte

	// What follows is about publications of which only the latest waits.
	spans  []span
	latest map[broadcast.Topic]int // where in spans that of a topic is
	dead   int                     // bytes of those that gave way, which are still there
}

// span is where a publication stands that may give way to a later one.
type span struct {
	begin, end int
	topic      broadcast.Topic
	dead       bool
}

var sheaves = sync.Pool{New: func() any { return &sheaf{} }}

const (
	// maxKeptSheaf is the largest buffer that is used again.
	maxKeptSheaf = 64 << 10
	// maxKeptSpans is the same for spans.
	maxKeptSpans = 1 << 10
	// spanBytes is about what a publication costs that may give way, besides its frame.
	spanBytes = 160
)

// size is how many bytes wait.
func (s *sheaf) size() int { return len(s.data) - s.dead + spanBytes*len(s.latest) }

// add appends a frame to the last message, or to a new one.
func (s *sheaf) add(frame []byte, joins bool, maxMessage int) {
	begin := 0
	if len(s.ends) > 0 {
		begin = s.ends[len(s.ends)-1]
	}
	filled := len(s.data) - begin
	if filled > 0 && (!joins || filled+len(frame) > maxMessage) {
		s.ends = append(s.ends, len(s.data))
	}
	s.data = append(s.data, frame...)
}

// drop has the publication of a topic give way, and reports whether one waited.
func (s *sheaf) drop(topic broadcast.Topic) bool {
	i, waits := s.latest[topic]
	if !waits {
		return false
	}
	old := &s.spans[i]
	old.dead = true
	s.dead += old.end - old.begin
	delete(s.latest, topic)
	return true
}

// note notes that the frame that was added last is the latest of a topic. It goes
// behind all others, so that publications of a group keep their order.
func (s *sheaf) note(topic broadcast.Topic, bytes int) {
	if s.latest == nil {
		s.latest = map[broadcast.Topic]int{}
	}
	s.latest[topic] = len(s.spans)
	s.spans = append(s.spans, span{begin: len(s.data) - bytes, end: len(s.data), topic: topic})
	if s.dead > len(s.data)/2 { // so each byte is moved about once
		s.compact()
	}
}

// compact takes out what gave way, and messages of which nothing is left.
func (s *sheaf) compact() {
	ends, live := s.ends[:0], s.spans[:0]
	begin, out, next := 0, 0, 0
	for m := range len(s.ends) + 1 {
		end := len(s.data)
		if m < len(s.ends) {
			end = s.ends[m]
		}
		start := out
		for ; next < len(s.spans) && s.spans[next].begin < end; next++ {
			sp := s.spans[next]
			if sp.dead {
				out += copy(s.data[out:], s.data[begin:sp.begin])
				begin = sp.end
				continue
			}
			sp.begin, sp.end = sp.begin-begin+out, sp.end-begin+out
			s.latest[sp.topic] = len(live)
			live = append(live, sp)
		}
		out += copy(s.data[out:], s.data[begin:end])
		begin = end
		if start > 0 && out > start {
			ends = append(ends, start)
		}
	}
	clear(s.spans[len(live):])
	s.data, s.ends, s.spans, s.dead = s.data[:out], ends, live, 0
}

// append adds the messages of other behind those of s.
func (s *sheaf) append(other *sheaf) {
	if len(other.data) == 0 {
		return
	}
	offset := len(s.data)
	s.ends = append(s.ends, offset)
	for _, end := range other.ends {
		s.ends = append(s.ends, offset+end)
	}
	s.data = append(s.data, other.data...)
	for _, sp := range other.spans {
		sp.begin, sp.end = sp.begin+offset, sp.end+offset
		s.spans = append(s.spans, sp)
	}
	s.dead += other.dead
	s.latest, other.latest = other.latest, s.latest // s is new: it had none
}

// split returns the messages.
func (s *sheaf) split() [][]byte {
	if s.dead > 0 {
		s.compact()
	}
	begin := 0
	for _, end := range s.ends {
		s.messages = append(s.messages, s.data[begin:end])
		begin = end
	}
	s.messages = append(s.messages, s.data[begin:])
	return s.messages
}

func (s *sheaf) recycle() {
	if cap(s.data) > maxKeptSheaf || cap(s.spans) > maxKeptSpans {
		return
	}
	clear(s.messages)
	clear(s.spans)
	clear(s.latest)
	s.data, s.ends, s.messages = s.data[:0], s.ends[:0], s.messages[:0]
	s.spans, s.dead = s.spans[:0], 0
	sheaves.Put(s)
}
