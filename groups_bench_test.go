package protoway_test

import (
	"fmt"
	"testing"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/consumer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
)

// BenchmarkBroadcastAmongGroups publishes to a group of 100 members while so many
// other groups have a member: what a broadcast costs does not depend on them.
func BenchmarkBroadcastAmongGroups(b *testing.B) {
	for _, groups := range []int{1, 1_000, 100_000} {
		b.Run(fmt.Sprint(groups), func(b *testing.B) {
			server, all, sinks := crowd(b, 100)
			all = append(all, spread(b, server, groups)...)
			event := &testv1.Event{Text: "hello, world"}
			b.ReportAllocs()
			for b.Loop() {
				publishAndWait(b, server, event, sinks)
			}
			finish(b, server, all...)
		})
	}
}

// spread makes groups of one member each, as many to a connection as it may join.
func spread(b *testing.B, server *protoway.Server, groups int) (all []*consumer.Consumer) {
	b.Helper()
	const each = 1000
	for begin := 0; begin < groups; begin += each {
		c, s := connect(b, server, nil)
		for i := begin; i < min(begin+each, groups); i++ {
			c.Receive(messageOf(b, "rework", &testv1.Rework{Subject: fmt.Sprint("group ", i)}), false)
		}
		want := int64(min(each, groups-begin))
		eventually(b, "all were joined", func() bool { return s.bytes.Load() >= want })
		all = append(all, c)
	}
	eventually(b, "all groups are there", func() bool { return server.Stats().SyncQueued == 0 && server.Stats().SyncRunning == 0 })
	return all
}
