package wire

import (
	"encoding/json"
	"strconv"

	"github.com/protoway/protoway/wire/protojson"
)

// ProtoSocket is the dialect of Proto Socket Django and its clients: text frames
// {"headers":{"messageType":"say","uuid":"…","ack":true},"body":{…}}, without a
// subprotocol. docs/dialects/proto-socket.md describes it.
var ProtoSocket Dialect = protoSocketDialect{}

type protoSocketDialect struct{}

func (protoSocketDialect) Name() string        { return "proto-socket" }
func (protoSocketDialect) Subprotocol() string { return "" }
func (protoSocketDialect) Text() bool          { return true }
func (protoSocketDialect) Joins() bool         { return false }
func (protoSocketDialect) Handshake() bool     { return false }

func (protoSocketDialect) Open(catalog *Catalog, side Side) Session {
	return &protoSocketSession{jsonPayloads: jsonPayloads{protoSocketOptions}, in: inbox{catalog, side}}
}

func (protoSocketDialect) AppendPublication(dst []byte, catalog *Catalog, f *Frame) ([]byte, error) {
	return appendProtoSocket(dst, catalog, f)
}

// protoSocketOptions is the JSON mapping of the dialect.
var protoSocketOptions = protojson.Options{Names: protojson.KeepDigits}

// protoSocketSession is the dialect on one connection. Its frames have names of
// the client's choice, or none; those that ask for an ack are numbered here.
type protoSocketSession struct {
	jsonPayloads
	in     inbox
	lastID uint64
}

// Decode reads one frame.
func (s *protoSocketSession) Decode(message []byte, text bool, handle func(*Frame)) {
	f := frames.Get().(*Frame)
	defer putFrame(f)
	if text {
		s.decode(f, message)
	} else {
		f.Err = malformed("a binary message on %s, which is text", ProtoSocket.Name())
	}
	handle(f)
}

// decode reads the headers first, so that whatever else is wrong can be acked.
func (s *protoSocketSession) decode(f *Frame, data []byte) {
	var frame jsonObject
	if err := json.Unmarshal(data, &frame); err != nil {
		f.Err = malformed("not a JSON object: %v", err)
		return
	}
	var headers jsonObject
	if err := json.Unmarshal(frame["headers"], &headers); err != nil || headers == nil {
		f.Err = malformed("headers is missing or no object")
		return
	}
	if string(headers["ack"]) == "true" {
		s.lastID++
		f.ID = s.lastID
	}
	_ = headers.text(&f.Tag, "uuid")         // another type is no name: the ack has none
	_ = headers.text(&f.Token, "authHeader") // another type is no token
	f.APIVersion = headers.version()
	if len(f.Tag) > MaxKeyBytes { // it would be said back, twice
		f.Err = malformed("uuid has %d bytes, at most %d are allowed", len(f.Tag), MaxKeyBytes)
		f.Tag = ""
		return
	}
	f.Kind, f.Message.Key = KindMessage, f.Tag
	var typ string
	if f.Err = headers.text(&typ, "messageType"); f.Err != nil {
		return
	}
	body := frame["body"]
	switch {
	case len(body) == 0 || string(body) == "null":
	case body[0] != '{':
		f.Err = malformed("body must be an object, not %s", shorten(body))
	default:
		f.Message.Payload = body
	}
	f.Message.resolve([]byte(typ), s.in)
}

// version returns the version a client was made for; 0 for none, and for what is
// no version.
func (raw jsonObject) version() int32 {
	version, err := strconv.ParseInt(string(raw["apiVersion"]), 10, 32)
	if err != nil {
		return 0
	}
	return int32(version)
}

func (s *protoSocketSession) Append(dst []byte, f *Frame) ([]byte, error) {
	return appendProtoSocket(dst, s.in.catalog, f)
}
