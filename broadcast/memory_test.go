package broadcast_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/broadcast"
	"github.com/protoway/protoway/broadcast/brokertest"
)

// clock is moved by hand.
type clock struct{ offset atomic.Int64 }

func (c *clock) Now() time.Time          { return time.Unix(1_800_000_000, c.offset.Load()) }
func (c *clock) Advance(d time.Duration) { c.offset.Add(int64(d)) }

func TestMemory(t *testing.T) {
	brokertest.Run(t, brokertest.Backend{Name: brokertest.Memory, Nodes: 1, Start: func(*testing.T) brokertest.Env {
		now := &clock{}
		const storeBytes = 1 << 20
		store := auth.NewMemoryStore(auth.MemoryConfig{MaxBytes: storeBytes, Clock: now.Now})
		return brokertest.Env{
			Node: func(*testing.T) brokertest.Broker {
				return broadcast.NewMemoryWith(broadcast.MemoryConfig{Clock: now.Now})
			},
			Store:      func(*testing.T) brokertest.Store { return store },
			Pass:       now.Advance,
			Jump:       now.Advance,
			MaxPayload: broadcast.DefaultHistoryBytes / 4,
			MaxValue:   storeBytes - 5,
		}
	}})
}
