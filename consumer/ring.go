package consumer

// ring is a queue that keeps its memory. The zero value is empty.
type ring[T any] struct {
	items []T
	head  int
	count int
}

func (r *ring[T]) len() int { return r.count }

func (r *ring[T]) push(item T) {
	if r.count == len(r.items) {
		r.grow()
	}
	r.items[(r.head+r.count)%len(r.items)] = item
	r.count++
}

// pop returns the oldest item; the ring must not be empty.
func (r *ring[T]) pop() T {
	var none T
	item := r.items[r.head]
	r.items[r.head] = none
	r.head = (r.head + 1) % len(r.items)
	r.count--
	return item
}

func (r *ring[T]) grow() {
	const smallest = 8
	items := make([]T, max(smallest, 2*len(r.items)))
	for i := range r.count {
		items[i] = r.items[(r.head+i)%len(r.items)]
	}
	r.items, r.head = items, 0
}
