package client

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/wire"
)

// handlerFunc handles one message.
type handlerFunc = func(ctx context.Context, in proto.Message) (proto.Message, error)

// eventFunc sees one message.
type eventFunc = func(ctx context.Context, in Event)

// registry is the functions of the application by what they handle. The
// connections of a [Client] share one.
type registry struct {
	catalog *wire.Catalog

	mu     sync.RWMutex // guards what follows
	byType map[*wire.Entry][]handlerFunc
	events map[string][]eventFunc // by type; "" is every type
}

func newRegistry(catalog *wire.Catalog) *registry {
	return &registry{catalog: catalog, byType: map[*wire.Entry][]handlerFunc{}, events: map[string][]eventFunc{}}
}

// add adds a handler.
func (r *registry) add(example proto.Message, fn handlerFunc) {
	if example == nil {
		panic("client: OnMessage: the example is nil: pass a message, such as (*chatv1.Said)(nil)")
	}
	e, err := r.catalog.Of(example)
	if err != nil {
		panic(fmt.Sprintf("client: OnMessage: %v", err))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byType[e] = append(slices.Clip(r.byType[e]), fn) // a copy: readers hold the old one
}

// addEvent adds a function that sees all messages of a type.
func (r *registry) addEvent(kind string, fn eventFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events[kind] = append(slices.Clip(r.events[kind]), fn)
}

// of returns the functions for a message of the server.
func (r *registry) of(m *wire.Message) ([]handlerFunc, []eventFunc) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	events := r.events[m.Type]
	if every := r.events[""]; len(every) > 0 {
		events = append(slices.Clip(events), every...)
	}
	return r.byType[m.Entry], events
}
