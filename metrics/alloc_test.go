package metrics_test

import (
	"testing"
	"time"

	"github.com/protoway/protoway/status"
)

func TestEventsOfFramesDoNotAlloc(t *testing.T) {
	if raceEnabled {
		return // counted by the run without the race detector, see the Makefile
	}
	m := newMetrics()
	for name, event := range map[string]func(){
		"Acked":     func() { m.Acked("say", status.OK) },
		"Handled":   func() { m.Handled("say", time.Millisecond) },
		"Published": func() { m.Published("said", 5) },
	} {
		event()
		if n := testing.AllocsPerRun(1000, event); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}

func BenchmarkAcked(b *testing.B) {
	m := newMetrics()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.Acked("say", status.OK)
		}
	})
}

func BenchmarkHandled(b *testing.B) {
	m := newMetrics()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.Handled("say", time.Millisecond)
		}
	})
}
