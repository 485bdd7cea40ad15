package client_test

import (
	"sync"
	"testing"
	"time"

	"github.com/protoway/protoway"
	client "github.com/protoway/protoway/clients/go"
	"github.com/protoway/protoway/consumer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/wire"
)

// alone is a dialect whose every frame is a message of its own.
type alone struct{ wire.Dialect }

func (alone) Joins() bool { return false }

// BenchmarkBatching compares calls of 64 goroutines over one connection with and
// without batches, by turns, so that what else the machine does meets both. Read the
// ratio: how many times as many calls a second there are with batches.
func BenchmarkBatching(b *testing.B) {
	const callers, round = 64, 64 * 64
	g := serve(b, protoway.Config{Limits: consumer.Limits{MaxInFlight: callers + 1}}, greet())
	joined, single := g.dial(b), g.dial(b, client.WithDialect(alone{wire.Protobuf}))
	calls := func(conn *client.Conn) time.Duration {
		began := time.Now()
		var running sync.WaitGroup
		for range callers {
			running.Go(func() {
				for range round / callers {
					if err := conn.Call(b.Context(), &testv1.Greet{Name: "Ada"}, &testv1.Greeting{}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		running.Wait()
		return time.Since(began)
	}
	calls(joined)
	calls(single)
	var with, without time.Duration
	for b.Loop() {
		with += calls(joined)
		without += calls(single)
	}
	all := float64(b.N * round)
	b.ReportMetric(all/with.Seconds(), "calls/s-batched")
	b.ReportMetric(all/without.Seconds(), "calls/s-alone")
	b.ReportMetric(without.Seconds()/with.Seconds(), "ratio")
}
