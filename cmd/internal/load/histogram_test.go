package load_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/protoway/protoway/cmd/internal/load"
)

func TestQuantiles(t *testing.T) {
	h := &load.Histogram{}
	for i := 1; i <= 1000; i++ {
		h.Record(time.Duration(i) * time.Microsecond)
	}
	for q, want := range map[float64]time.Duration{
		0: time.Microsecond, 0.5: 500 * time.Microsecond, 0.9: 900 * time.Microsecond,
		0.99: 990 * time.Microsecond, 0.999: 999 * time.Microsecond, 1: 1000 * time.Microsecond,
	} {
		if got := h.Quantile(q); got < want || float64(got) > 1.016*float64(want) {
			t.Errorf("the quantile %v is %s, want %s to %s", q, got, want, want+want/64)
		}
	}
	if h.Max() != time.Millisecond || h.Mean() != 500500*time.Nanosecond || h.Count() != 1000 {
		t.Errorf("max %s, mean %s, count %d", h.Max(), h.Mean(), h.Count())
	}
}

func TestOneValueIsEveryQuantile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := time.Duration(rapid.Int64Range(0, math.MaxInt64).Draw(t, "v"))
		h := load.Records(v)
		for _, q := range []float64{0, 0.5, 1} {
			got := h.Quantile(q)
			if v < 1<<41 && got != v { // the maximum is exact, and bounds the bucket
				t.Fatalf("the quantile %v of %d is %d", q, v, got)
			}
			if v >= 1<<41 && (got > v || got < 1<<41-1) {
				t.Fatalf("the quantile %v of %d is %d, above what has a bucket", q, v, got)
			}
		}
	})
}

func TestBucketsAreNarrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := time.Duration(rapid.Int64Range(1, 1<<41-1).Draw(t, "v"))
		got := load.Records(v, 1<<62).Quantile(0.5)
		if got < v || float64(got) > float64(v)*65/64 {
			t.Fatalf("%d is counted as %d", v, got)
		}
	})
}

func TestHistogramsAdd(t *testing.T) {
	a, b := load.Records(1, 2, 3), load.Records(100*time.Second)
	a.Add(b)
	if a.Count() != 4 || a.Max() != 100*time.Second || a.Quantile(0.5) != 2 || a.Mean() != 25*time.Second+1 {
		t.Errorf("count %d, max %s, median %s, mean %s", a.Count(), a.Max(), a.Quantile(0.5), a.Mean())
	}
}

func TestEmptyHistogram(t *testing.T) {
	h := &load.Histogram{}
	if h.Latency() != nil || h.Quantile(0.5) != 0 || h.Mean() != 0 {
		t.Error("an empty histogram has figures")
	}
	h.Record(-time.Second)
	if h.Max() != 0 || h.Count() != 1 {
		t.Errorf("a negative duration counts as %s, %d times", h.Max(), h.Count())
	}
}

func TestAllocRecord(t *testing.T) {
	h := &load.Histogram{}
	if n := testing.AllocsPerRun(100, func() { h.Record(time.Second) }); n != 0 {
		t.Errorf("Record allocates %v times", n)
	}
}
