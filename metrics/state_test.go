package metrics_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/protoway/protoway/consumer"
)

func TestWatchReadsTheStateAtEachScrape(t *testing.T) {
	m := newMetrics()
	stats, groups := consumer.Stats{}, 0
	m.Watch(func() consumer.Stats { return stats }, func() int { return groups })
	want := map[string]float64{
		`protoway_connections`:                0,
		`protoway_connections_authenticated`:  0,
		`protoway_users`:                      0,
		`protoway_groups`:                     0,
		`protoway_pool_running{pool="sync"}`:  0,
		`protoway_pool_queued{pool="sync"}`:   0,
		`protoway_pool_running{pool="async"}`: 0,
		`protoway_pool_queued{pool="async"}`:  0,
		`protoway_dedupe_entries`:             0,
		`protoway_draining`:                   0,
	}
	if diff := cmp.Diff(want, scrape(t, m)); diff != "" {
		t.Errorf("idle (-want +got):\n%s", diff)
	}
	stats = consumer.Stats{
		Connections: 9, Authenticated: 8, Users: 7, SyncRunning: 6, SyncQueued: 5,
		AsyncRunning: 4, AsyncQueued: 3, DedupeEntries: 2, Draining: true,
	}
	groups = 11
	want = map[string]float64{
		`protoway_connections`:                9,
		`protoway_connections_authenticated`:  8,
		`protoway_users`:                      7,
		`protoway_groups`:                     11,
		`protoway_pool_running{pool="sync"}`:  6,
		`protoway_pool_queued{pool="sync"}`:   5,
		`protoway_pool_running{pool="async"}`: 4,
		`protoway_pool_queued{pool="async"}`:  3,
		`protoway_dedupe_entries`:             2,
		`protoway_draining`:                   1,
	}
	if diff := cmp.Diff(want, scrape(t, m)); diff != "" {
		t.Errorf("busy (-want +got):\n%s", diff)
	}
}
