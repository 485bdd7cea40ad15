package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/protoway/protoway/consumer"
)

// The gauges, read when a scraper asks.
var (
	connections   = gauge("connections", "Open connections.")
	authenticated = gauge("connections_authenticated", "Open connections with a signed-in user.")
	users         = gauge("users", "Different users signed in on this node.")
	groups        = gauge("groups", "Groups with members on this node.")
	poolRunning   = gauge("pool_running", "Workers of a pool that run.", "pool")
	poolQueued    = gauge("pool_queued", "Lanes or tasks that wait for a worker of a pool.", "pool")
	dedupeEntries = gauge("dedupe_entries", "Keyed frames whose outcome is remembered.")
	draining      = gauge("draining", "1 while the node drains, else 0.")
)

// The labels of the two pools.
const (
	poolSync  = "sync"
	poolAsync = "async"
)

// watched is where the gauges come from.
type watched struct {
	stats  func() consumer.Stats
	groups func() int
}

// Watch reads the state of a node at each scrape, such as [consumer.Node.Stats],
// and how many groups it has, such as [broadcast.Hub.Groups]. Without it the
// gauges are absent. A second call replaces the first.
func (p *Prometheus) Watch(stats func() consumer.Stats, groups func() int) {
	p.watched.Store(&watched{stats, groups})
}

// Describe says which metrics there are.
func (p *Prometheus) Describe(descs chan<- *prometheus.Desc) {
	for _, c := range p.counted() {
		c.Describe(descs)
	}
	for _, d := range []*prometheus.Desc{
		connections, authenticated, users, groups, poolRunning, poolQueued, dedupeEntries, draining,
	} {
		descs <- d
	}
}

// Collect says what they are now.
func (p *Prometheus) Collect(metrics chan<- prometheus.Metric) {
	for _, c := range p.counted() {
		c.Collect(metrics)
	}
	w := p.watched.Load()
	if w == nil {
		return
	}
	send := func(desc *prometheus.Desc, value int, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), labels...)
	}
	collectStats(w.stats(), send)
	send(groups, w.groups())
}

func (p *Prometheus) counted() []prometheus.Collector {
	return append(p.kinds.collectors(), p.opened, p.closed, p.limited)
}

func collectStats(s consumer.Stats, send func(desc *prometheus.Desc, value int, labels ...string)) {
	send(connections, s.Connections)
	send(authenticated, s.Authenticated)
	send(users, s.Users)
	send(poolRunning, s.SyncRunning, poolSync)
	send(poolRunning, s.AsyncRunning, poolAsync)
	send(poolQueued, s.SyncQueued, poolSync)
	send(poolQueued, s.AsyncQueued, poolAsync)
	send(dedupeEntries, s.DedupeEntries)
	if s.Draining {
		send(draining, 1)
	} else {
		send(draining, 0)
	}
}

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}
