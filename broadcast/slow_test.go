package broadcast_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/broadcast"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/wire"
)

// ruled is a member that tells the rule of each frame.
type ruled struct {
	*member
	t     *testing.T
	rules chan broadcast.Slow
}

func newRuled(t *testing.T, dialect wire.Dialect) *ruled {
	t.Helper()
	return &ruled{newMember("m", dialect), t, make(chan broadcast.Slow, 100)}
}

func (r *ruled) Deliver(b *broadcast.Bundle) {
	r.member.Deliver(b)
	frames := len(b.Ends) + 1
	if len(b.Slow) != 0 && len(b.Slow) != frames {
		r.t.Errorf("%d rules for %d frames", len(b.Slow), frames)
	}
	for i := range frames {
		if len(b.Slow) > 0 {
			r.rules <- b.Slow[i]
		} else {
			r.rules <- broadcast.Slow{}
		}
	}
}

// TestEachPublicationHasItsRule, also if several of them go together.
func TestEachPublicationHasItsRule(t *testing.T) {
	long := strings.Repeat("symbol", 100)
	price, cursor := protowayv1.SlowConsumer_LATEST, protowayv1.SlowConsumer_DROP
	publications := []struct {
		m    proto.Message
		want broadcast.Slow
	}{
		{&testv1.Price{Symbol: "a"}, broadcast.Slow{Policy: price, Topic: broadcast.Topic{Group: "room", Type: "price", Key: "a"}}},
		{&testv1.Event{}, broadcast.Slow{}},
		{&testv1.Price{Number: 5}, broadcast.Slow{Policy: price, Topic: broadcast.Topic{Group: "room", Type: "price"}}},
		{&testv1.Cursor{Number: 5}, broadcast.Slow{Policy: cursor, Topic: broadcast.Topic{Group: "room", Type: "cursor"}}},
		{&testv1.Event{}, broadcast.Slow{}},
	}
	for _, dialect := range []wire.Dialect{wire.Protobuf, wire.JSON} {
		hub := newHub(t, broadcast.NewMemory())
		m := newRuled(t, dialect)
		leave := join(t, hub, "room", m)
		g, err := hub.Acquire(t.Context(), "room")
		if err != nil {
			t.Fatal(err)
		}
		// While somebody joins nothing is delivered: what comes meanwhile goes together.
		late := newMember("late", dialect)
		g.Add(late, func() {
			for _, p := range publications {
				if _, err := hub.Publish(t.Context(), "room", p.m, broadcast.More); err != nil {
					t.Error(err)
				}
			}
		})
		if _, err := hub.Publish(t.Context(), "room", &testv1.Price{Symbol: long}); err != nil {
			t.Fatal(err)
		}
		for i, p := range publications {
			if diff := cmp.Diff(p.want, <-m.rules); diff != "" {
				t.Errorf("%s: publication %d (-want +got):\n%s", dialect.Name(), i, diff)
			}
		}
		if key := (<-m.rules).Topic.Key; len(key) > 64 || key == "" {
			t.Errorf("%s: a long key is kept with %d bytes", dialect.Name(), len(key))
		}
		g.Remove(late, nil)
		hub.Release(g)
		leave()
	}
}

// TestHistoriesHaveNoHoles: a publication with a position waits for slow members.
func TestHistoriesHaveNoHoles(t *testing.T) {
	hub := newHub(t, broadcast.NewMemory())
	m := newRuled(t, wire.Protobuf)
	defer join(t, hub, "room", m)()
	if _, err := hub.Publish(t.Context(), "room", &testv1.Cursor{}); err != nil { // makes the type known
		t.Fatal(err)
	}
	hub.OnPublication(&broadcast.Publication{Group: "room", Type: "cursor", Position: wire.Position{Epoch: "e", Offset: 1}})
	if first, second := <-m.rules, <-m.rules; first.Policy != protowayv1.SlowConsumer_DROP || second != (broadcast.Slow{}) {
		t.Errorf("rules %v and %v", first, second)
	}
}
