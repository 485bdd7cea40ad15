package consumer

import "time"

// rate is how often something may happen: count times per period, and burst times
// at once.
type rate struct {
	count int
	per   time.Duration
	depth time.Duration // how long a bucket takes to fill
}

func newRate(count int, per time.Duration, burst int) rate {
	r := rate{count: count, per: per}
	r.depth = r.span(burst)
	return r
}

// perSecond is a rate of events or bytes; count 0 is none.
func perSecond(count, burst int) rate {
	if count == 0 {
		return rate{}
	}
	return newRate(count, time.Second, burst)
}

// on reports whether there is a limit.
func (r *rate) on() bool { return r.count > 0 }

// maxSpan keeps sums of times from overflowing.
const maxSpan = time.Duration(1) << 60

// span is how long n tokens take to come back.
func (r *rate) span(n int) time.Duration {
	span := float64(n) * float64(r.per) / float64(r.count)
	return time.Duration(min(span, float64(maxSpan)))
}

// bucket is a token bucket, as the moment at which it is full again, on the clock
// of [Node.sinceStart]. The zero value is full. One that was not asked for as long
// as it takes to fill is full, and need not be kept.
type bucket time.Duration

// take takes n tokens, or says after how long they will be there. More than the
// bucket holds are taken when it is full.
func (b *bucket) take(r *rate, now time.Duration, n int) (wait time.Duration) {
	level := max(time.Duration(*b), now)
	after := level + r.span(n)
	if wait = min(after-now-r.depth, level-now); wait > 0 {
		return wait
	}
	*b = bucket(after)
	return 0
}

// overdraft is by how many times its depth a bucket may be overdrawn by who goes
// on though there are no tokens.
const overdraft = 10

// force takes n tokens that need not be there, and reports whether that went too
// far.
func (b *bucket) force(r *rate, now time.Duration, n int) (tooFar bool) {
	after := max(time.Duration(*b), now) + r.span(n)
	*b = bucket(after)
	return (after-now)/overdraft > r.depth
}
