package client

import (
	"context"
	"slices"
	"sync"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire"
)

// featureSettled tells the server that this client says which keys it may forget,
// so that it remembers those only whose acks are not known to have arrived.
const featureSettled = "settled"

// settleAfter is how many acks are told together.
const settleAfter = 32

// settled are the frames of a connection that will not be sent again.
type settled struct {
	mu  sync.Mutex
	ids []uint64 // guarded by mu
}

// settles reports whether the server wants to be told.
func (s *session) settles() bool {
	return slices.Contains(s.conn.Welcome().GetFeatures(), featureSettled)
}

func (s *settled) add(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids = append(s.ids, id)
}

// take returns the frames if there are enough of them to be told.
func (s *settled) take() []uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ids) < settleAfter {
		return nil
	}
	ids := s.ids
	s.ids = nil
	return ids
}

// settle tells the server which keys it may forget.
func (s *session) settle() error {
	ids := s.settled.take()
	if len(ids) == 0 {
		return nil
	}
	f := control(wire.KindSettled, &protowayv1.Settled{Ids: ids})
	return s.conn.send(context.Background(), &f) // it ends with the connection
}

// ended reports whether the entry has its ack and is not sent again.
func (e *entry) ended() bool {
	select {
	case <-e.done:
		return true
	default:
		return false
	}
}
