package client

import "time"

// Phase is what a [Client] is doing.
type Phase uint8

// The phases.
const (
	PhaseNew        Phase = iota // Connect was not called yet
	PhaseConnecting              // an attempt is being made
	PhaseOpen                    // there is a session
	PhaseWaiting                 // for the time of the next attempt
	PhaseClosed                  // for good
)

var phaseNames = [...]string{"new", "connecting", "open", "waiting", "closed"}

// String returns the name of the phase: "connecting".
func (p Phase) String() string { return phaseNames[p] }

// State is where a [Client] stands.
type State struct {
	Phase Phase
	// Next is when the next attempt is made, in PhaseWaiting.
	Next time.Time
	// Err is why the last attempt or session ended, in PhaseWaiting, and why there
	// will be no other, in PhaseClosed. It is a *status.Error, with a [CloseError]
	// as its cause if the server closed the connection.
	Err error
}
