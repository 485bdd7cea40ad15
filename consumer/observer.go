package consumer

import (
	"time"

	"github.com/protoway/protoway/broadcast"
	"github.com/protoway/protoway/status"
)

// Observer is told what consumers do, for metrics. Its methods are called often
// and never block. Types that the server does not know are reported as "unknown".
type Observer interface {
	broadcast.Observer
	// Opened and Closed frame the life of a connection.
	Opened(path, dialect string)
	Closed(path, dialect string, code CloseCode)
	// Acked is called once for each frame of a client, also if it asked for no ack.
	Acked(kind string, code status.Code)
	// Handled says how long the handlers of a message took.
	Handled(kind string, took time.Duration)
	// Limited is called whenever a limit was reached, by its key in the configuration.
	Limited(limit string)
	// DeliveryDropped is called for each publication that a member does not get since
	// it is slow, with what the message's rule says for that: drop or latest.
	DeliveryDropped(kind, policy string)
	// Panicked is called for each panic of a handler.
	Panicked(kind string)
}

// Stats is the state of a node at one moment.
type Stats struct {
	Connections   int // open
	Authenticated int // of these, signed in
	Users         int // different ones of these
	SyncRunning   int // workers that run a lane
	SyncQueued    int // lanes that wait for a worker
	AsyncRunning  int
	AsyncQueued   int
	DedupeEntries int
	Draining      bool
}
