package metrics

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// times is a histogram of durations. It is counted for every request, so it is as
// little as that needs: two additions. What it is for scrapers is made by them.
type times struct {
	bounds []time.Duration // ascending, the upper ones of all buckets but the last
	counts []atomic.Uint64
	sum    atomic.Int64 // in nanoseconds
}

func newTimes(bounds []time.Duration) *times {
	return &times{bounds: bounds, counts: make([]atomic.Uint64, len(bounds)+1)}
}

// observe counts a duration.
func (t *times) observe(took time.Duration) {
	at := 0
	for at < len(t.bounds) && took > t.bounds[at] {
		at++
	}
	t.counts[at].Add(1)
	t.sum.Add(int64(took))
}

// metric returns it as it is now. The count is that of the buckets, so that both
// agree.
func (t *times) metric(desc *prometheus.Desc, labels ...string) prometheus.Metric {
	buckets := make(map[float64]uint64, len(t.bounds))
	var count uint64
	for at := range t.counts {
		count += t.counts[at].Load()
		if at < len(t.bounds) {
			buckets[t.bounds[at].Seconds()] = count
		}
	}
	sum := time.Duration(t.sum.Load()).Seconds()
	return prometheus.MustNewConstHistogram(desc, count, sum, buckets, labels...)
}

// durations returns bounds in seconds as durations, in their order.
func durations(seconds []float64) []time.Duration {
	bounds := make([]time.Duration, len(seconds))
	for i, s := range seconds {
		bounds[i] = time.Duration(s * float64(time.Second))
	}
	slices.Sort(bounds)
	return bounds
}
