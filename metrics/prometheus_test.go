package metrics_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/metrics"
	"github.com/protoway/protoway/status"
)

func newMetrics() *metrics.Prometheus { return metrics.New(metrics.Config{OmitRuntime: true}) }

func TestNothingHappenedExportsNothing(t *testing.T) {
	if got := scrape(t, newMetrics()); len(got) != 0 {
		t.Errorf("series %v, want none", got)
	}
}

func TestEveryEventChangesItsMetric(t *testing.T) {
	for name, test := range map[string]struct {
		event func(m *metrics.Prometheus)
		want  map[string]float64
	}{
		"opened": {
			func(m *metrics.Prometheus) { m.Opened("chat", "protoway.v1") },
			map[string]float64{`protoway_connections_opened_total{dialect="protoway.v1",path="chat"}`: 1},
		},
		"closed": {
			func(m *metrics.Prometheus) { m.Closed("chat", "protoway.v1", consumer.CloseSlow) },
			map[string]float64{`protoway_connections_closed_total{code="4000",dialect="protoway.v1",path="chat"}`: 1},
		},
		"acked": {
			func(m *metrics.Prometheus) { m.Acked("say", status.OK); m.Acked("say", status.OK) },
			map[string]float64{`protoway_frames_acked_total{code="ok",type="say"}`: 2},
		},
		"refused": {
			func(m *metrics.Prometheus) { m.Acked("malformed", status.InvalidArgument) },
			map[string]float64{`protoway_frames_acked_total{code="invalid_argument",type="malformed"}`: 1},
		},
		"acked with no known code": {
			func(m *metrics.Prometheus) { m.Acked("say", status.Code(99)); m.Acked("say", status.Code(-1)) },
			map[string]float64{`protoway_frames_acked_total{code="unknown",type="say"}`: 2},
		},
		"panicked": {
			func(m *metrics.Prometheus) { m.Panicked("say") },
			map[string]float64{`protoway_handler_panics_total{type="say"}`: 1},
		},
		"published": {
			func(m *metrics.Prometheus) { m.Published("said", 3); m.Published("said", 0) },
			map[string]float64{
				`protoway_publications_total{type="said"}`: 2,
				`protoway_deliveries_total{type="said"}`:   3,
			},
		},
		"limited": {
			func(m *metrics.Prometheus) { m.Limited("max_connections"); m.Limited("max_connections") },
			map[string]float64{`protoway_limited_total{limit="max_connections"}`: 2},
		},
		"dropped for one member": {
			func(m *metrics.Prometheus) { m.DeliveryDropped("price", "latest") },
			map[string]float64{`protoway_deliveries_dropped_total{policy="latest",type="price"}`: 1},
		},
		"dropped": {
			func(m *metrics.Prometheus) { m.PublicationDropped("said", "unknown_type") },
			map[string]float64{`protoway_publications_dropped_total{reason="unknown_type",type="said"}`: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMetrics()
			test.event(m)
			if diff := cmp.Diff(test.want, scrape(t, m)); diff != "" {
				t.Errorf("series (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHandledFillsTheHistogram(t *testing.T) {
	m := metrics.New(metrics.Config{OmitRuntime: true, Buckets: []float64{0.1, 1}})
	m.Handled("say", 50*time.Millisecond)
	m.Handled("say", 500*time.Millisecond)
	m.Handled("say", 2*time.Second)
	want := map[string]float64{
		`protoway_handler_seconds_bucket{type="say",le="0.1"}`:  1,
		`protoway_handler_seconds_bucket{type="say",le="1"}`:    2,
		`protoway_handler_seconds_bucket{type="say",le="+Inf"}`: 3,
		`protoway_handler_seconds_sum{type="say"}`:              2.55,
		`protoway_handler_seconds_count{type="say"}`:            3,
	}
	if diff := cmp.Diff(want, scrape(t, m)); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
}

func TestDefaultBucketsReachTheDefaultHandlerTimeout(t *testing.T) {
	m := newMetrics()
	limit := consumer.Limits{}.WithDefaults().HandlerTimeout
	m.Handled("say", limit)
	last := strconv.FormatFloat(limit.Seconds(), 'g', -1, 64)
	expect(t, scrape(t, m), map[string]float64{`protoway_handler_seconds_bucket{type="say",le="` + last + `"}`: 1})
}

func TestStrangersMakeNoSeriesWithoutEnd(t *testing.T) {
	m := newMetrics()
	for code := range 5000 {
		m.Closed("chat", "protoway.v1", consumer.CloseCode(code))
	}
	closed := under(scrape(t, m), "protoway_connections_closed_total")
	if len(closed) > 30 {
		t.Errorf("%d series of close codes, want at most 30", len(closed))
	}
	other := closed[`protoway_connections_closed_total{code="other",dialect="protoway.v1",path="chat"}`]
	if total := other + float64(len(closed)-1); total != 5000 {
		t.Errorf("%v closes counted, want 5000", total)
	}
}

func TestTypesAreBounded(t *testing.T) {
	m := newMetrics()
	for i := range 3000 {
		m.PublicationDropped("type-"+strconv.Itoa(i), "unknown_type")
	}
	got := scrape(t, m)
	if len(got) != 2001 {
		t.Errorf("%d series, want 2001", len(got))
	}
	expect(t, got, map[string]float64{`protoway_publications_dropped_total{reason="unknown_type",type="other"}`: 1000})
}

func TestConcurrentEventsAreAllCounted(t *testing.T) {
	m := newMetrics()
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			for i := range 500 {
				m.Acked("type-"+strconv.Itoa(i%50), status.OK)
				m.Published("said", 1)
			}
		})
	}
	done.Wait()
	got := scrape(t, m)
	var acked float64
	for _, value := range under(got, "protoway_frames_acked_total") {
		acked += value
	}
	if acked != 4000 {
		t.Errorf("%v acks counted, want 4000", acked)
	}
	expect(t, got, map[string]float64{`protoway_deliveries_total{type="said"}`: 4000})
}

func TestRuntimeIsExportedUnlessOmitted(t *testing.T) {
	if got := scrape(t, metrics.New(metrics.Config{})); got["go_goroutines"] < 1 {
		t.Error("go_goroutines is absent")
	}
}

func TestCollectsIntoTheRegistryOfAProgram(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	m := newMetrics()
	if err := registry.Register(m); err != nil {
		t.Fatal(err)
	}
	m.Watch(func() consumer.Stats { return consumer.Stats{Connections: 1} }, func() int { return 1 })
	m.Opened("chat", "protoway.v1")
	families, err := registry.Gather() // pedantic: what is collected was described
	if err != nil {
		t.Fatal(err)
	}
	if len(families) != 9 {
		t.Errorf("%d metrics, want 8 gauges and 1 counter", len(families))
	}
}

func TestNopIsReady(*testing.T) {
	var observer consumer.Observer = metrics.Nop{}
	observer.Opened("chat", "protoway.v1")
	observer.Closed("chat", "protoway.v1", consumer.CloseNormal)
	observer.Acked("say", status.OK)
	observer.Handled("say", time.Second)
	observer.Panicked("say")
	observer.Published("said", 1)
	observer.PublicationDropped("said", "unknown_type")
}
