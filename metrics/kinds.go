package metrics

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/protoway/protoway/status"
)

const (
	// maxKinds bounds the series if types come in that no schema of this node
	// has, such as publications of a newer node.
	maxKinds = 2000
	// otherKind counts the types beyond it.
	otherKind = "other"
)

// kinds are the metrics that have a type. Looking one up takes no lock and
// allocates nothing: the map is replaced when a type is new, never changed.
type kinds struct {
	acked        *prometheus.CounterVec
	seconds      *prometheus.Desc // of the times of handlers
	bounds       []time.Duration  // of their buckets
	panics       *prometheus.CounterVec
	publications *prometheus.CounterVec
	deliveries   *prometheus.CounterVec
	dropped      *prometheus.CounterVec
	skipped      *prometheus.CounterVec

	known atomic.Pointer[map[string]*kind]
	mu    sync.Mutex // held to replace known
}

// kind has the collectors of one type, each made when it is first needed, so
// that no series exists for what never happened.
type kind struct {
	name    string
	metrics *kinds
	acks    [status.NumCodes]lazy[prometheus.Counter]
	seconds lazy[*times]

	publications, deliveries lazy[prometheus.Counter]
}

func newKinds(buckets []float64) *kinds {
	k := &kinds{
		acked: counter("frames_acked_total", "Frames of clients that were handled or refused, by status code.", "type", "code"),
		seconds: prometheus.NewDesc(namespace+"_handler_seconds", "How long the handlers of a message took.",
			[]string{"type"}, nil),
		bounds:       durations(buckets),
		panics:       counter("handler_panics_total", "Panics of handlers.", "type"),
		publications: counter("publications_total", "Publications to groups that reached this node.", "type"),
		deliveries:   counter("deliveries_total", "Publications times the members they reached on this node.", "type"),
		dropped:      counter("publications_dropped_total", "Publications that this node could not deliver.", "type", "reason"),
		skipped:      counter("deliveries_dropped_total", "Publications that slow members did not get.", "type", "policy"),
	}
	k.known.Store(&map[string]*kind{})
	return k
}

// collectors returns what is to be scraped.
func (k *kinds) collectors() []prometheus.Collector {
	return []prometheus.Collector{k.acked, k, k.panics, k.publications, k.deliveries, k.dropped, k.skipped}
}

// of returns the collectors of a type.
func (k *kinds) of(name string) *kind {
	if found := (*k.known.Load())[name]; found != nil {
		return found
	}
	return k.add(name)
}

func (k *kinds) add(name string) *kind {
	k.mu.Lock()
	defer k.mu.Unlock()
	known := *k.known.Load()
	if len(known) >= maxKinds {
		name = otherKind
	}
	if found := known[name]; found != nil {
		return found
	}
	added := &kind{name: name, metrics: k}
	grown := maps.Clone(known)
	grown[name] = added
	k.known.Store(&grown)
	return added
}

func (k *kind) ack(code status.Code) prometheus.Counter {
	if !code.Valid() {
		code = status.Unknown
	}
	if c, ok := k.acks[code].get(); ok {
		return c
	}
	return k.acks[code].set(k.metrics.acked.WithLabelValues(k.name, code.String()))
}

func (k *kind) handled() *times {
	if t, ok := k.seconds.get(); ok {
		return t
	}
	return k.seconds.keep(newTimes(k.metrics.bounds))
}

// Describe says which metrics Collect sends.
func (k *kinds) Describe(descs chan<- *prometheus.Desc) { descs <- k.seconds }

// Collect sends the times of handlers.
func (k *kinds) Collect(metrics chan<- prometheus.Metric) {
	for _, each := range *k.known.Load() {
		if t, ok := each.seconds.get(); ok {
			metrics <- t.metric(k.seconds, each.name)
		}
	}
}

func (k *kind) published() (publications, deliveries prometheus.Counter) {
	publications, ok := k.publications.get()
	if !ok {
		publications = k.publications.set(k.metrics.publications.WithLabelValues(k.name))
	}
	deliveries, ok = k.deliveries.get()
	if !ok {
		deliveries = k.deliveries.set(k.metrics.deliveries.WithLabelValues(k.name))
	}
	return publications, deliveries
}

// lazy is a collector that two goroutines may resolve at the same time: they
// get the same one, from its vector if it has one.
type lazy[C any] struct{ resolved atomic.Pointer[C] }

func (l *lazy[C]) get() (collector C, ok bool) {
	if p := l.resolved.Load(); p != nil {
		return *p, true
	}
	return collector, false
}

// keep is set for a collector that its vector does not know: the first one counts.
func (l *lazy[C]) keep(collector C) C {
	l.resolved.CompareAndSwap(nil, &collector)
	return *l.resolved.Load()
}

func (l *lazy[C]) set(collector C) C {
	l.resolved.Store(&collector)
	return collector
}
