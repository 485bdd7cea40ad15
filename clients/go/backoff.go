package client

import (
	"math/rand/v2"
	"time"
)

const (
	defaultBackoffMin = 500 * time.Millisecond
	defaultBackoffMax = 30 * time.Second
	// steadyAfter is how long a session lives until attempts are counted from 0 again.
	steadyAfter = 10 * time.Second
	// maxRetryAfter is the longest that a server may have a client stay away.
	maxRetryAfter = 5 * time.Minute
)

// backoff says how long to wait between attempts: a random time between 0 and a
// bound that doubles (full jitter), so that clients which lost their server
// together do not come back together.
type backoff struct {
	least, most time.Duration
	random      func(below int64) int64
	attempt     int
}

func newBackoff(least, most time.Duration) *backoff {
	return &backoff{least: least, most: max(least, most), random: rand.Int64N}
}

// next returns how long to wait for one more attempt. The server may have said
// how long at least; 0 if it did not.
func (b *backoff) next(atLeast time.Duration) time.Duration {
	bound := b.least
	for range b.attempt {
		if bound >= b.most/2 {
			bound = b.most
			break
		}
		bound *= 2
	}
	b.attempt++
	return min(atLeast, maxRetryAfter) + b.within(bound)
}

// within returns a random time up to a bound.
func (b *backoff) within(bound time.Duration) time.Duration {
	return time.Duration(b.random(int64(max(bound, 0)) + 1))
}

// reset counts attempts from 0 again.
func (b *backoff) reset() { b.attempt = 0 }
