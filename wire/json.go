package wire

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire/protojson"
)

// JSON is the native readable dialect, subprotocol protoway.v1.json: every frame
// is a text message of its own, {"id":1,"type":"say","body":{"text":"hi"}}.
var JSON Dialect = jsonDialect{}

type jsonDialect struct{}

func (jsonDialect) Name() string        { return "protoway.v1.json" }
func (jsonDialect) Subprotocol() string { return "protoway.v1.json" }
func (jsonDialect) Text() bool          { return true }
func (jsonDialect) Joins() bool         { return false }
func (jsonDialect) Handshake() bool     { return true }

func (jsonDialect) Open(catalog *Catalog, side Side) Session {
	return &jsonSession{jsonPayloads: jsonPayloads{jsonOptions}, in: inbox{catalog, side}}
}

func (jsonDialect) AppendPublication(dst []byte, catalog *Catalog, f *Frame) ([]byte, error) {
	return appendJSONFrame(dst, catalog, f)
}

// jsonOptions is the JSON mapping of the dialect: standard protobuf JSON.
var jsonOptions = protojson.Options{}

// RawJSON is a body that is JSON already: as [Message.Value], the JSON dialect
// writes it as it is, so that a program without the schema can send it, and one
// that sends a frame again sends the same bytes. It must be one JSON object. It is
// for [JSON] only: to other dialects it is an empty message.
type RawJSON []byte

// ProtoReflect makes it a proto.Message, an empty one.
func (RawJSON) ProtoReflect() protoreflect.Message {
	return (*protowayv1.Heartbeat)(nil).ProtoReflect()
}

// jsonPayloads reads the payloads of dialects that spell messages in JSON.
type jsonPayloads struct{ options protojson.Options }

// Unmarshal decodes a payload; none is an empty message.
func (p jsonPayloads) Unmarshal(payload []byte, m proto.Message) error {
	if len(payload) == 0 {
		proto.Reset(m)
		return nil
	}
	return p.options.Unmarshal(payload, m)
}

// LaneValue decodes the payload, since JSON has no cheap way to one field. What
// is malformed is refused when the frame runs.
func (p jsonPayloads) LaneValue(dst []byte, e *Entry, payload []byte) []byte {
	m := e.Message.New()
	if err := p.Unmarshal(payload, m.Interface()); err != nil {
		return dst
	}
	return e.readLane(dst, m)
}

// jsonSession is the native readable dialect on one connection.
type jsonSession struct {
	jsonPayloads
	in inbox
}

// Decode reads one frame.
func (s *jsonSession) Decode(message []byte, text bool, handle func(*Frame)) {
	f := frames.Get().(*Frame)
	defer putFrame(f)
	if text {
		decodeJSONFrame(f, message, s.in)
	} else {
		f.Err = malformed("a binary message on %s, which is text", JSON.Name())
	}
	handle(f)
}

func (s *jsonSession) Append(dst []byte, f *Frame) ([]byte, error) {
	return appendJSONFrame(dst, s.in.catalog, f)
}
