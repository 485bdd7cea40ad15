package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/status"
)

// appendJSONFrame encodes f as one JSON object.
func appendJSONFrame(dst []byte, catalog *Catalog, f *Frame) ([]byte, error) {
	if f.Kind == KindUnknown {
		return dst, errors.New("a frame without a kind cannot be encoded")
	}
	dst = append(dst, '{')
	dst = appendJSONNumber(dst, "id", f.ID)
	dst = appendJSONNumber(dst, "re", f.Re)
	var err error
	switch f.Kind {
	case KindMessage:
		dst, err = f.Message.appendJSON(dst, catalog)
	case KindAck:
		dst = appendJSONKey(dst, "ack")
		dst, err = f.Ack.appendJSON(dst, catalog)
	default:
		dst = appendJSONKey(dst, f.Kind.String())
		dst, err = jsonOptions.Append(dst, f.Control)
	}
	return append(dst, '}'), err
}

// appendJSONKey appends the name of a member, and a comma unless it is the first.
func appendJSONKey(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, '"')
	dst = append(dst, name...)
	return append(dst, '"', ':')
}

func appendJSONNumber(dst []byte, name string, value uint64) []byte {
	if value == 0 {
		return dst
	}
	return strconv.AppendUint(appendJSONKey(dst, name), value, 10)
}

// appendJSONText appends a string member; encoding/json replaces invalid UTF-8.
func appendJSONText(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	text, err := json.Marshal(value)
	if err != nil {
		return dst // a string always encodes
	}
	return append(appendJSONKey(dst, name), text...)
}

func (m *Message) appendJSON(dst []byte, catalog *Catalog) ([]byte, error) {
	value, err := m.value(catalog)
	if err != nil {
		return dst, err
	}
	dst = appendJSONText(dst, "type", m.Type)
	dst = appendJSONKey(dst, "body")
	if raw, ok := value.(RawJSON); ok {
		dst = append(dst, raw...)
	} else if dst, err = jsonOptions.Append(dst, value); err != nil {
		return dst, err
	}
	dst = appendJSONText(dst, "key", m.Key)
	dst = appendJSONText(dst, "group", m.Group)
	if m.Position != (Position{}) {
		return jsonOptions.Append(appendJSONKey(dst, "position"), m.Position.Proto())
	}
	return dst, nil
}

// value returns the message to encode. Publications of other nodes come as
// protobuf, so their type must be known here.
func (m *Message) value(catalog *Catalog) (proto.Message, error) {
	if m.Value != nil {
		return m.Value, nil
	}
	e := m.Entry
	if e == nil {
		e = catalog.FromServer(m.Type)
	}
	if e == nil {
		return nil, fmt.Errorf("type %q is not in the catalog, so it cannot become JSON", m.Type)
	}
	value := e.Message.New().Interface()
	return value, proto.Unmarshal(m.Payload, value)
}

func (a *Ack) appendJSON(dst []byte, catalog *Catalog) ([]byte, error) {
	dst = append(dst, '{')
	if a.Error != nil {
		return appendJSONError(dst, a.Error)
	}
	if a.Reply.Type == "" {
		return append(dst, '}'), nil
	}
	dst = append(appendJSONKey(dst, "message"), '{')
	dst, err := a.Reply.appendJSON(dst, catalog)
	return append(dst, '}', '}'), err
}

func appendJSONError(dst []byte, e *status.Error) ([]byte, error) {
	dst = appendJSONText(dst, "code", e.Code.String())
	dst = appendJSONText(dst, "text", e.Text)
	if e.AppCode != 0 {
		dst = strconv.AppendInt(appendJSONKey(dst, "appCode"), int64(e.AppCode), 10)
	}
	dst = appendJSONNumber(dst, "retryAfterMs", uint64(retryAfterMs(e)))
	if len(e.Details) == 0 {
		return append(dst, '}'), nil
	}
	dst = append(appendJSONKey(dst, "details"), '[')
	for i, detail := range e.Details {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = jsonOptions.Append(dst, detail); err != nil {
			return dst, err
		}
	}
	return append(dst, ']', '}'), nil
}
