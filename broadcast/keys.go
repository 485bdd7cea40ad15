package broadcast

import (
	"container/heap"
	"time"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// keys remembers the keys of publications until their windows end. Its owner guards
// it with a mutex.
type keys struct {
	most   int
	taken  map[keyName]*takenKey
	expiry expiringKeys
}

type keyName struct{ group, key string }

// takenKey is what is known about the first publication with a key.
type takenKey struct {
	name     keyName
	position wire.Position
	prev     uint64
	expires  time.Time
}

func newKeys(most int) *keys { return &keys{most: most, taken: map[keyName]*takenKey{}} }

// known reports whether the key of p is taken, and makes p a duplicate if so.
func (k *keys) known(p *Publication, now time.Time) bool {
	if p.Window == 0 {
		return false
	}
	first := k.taken[keyName{p.Group, p.Key}]
	if first == nil || !now.Before(first.expires) {
		return false
	}
	p.Position, p.Prev, p.Duplicate = first.position, first.prev, true
	return true
}

// remember takes the key of p, which is not known.
func (k *keys) remember(p *Publication, now time.Time) error {
	if p.Window == 0 {
		return nil
	}
	// Each key pays for removing some, so that they become fewer after a burst.
	const few = 8
	for n := 0; len(k.expiry) > 0 && !now.Before(k.expiry[0].expires) && (n < few || len(k.expiry) >= k.most); n++ {
		first := heap.Pop(&k.expiry).(*takenKey)
		if k.taken[first.name] == first {
			delete(k.taken, first.name)
		}
	}
	if len(k.expiry) >= k.most {
		return status.ResourceExhausted.Errorf("the broker remembers %d keys and has no room for more", k.most)
	}
	first := &takenKey{keyName{p.Group, p.Key}, p.Position, p.Prev, now.Add(p.Window)}
	k.taken[first.name] = first
	heap.Push(&k.expiry, first)
	return nil
}

// expiringKeys has the key that ends first at 0; it implements heap.Interface.
type expiringKeys []*takenKey

func (h expiringKeys) Len() int           { return len(h) }
func (h expiringKeys) Less(i, j int) bool { return h[i].expires.Before(h[j].expires) }
func (h expiringKeys) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *expiringKeys) Push(x any)        { *h = append(*h, x.(*takenKey)) }

func (h *expiringKeys) Pop() any {
	last := len(*h) - 1
	first := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return first
}
