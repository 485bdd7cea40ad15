// Package metrics counts what the gateway does, for Prometheus.
//
//	m := metrics.New(metrics.Config{})
//	http.Handle("/metrics", m.Handler())
//
// The one idea: labels come from the server, never from strangers, so that no
// client can make series without end. What each metric means is said in
// docs/operations.md.
package metrics

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/status"
)

// namespace is in front of the name of every metric.
const namespace = "protoway"

// defaultBuckets reach from a handler that only computes to the default of
// [consumer.Limits.HandlerTimeout], in seconds.
var defaultBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// Config says how to count. The zero value is good for production.
type Config struct {
	// Buckets of the handler times, in seconds and ascending. Default: 0.5 ms to
	// 30 s.
	Buckets []float64
	// OmitRuntime leaves out what the Go runtime and the process say about
	// themselves (go_*, process_*), for programs that export it elsewhere.
	OmitRuntime bool
}

// Prometheus counts what consumers and the hub do. It has a registry of its own,
// served by [Prometheus.Handler]; being a collector, it can also be registered
// with the registry of a program that has one.
type Prometheus struct {
	registry *prometheus.Registry
	opened   *prometheus.CounterVec
	closed   *prometheus.CounterVec
	limited  *prometheus.CounterVec
	kinds    *kinds
	watched  atomic.Pointer[watched] // nil before Watch
}

var (
	_ consumer.Observer    = (*Prometheus)(nil)
	_ prometheus.Collector = (*Prometheus)(nil)
)

// New returns metrics that count from zero.
func New(config Config) *Prometheus {
	if len(config.Buckets) == 0 {
		config.Buckets = defaultBuckets
	}
	p := &Prometheus{
		registry: prometheus.NewRegistry(),
		opened:   counter("connections_opened_total", "Connections accepted.", "path", "dialect"),
		closed:   counter("connections_closed_total", "Connections ended, by close code.", "path", "dialect", "code"),
		limited:  counter("limited_total", "Times that a limit was reached.", "limit"),
		kinds:    newKinds(config.Buckets),
	}
	p.registry.MustRegister(p) // cannot clash: the registry is new
	if !config.OmitRuntime {
		p.registry.MustRegister(collectors.NewGoCollector(),
			collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	return p
}

// Handler serves the metrics in the text format of Prometheus or in OpenMetrics,
// as the scraper asks for.
func (p *Prometheus) Handler() http.Handler {
	return promhttp.HandlerFor(p.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// Opened counts a new connection.
func (p *Prometheus) Opened(path, dialect string) {
	p.opened.WithLabelValues(path, dialect).Inc()
}

// Closed counts a connection that ended.
func (p *Prometheus) Closed(path, dialect string, code consumer.CloseCode) {
	p.closed.WithLabelValues(path, dialect, closeLabel(code)).Inc()
}

// Acked counts a frame that was handled or refused.
func (p *Prometheus) Acked(kind string, code status.Code) { p.kinds.of(kind).ack(code).Inc() }

// Handled measures the handlers of a message.
func (p *Prometheus) Handled(kind string, took time.Duration) {
	p.kinds.of(kind).handled().observe(took)
}

// Limited counts that a limit was reached.
func (p *Prometheus) Limited(limit string) { p.limited.WithLabelValues(limit).Inc() }

// DeliveryDropped counts a publication that a slow member does not get.
func (p *Prometheus) DeliveryDropped(kind, policy string) {
	k := p.kinds.of(kind)
	p.kinds.skipped.WithLabelValues(k.name, policy).Inc()
}

// Panicked counts a panic of a handler.
func (p *Prometheus) Panicked(kind string) {
	k := p.kinds.of(kind)
	p.kinds.panics.WithLabelValues(k.name).Inc()
}

// Published counts a publication and the members it reached on this node.
func (p *Prometheus) Published(kind string, reached int) {
	publications, deliveries := p.kinds.of(kind).published()
	publications.Inc()
	deliveries.Add(float64(reached))
}

// PublicationDropped counts a publication that could not be delivered.
func (p *Prometheus) PublicationDropped(kind, reason string) {
	k := p.kinds.of(kind)
	p.kinds.dropped.WithLabelValues(k.name, reason).Inc()
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}
