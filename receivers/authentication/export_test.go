package authentication

import "time"

// MaxBuckets is how many names or addresses a generation has room for.
const MaxBuckets = maxBuckets

// Buckets are those of a rate, with a clock of a test's own.
type Buckets struct{ of buckets[int] }

// NewBuckets makes buckets of count tokens.
func NewBuckets(count int, every time.Duration) *Buckets {
	b := &Buckets{}
	b.of.init(count, every)
	return b
}

// Take takes a token.
func (b *Buckets) Take(key int, now time.Duration) time.Duration { return b.of.take(key, now) }

// GiveBack puts one back.
func (b *Buckets) GiveBack(key int) { b.of.giveBack(key) }

// Len is how many buckets are kept.
func (b *Buckets) Len() int { return len(b.of.recent) + len(b.of.older) }
