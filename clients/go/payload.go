package client

import (
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
	"github.com/protoway/protoway/wire/protojson"
)

// spell returns a message as it stands in frames. Sent again it must have the
// same bytes, so it is spelled once.
func (o *options) spell(m proto.Message) ([]byte, error) {
	if o.dialect.Text() {
		return protojson.Options{}.Append(nil, m)
	}
	return proto.Marshal(m)
}

// spelled returns a message to encode whose payload is spelled already.
func (o *options) spelled(kind string, payload []byte, key string) wire.Message {
	m := wire.Message{Type: kind, Key: key}
	if o.dialect.Text() {
		m.Value = wire.RawJSON(payload)
	} else {
		m.Payload = payload
	}
	return m
}

// fromJSON returns JSON as it stands in frames of a type; e is nil for a type that
// this program does not know.
func (o *options) fromJSON(e *wire.Entry, kind string, body []byte) ([]byte, error) {
	if o.dialect.Text() {
		return body, nil
	}
	if e == nil {
		return nil, status.InvalidArgument.Wrap(nil, unlinked(kind))
	}
	m := e.Message.New().Interface()
	if err := (protojson.Options{}).Unmarshal(body, m); err != nil {
		return nil, status.InvalidArgument.Errorf("the body of %q is no %s: %w", kind, e.Name(), err)
	}
	return proto.Marshal(m)
}

// toJSON returns a payload as JSON; text says whether it is that already.
func toJSON(text bool, e *wire.Entry, kind string, payload []byte) (json.RawMessage, error) {
	switch {
	case text && len(payload) == 0:
		return json.RawMessage("{}"), nil
	case text:
		return payload, nil
	case e == nil:
		return nil, status.InvalidArgument.Wrap(nil, unlinked(kind))
	}
	m := e.Message.New().Interface()
	if err := proto.Unmarshal(payload, m); err != nil {
		return nil, status.Internal.Wrap(err, fmt.Sprintf("the payload of %q is no %s", kind, e.Name()))
	}
	return protojson.Options{}.Append(nil, m)
}

// unlinked says what to do about a type that this program does not know.
func unlinked(kind string) string {
	return fmt.Sprintf("type %q is not linked into this program, so it cannot be turned from or into JSON: "+
		"connect with WithDialect(wire.JSON), which needs no schema, or import the package that was generated for it", kind)
}
