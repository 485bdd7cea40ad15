package broadcast

import (
	"context"

	"github.com/protoway/protoway/wire"
)

// History is what a [Broker] can do besides if it keeps publications: those with a
// [Retention]. The others have no position and are no part of it.
//
// What it promises, and package brokertest checks:
//
//   - Publishing with a retention and without an error stores once, in one order per
//     group that is the same on all nodes. Offsets rise; Prev is the offset of the
//     predecessor. An error or timeout says nothing: the same may be published again
//     with the same key within its window and returns the first position, marked as
//     [Publication].Duplicate.
//   - Keys count per group. They outlive [History.Drop]. A broker without room for
//     keys refuses with status.ResourceExhausted; it forgets none before its time.
//   - What was handed to any [Handler] before a call of Top or Since began is in the
//     answer, and so is what Publish has returned for.
//   - Since is complete or says why not: it never returns a part. It is complete for a
//     group that was silent for longer than its ttl, asked from its top.
//   - An error of Top or Since says nothing about the history: asked again later, from
//     the same position, the answer may be complete.
//   - An epoch is never used again. If offsets could be, because the history was lost,
//     rolled back or dropped, there is a new epoch.
type History interface {
	// Top returns where the groups stand, in their order. A group that has kept
	// nothing yet stands at offset 0 of an epoch: from there nothing is missed either.
	Top(ctx context.Context, groups ...string) ([]wire.Position, error)
	// Since returns what was published to a group after a position.
	Since(ctx context.Context, group string, from wire.Position, most Limit) (Range, error)
	// Drop forgets the history of a group and begins a new epoch. The handlers of
	// nodes that are subscribed are told by OnInterrupted, in order with their
	// publications.
	Drop(ctx context.Context, group string) error
}

// Limit is how much a recovery returns at most; more is [ReasonTooMany]. 0 is no limit.
type Limit struct {
	Count int // publications
	Bytes int // of their payloads, together
}

// Range is the answer of [History].Since.
type Range struct {
	// Publications are all that came after the position, in order. They are the
	// caller's own, except for their payloads. Empty if Complete is false.
	Publications []Publication
	// Top is where the group stands: the last of Publications, the position that was
	// asked for if there are none, or where to go on if it is not Complete.
	Top wire.Position
	// Complete reports whether nothing is missing.
	Complete bool
	// Reason says why not; empty if Complete.
	Reason Reason
}

// Reason says why a recovery is not complete. It is sent to clients.
type Reason string

const (
	// ReasonEpoch is a position of another epoch, or without one: the history was lost,
	// dropped or forgotten.
	ReasonEpoch Reason = "epoch"
	// ReasonTrimmed is a position whose successors may not be kept any more.
	ReasonTrimmed Reason = "trimmed"
	// ReasonAhead is a position that the group has not reached.
	ReasonAhead Reason = "ahead"
	// ReasonTag is an offset that belongs to another publication than the one of the
	// position.
	ReasonTag Reason = "tag"
	// ReasonTooMany is more than the [Limit].
	ReasonTooMany Reason = "too_many"
)
