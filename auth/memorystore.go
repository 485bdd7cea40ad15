package auth

import (
	"bytes"
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/protoway/protoway/status"
)

// The bounds of a [MemoryStore] if a [MemoryConfig] states none.
const (
	DefaultMemoryEntries = 100_000
	DefaultMemoryBytes   = 64 << 20
)

// sweepBatch is how many expired entries one write removes at least, if there are
// as many. A write adds one entry, so the store shrinks after a burst, and no
// write pays for all of it.
const sweepBatch = 32

// MemoryConfig bounds a [MemoryStore]. The zero value is fine.
type MemoryConfig struct {
	// MaxEntries is how many values are kept. Past it, writes of new keys are
	// refused with status.ResourceExhausted; nothing is evicted. Default:
	// [DefaultMemoryEntries].
	MaxEntries int
	// MaxBytes is how many bytes of keys and values are kept, with the same
	// consequence. Default: [DefaultMemoryBytes].
	MaxBytes int
	// Clock says what time it is. Default: time.Now.
	Clock func() time.Time
}

// MemoryStore is a [Store] in the memory of one process. It needs no goroutine:
// writes remove what has expired.
type MemoryStore struct {
	config MemoryConfig

	mu      sync.Mutex // guards what follows
	entries map[string]*entry
	expiry  expiryHeap // the entries with a deadline
	bytes   int        // the sizes of all entries
}

var _ Store = (*MemoryStore)(nil)

// NewMemoryStore makes an empty store.
func NewMemoryStore(config MemoryConfig) *MemoryStore {
	if config.MaxEntries <= 0 {
		config.MaxEntries = DefaultMemoryEntries
	}
	if config.MaxBytes <= 0 {
		config.MaxBytes = DefaultMemoryBytes
	}
	if config.Clock == nil {
		config.Clock = time.Now
	}
	return &MemoryStore{config: config, entries: make(map[string]*entry)}
}

// Get implements [Store].
func (s *MemoryStore) Get(_ context.Context, key string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value := s.live(key, s.config.Clock())
	return bytes.Clone(value), value != nil, nil
}

// SetIfAbsent implements [Store].
func (s *MemoryStore) SetIfAbsent(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	return s.CompareAndSwap(ctx, key, nil, value, ttl)
}

// CompareAndSwap implements [Store].
func (s *MemoryStore) CompareAndSwap(_ context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	switch {
	case len(value) == 0:
		return false, status.InvalidArgument.Errorf("an empty value cannot be stored")
	case ttl < 0:
		return false, status.InvalidArgument.Errorf("the ttl %s is negative", ttl)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.config.Clock()
	if !bytes.Equal(s.live(key, now), old) {
		return false, nil
	}
	e := &entry{key: key, value: bytes.Clone(value), index: -1}
	if ttl > 0 {
		e.deadline = now.Add(ttl)
	}
	if err := s.makeRoom(e, now); err != nil {
		return false, err
	}
	s.put(e)
	return true, nil
}

// Delete implements [Store].
func (s *MemoryStore) Delete(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(key)
	s.sweep(s.config.Clock(), func(removed int) bool { return removed < sweepBatch })
	return nil
}

// Len returns how many values are kept. Expired ones count until a write has
// removed them.
func (s *MemoryStore) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entries)
}

// live returns the value of key, or nil.
func (s *MemoryStore) live(key string, now time.Time) []byte {
	e, ok := s.entries[key]
	if !ok || e.expired(now) {
		return nil
	}
	return e.value
}

// makeRoom removes a batch of expired entries, and more while e does not fit.
func (s *MemoryStore) makeRoom(e *entry, now time.Time) error {
	s.sweep(now, func(removed int) bool { return removed < sweepBatch || !s.fits(e) })
	if !s.fits(e) {
		return status.ResourceExhausted.Errorf("the store is full: %d of %d entries, %d of %d bytes",
			len(s.entries), s.config.MaxEntries, s.bytes, s.config.MaxBytes)
	}
	return nil
}

// fits reports whether e can be put, in the place of the entry that it replaces.
func (s *MemoryStore) fits(e *entry) bool {
	count, size := len(s.entries)+1, s.bytes+e.size()
	if replaced, ok := s.entries[e.key]; ok {
		count, size = count-1, size-replaced.size()
	}
	return count <= s.config.MaxEntries && size <= s.config.MaxBytes
}

// sweep removes expired entries, the oldest first, while more says so.
func (s *MemoryStore) sweep(now time.Time, more func(removed int) bool) {
	for removed := 0; len(s.expiry) > 0 && s.expiry[0].expired(now) && more(removed); removed++ {
		s.remove(s.expiry[0].key)
	}
}

func (s *MemoryStore) put(e *entry) {
	s.remove(e.key)
	s.entries[e.key] = e
	s.bytes += e.size()
	if !e.deadline.IsZero() {
		heap.Push(&s.expiry, e)
	}
}

func (s *MemoryStore) remove(key string) {
	e, ok := s.entries[key]
	if !ok {
		return
	}
	delete(s.entries, key)
	s.bytes -= e.size()
	if e.index >= 0 {
		heap.Remove(&s.expiry, e.index)
	}
}

// entry is one value.
type entry struct {
	key      string
	value    []byte
	deadline time.Time // zero: none
	index    int       // in the heap; -1: not there
}

func (e *entry) size() int { return len(e.key) + len(e.value) }

func (e *entry) expired(now time.Time) bool {
	return !e.deadline.IsZero() && !now.Before(e.deadline)
}

// expiryHeap has the entry that expires first at 0; it implements heap.Interface.
type expiryHeap []*entry

func (h expiryHeap) Len() int           { return len(h) }
func (h expiryHeap) Less(i, j int) bool { return h[i].deadline.Before(h[j].deadline) }

func (h expiryHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *expiryHeap) Push(x any) {
	e := x.(*entry)
	e.index = len(*h)
	*h = append(*h, e)
}

func (h *expiryHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	e.index = -1
	return e
}
