package wire

import (
	"google.golang.org/protobuf/proto"
)

// Dialect is a way to write frames. It is stateless and shared.
type Dialect interface {
	// Name is what Config, logs and metrics call it.
	Name() string
	// Subprotocol is what a WebSocket client offers to speak it; empty if clients
	// offer none.
	Subprotocol() string
	// Text reports whether frames travel as text.
	Text() bool
	// Joins reports whether frames, appended to each other, are one message. If
	// not, every frame is a message of its own.
	Joins() bool
	// Handshake reports whether a connection begins with Hello and Welcome, and
	// shows by heartbeats that it is alive. If not, frames are taken from the
	// start, and a reply is a frame of its own in front of the ack.
	Handshake() bool
	// Open starts the dialect on one side of a connection.
	Open(catalog *Catalog, side Side) Session
	// AppendPublication encodes a frame of a group, the same for every connection.
	AppendPublication(dst []byte, catalog *Catalog, f *Frame) ([]byte, error)
}

// Session is a dialect on one connection. Decode, LaneValue are called by the
// reader only; Unmarshal and Append may be called concurrently.
type Session interface {
	// Decode splits a message of the transport into frames and hands them over in
	// their order, also those that could not be decoded, with Err set. The frame
	// and its payload are valid during the call only.
	Decode(message []byte, text bool, handle func(*Frame))
	// Unmarshal decodes the payload of a frame.
	Unmarshal(payload []byte, m proto.Message) error
	// LaneValue appends the value of the lane field of a payload to dst, as text.
	LaneValue(dst []byte, e *Entry, payload []byte) []byte
	// Append encodes a frame. What the dialect has no words for is left out.
	Append(dst []byte, f *Frame) ([]byte, error)
}

// MaxBatchFrames is the most frames in one message of a client. A server's are
// bounded by their bytes only.
const MaxBatchFrames = 256

// MaxKeyBytes is the longest key of a frame.
const MaxKeyBytes = 128
