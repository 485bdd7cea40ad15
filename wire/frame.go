// Package wire turns bytes of a WebSocket into frames and back.
//
// A [Dialect] is a way to write frames; [Protobuf] and [JSON] are the native
// ones. It opens a [Session] per connection, which decodes what the client sent:
//
//	session := wire.Protobuf.Open(catalog, wire.ServerSide)
//	session.Decode(message, false, func(f *wire.Frame) { ... })
//
// The one idea: everything above this package sees frames and typed messages,
// and never how they were spelled.
package wire

import (
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/status"
)

// Kind says what a frame is.
type Kind uint8

// The kinds of frames; frame.proto says what each means.
const (
	KindUnknown Kind = iota // none of these: a newer protocol, or nothing at all
	KindMessage
	KindAck
	KindHello
	KindWelcome
	KindProgress
	KindAuthenticate
	KindJoined
	KindLeft
	KindHeartbeat
	KindGoaway
	KindSettled
)

var kindNames = [...]string{
	"unknown", "message", "ack", "hello", "welcome", "progress", "authenticate", "joined", "left", "heartbeat", "goaway", "settled",
}

// String returns the name of the kind as frame.proto spells its field.
func (k Kind) String() string { return kindNames[k] }

// Frame is the unit that is routed and acked. Which of its parts count depends
// on Kind.
type Frame struct {
	// ID asks the other side for exactly one ack; 0 asks for none.
	ID uint64
	// Re names the other side's frame that this one belongs to; 0 for none.
	Re uint64
	// Tag is how the dialect itself names the client's frame that this one is or
	// belongs to; empty for dialects that have nothing but ID and Re.
	Tag  string
	Kind Kind
	// Token comes with a frame of dialects that state the identity in each; empty
	// if it stays as it is.
	Token string
	// APIVersion is what the client says it was made for; 0 if it said nothing.
	APIVersion int32
	// Done ends the progress of a frame, in dialects that say so: KindProgress,
	// with Ack.Error as the reason of a failure.
	Done bool
	// Err is why the frame could not be decoded. ID and Re are what could be
	// read before that; nothing else of the frame counts.
	Err *status.Error

	Message Message       // KindMessage
	Ack     Ack           // KindAck
	Control proto.Message // the other kinds: *protowayv1.Hello and so on
}

// Message is a message of the application on its way.
type Message struct {
	// Type is its name on the wire.
	Type string
	// Entry is what the catalog knows about it; nil if the type is unknown.
	Entry *Entry
	// Payload is the serialized message: in frames that were decoded as the
	// dialect spells it, in frames to encode as protobuf. It is not used when
	// encoding a frame that has a Value.
	Payload []byte
	// Value is the message to encode.
	Value    proto.Message
	Key      string
	Group    string
	Position Position
}

// Position is a place in the history of a group. The zero value is no place.
type Position struct {
	// Epoch changes whenever offsets start anew.
	Epoch string
	// Offset counts the publications of the group in this epoch, from 1.
	Offset uint64
	// Tag is random for each publication and detects reused offsets.
	Tag uint32
}

// Ack ends the frame that Frame.Re names.
type Ack struct {
	// Error is nil for a frame that was handled.
	Error *status.Error
	// Reply is the message that answers the frame; its Type is empty if there is none.
	Reply Message
}

// NewAck returns the frame that acks id.
func NewAck(id uint64, err *status.Error) Frame {
	return Frame{Re: id, Kind: KindAck, Ack: Ack{Error: err}}
}

// frames are those that are being handed over, used again for the next.
var frames = sync.Pool{New: func() any { return &Frame{} }}

func putFrame(f *Frame) {
	f.reset()
	frames.Put(f)
}

// reset makes f ready for the next frame without giving up what it refers to
// longer than needed.
func (f *Frame) reset() { *f = Frame{} }
