// Package broadcast brings messages to the members of groups.
//
// A [Hub] knows the members on this node; a [Broker] carries publications
// between nodes. Publishing goes through both, always in this order:
//
//	hub.Publish → Broker.Publish → every node's hub → members
//
// The one idea: a publication is encoded once per dialect and node, whatever
// the number of members.
package broadcast

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// Publication is a message on its way to a group.
type Publication struct {
	Group string
	// Position is where it stands in the group's history; the zero value if the
	// group has none.
	Position wire.Position
	// Prev is the offset of its predecessor in the group; 0 if not known.
	Prev uint64
	// Type is the message's name on the wire.
	Type string
	// Payload is the serialized message, as protobuf.
	Payload []byte
	// Key names the intent, so that publishing again changes nothing: see [Once].
	Key string
	// At is when it was published, by the publishing node's clock.
	At time.Time
	// Except is the session that does not get it; empty for none.
	Except string
	// Retention is how long the history keeps it; nil: it is not kept. See [Keep].
	Retention *Retention
	// Window is for how long the broker remembers Key; 0: not at all.
	Window time.Duration
	// Duplicate is set by the broker: Key was taken before, and nothing was published.
	Duplicate bool

	more bool // others are likely to follow at once

	reached int32 // members that got it on this node, known after a local delivery
}

// PublishOption changes how one message is published.
type PublishOption func(*Publication)

// Except leaves out the member with a session, usually the sender.
func Except(session string) PublishOption {
	return func(p *Publication) { p.Except = session }
}

// More says that other publications to the group are likely to follow at once:
// they share the writes to the members. The publication is delivered all the same
// if none does, by another goroutine.
func More(p *Publication) { p.more = true }

// MaxGroupBytes is the longest name of a group.
const MaxGroupBytes = 1000

// userPrefix marks the groups that the server joins for each user. Receivers
// cannot join or publish to names that start with the reserved sign.
const (
	reservedSign = "@"
	userPrefix   = reservedSign + "user:"
)

// UserGroup returns the group that all connections of a user are in.
func UserGroup(user string) string { return userPrefix + user }

// CheckGroup says whether an application may use a group name.
func CheckGroup(name string) error {
	switch {
	case name == "":
		return status.InvalidArgument.Errorf("the name of the group is empty")
	case len(name) > MaxGroupBytes:
		return status.InvalidArgument.Errorf("the name of the group has %d bytes, at most %d are allowed", len(name), MaxGroupBytes)
	case !utf8.ValidString(name):
		return status.InvalidArgument.Errorf("the name of the group is not valid UTF-8")
	case strings.HasPrefix(name, reservedSign):
		return status.InvalidArgument.Errorf("group %q: names that start with %q belong to the server", name, reservedSign)
	}
	return nil
}

// String describes the publication in logs, without its content.
func (p *Publication) String() string {
	return fmt.Sprintf("%s to %q", p.Type, p.Group)
}
