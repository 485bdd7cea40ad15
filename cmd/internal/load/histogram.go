package load

import (
	"math/bits"
	"time"
)

// Buckets of a histogram: 64 to each power of two, so that a value is known to
// 1.6 %.
const (
	subBits = 6
	subs    = 1 << subBits
	// longest is the largest power of two that has buckets of its own, 2^40 ns:
	// 18 minutes. Longer values count as that.
	longest = 40
)

// Histogram counts durations in buckets that grow with the value. Its zero value
// is empty.
type Histogram struct {
	counts [(longest - subBits + 2) * subs]uint64
	total  uint64
	sum    float64
	max    time.Duration
}

// Record counts a duration. Negative ones count as 0.
func (h *Histogram) Record(d time.Duration) {
	d = max(d, 0)
	h.counts[bucket(uint64(d))]++
	h.total++
	h.sum += float64(d)
	h.max = max(h.max, d)
}

// Add counts all that other has counted.
func (h *Histogram) Add(other *Histogram) {
	for i, n := range &other.counts {
		h.counts[i] += n
	}
	h.total += other.total
	h.sum += other.sum
	h.max = max(h.max, other.max)
}

// Count returns how many durations were recorded.
func (h *Histogram) Count() uint64 { return h.total }

// Max returns the largest duration, exactly.
func (h *Histogram) Max() time.Duration { return h.max }

// Mean returns the mean, exactly; 0 if nothing was recorded.
func (h *Histogram) Mean() time.Duration {
	if h.total == 0 {
		return 0
	}
	return time.Duration(h.sum / float64(h.total))
}

// Quantile returns a duration that the share q of the recorded ones does not
// exceed, to 1.6 %: Quantile(0.99) is p99. It is 0 if nothing was recorded.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := max(uint64(q*float64(h.total)+0.5), 1)
	var seen uint64
	for i, n := range &h.counts {
		if seen += n; seen >= rank {
			return min(upper(i), h.max)
		}
	}
	return h.max
}

// bucket returns the place of a value. Values below 2^subBits have one each.
func bucket(v uint64) int {
	if v >= 1<<(longest+1) {
		v = 1<<(longest+1) - 1
	}
	if v < subs {
		return int(v)
	}
	shift := bits.Len64(v) - 1 - subBits
	return (shift+1)*subs + int(v>>shift&(subs-1))
}

// upper returns the largest value of a bucket.
func upper(i int) time.Duration {
	if i < subs {
		return time.Duration(i)
	}
	shift := i/subs - 1
	return time.Duration((subs+i%subs+1)<<shift - 1)
}

// Latency is a histogram as its usual figures, in microseconds.
type Latency struct {
	Mean float64 `json:"mean_us"`
	P50  float64 `json:"p50_us"`
	P90  float64 `json:"p90_us"`
	P99  float64 `json:"p99_us"`
	P999 float64 `json:"p99_9_us"`
	Max  float64 `json:"max_us"`
}

// Latency returns the usual figures; nil if nothing was recorded.
func (h *Histogram) Latency() *Latency {
	if h.total == 0 {
		return nil
	}
	us := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
	return &Latency{
		Mean: us(h.Mean()), P50: us(h.Quantile(0.5)), P90: us(h.Quantile(0.9)),
		P99: us(h.Quantile(0.99)), P999: us(h.Quantile(0.999)), Max: us(h.max),
	}
}
