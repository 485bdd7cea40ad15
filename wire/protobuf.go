package wire

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Protobuf is the native binary dialect, subprotocol protoway.v1: a message of
// the transport is a serialized protoway.v1.Batch.
var Protobuf Dialect = protobufDialect{}

type protobufDialect struct{}

func (protobufDialect) Name() string        { return "protoway.v1" }
func (protobufDialect) Subprotocol() string { return "protoway.v1" }
func (protobufDialect) Text() bool          { return false }
func (protobufDialect) Joins() bool         { return true }
func (protobufDialect) Handshake() bool     { return true }

func (protobufDialect) Open(catalog *Catalog, side Side) Session {
	return &protobufSession{in: inbox{catalog, side}}
}

func (protobufDialect) AppendPublication(dst []byte, _ *Catalog, f *Frame) ([]byte, error) {
	return appendBatchedFrame(dst, f)
}

// protobufSession is the native binary dialect on one connection.
type protobufSession struct {
	in inbox
}

// batchFramesTag is the tag of Batch.frames.
const batchFramesTag = 1<<3 | byte(protowire.BytesType)

// Decode walks the batch frame by frame, so that one bad frame does not cost
// its neighbours.
func (s *protobufSession) Decode(message []byte, text bool, handle func(*Frame)) {
	if text {
		s.refuse(handle, "a text message on %s, which is binary", Protobuf.Name())
		return
	}
	f := frames.Get().(*Frame)
	defer putFrame(f)
	for count := 0; len(message) > 0; count++ {
		if message[0] != batchFramesTag {
			s.refuse(handle, "the batch has a field that is not frames, at its frame %d", count+1)
			return
		}
		raw, n := protowire.ConsumeBytes(message[1:])
		if n < 0 {
			s.refuse(handle, "the batch is cut off in its frame %d", count+1)
			return
		}
		message = message[1+n:]
		if count > 0 {
			f.reset()
		}
		decodeFrame(f, raw, s.in)
		if count >= MaxBatchFrames && s.in.side == ServerSide {
			f.Kind, f.Err = KindUnknown, errTooManyFrames
		}
		handle(f)
	}
}

// refuse hands over an error that belongs to no frame.
func (s *protobufSession) refuse(handle func(*Frame), format string, args ...any) {
	handle(&Frame{Err: malformed(format, args...)})
}

func (s *protobufSession) Unmarshal(payload []byte, m proto.Message) error {
	return proto.Unmarshal(payload, m)
}

func (s *protobufSession) LaneValue(dst []byte, e *Entry, payload []byte) []byte {
	return e.scanLane(dst, payload)
}

func (s *protobufSession) Append(dst []byte, f *Frame) ([]byte, error) {
	return appendBatchedFrame(dst, f)
}
