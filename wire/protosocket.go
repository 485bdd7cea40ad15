package wire

import (
	"encoding/json"
	"strconv"

	"github.com/protoway/protoway/status"
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
	in        inbox
	lastID    uint64
	lastToken string // most clients send the same with every frame
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
	headers, body, err := protoSocketParts(data)
	if err != nil {
		f.Err = err
		return
	}
	if string(headers.ack) == "true" {
		s.lastID++
		f.ID = s.lastID
	}
	f.Tag, _ = jsonText(headers.uuid, "uuid", "")                   // another type is no name: the ack has none
	f.Token, _ = jsonText(headers.token, "authHeader", s.lastToken) // another type is no token
	if f.Token != "" && len(f.Token) <= maxKeptToken {
		s.lastToken = f.Token
	}
	f.APIVersion = headers.version()
	if len(f.Tag) > MaxKeyBytes { // it would be said back, twice
		f.Err = malformed("uuid has %d bytes, at most %d are allowed", len(f.Tag), MaxKeyBytes)
		f.Tag = ""
		return
	}
	f.Kind, f.Message.Key = KindMessage, f.Tag
	typ, ok := plainJSONString(headers.kind)
	if !ok {
		var text string
		if text, f.Err = jsonText(headers.kind, "messageType", ""); f.Err != nil {
			return
		}
		typ = []byte(text)
	}
	switch {
	case len(body) == 0 || string(body) == "null":
	case body[0] != '{':
		f.Err = malformed("body must be an object, not %s", shorten(body))
	default:
		f.Message.Payload = body
	}
	f.Message.resolve(typ, s.in)
}

// maxKeptToken is the longest token that a session remembers.
const maxKeptToken = 8 << 10

// protoSocketHeaders is the headers of a frame as they stand; nil is absent.
type protoSocketHeaders struct{ kind, uuid, ack, token, apiVersion []byte }

// protoSocketParts finds the headers and the body of a frame.
func protoSocketParts(data []byte) (headers protoSocketHeaders, body []byte, failure *status.Error) {
	if !json.Valid(data) {
		return headers, nil, malformed("not a JSON object: %v", json.Unmarshal(data, &jsonObject{}))
	}
	frame, ok := openMembers(data)
	if !ok {
		return headers, nil, malformed("not a JSON object")
	}
	var raw []byte
	for name, value, more := frame.next(); more; name, value, more = frame.next() {
		switch string(name) {
		case "headers":
			raw = value
		case "body":
			body = value
		}
	}
	members, ok := openMembers(raw)
	if !ok {
		return headers, nil, malformed("headers is missing or no object")
	}
	for name, value, more := members.next(); more; name, value, more = members.next() {
		switch string(name) {
		case "messageType":
			headers.kind = value
		case "uuid":
			headers.uuid = value
		case "ack":
			headers.ack = value
		case "authHeader":
			headers.token = value
		case "apiVersion":
			headers.apiVersion = value
		}
	}
	return headers, body, nil
}

// version returns the version a client was made for; 0 for none, and for what is
// no version.
func (h *protoSocketHeaders) version() int32 {
	version, err := strconv.ParseInt(string(h.apiVersion), 10, 32)
	if err != nil {
		return 0
	}
	return int32(version)
}

func (s *protoSocketSession) Append(dst []byte, f *Frame) ([]byte, error) {
	return appendProtoSocket(dst, s.in.catalog, f)
}
