package load

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// The scripts that need no types to be stated.
const (
	// ScriptSystem has what every server answers: system.ping or, with a payload,
	// system.echo.
	ScriptSystem = "system"
	// ScriptBench has the messages of the project's server for measurements, see
	// bench/proto.
	ScriptBench = "bench"
)

// NewScript returns one of the scripts for a dialect. Payload is how many bytes
// requests and publications carry, group the name of the group.
func NewScript(name, dialect string, payload int, group string) (Script, error) {
	if payload < 0 || payload > maxMessage {
		return Script{}, fmt.Errorf("the payload must be 0 to %d bytes, not %d", maxMessage, payload)
	}
	if dialect == DialectOpcode {
		data := bytes.Repeat([]byte{'x'}, payload)
		return Script{Messages: [verbs]Message{Request: {Body: data}, Publish: {Body: data}}}, nil
	}
	binary := dialect == DialectBinary
	switch name {
	case ScriptSystem:
		return systemScript(binary, payload), nil
	case ScriptBench:
		return benchScript(binary, payload, group), nil
	}
	return Script{}, unknown("script", name, []string{ScriptSystem, ScriptBench})
}

func systemScript(binary bool, payload int) Script {
	request := Message{Type: "system.ping"}
	if payload > 0 {
		request.Type = "system.echo"
		request.Body = echoBody(binary, strings.Repeat("x", payload))
	}
	return Script{Messages: [verbs]Message{Request: request}}
}

// echoBody returns a protoway.v1.Echo whose data is {"text": text}.
func echoBody(binary bool, text string) []byte {
	if !binary {
		return fmt.Appendf(nil, `{"data":{"text":%q}}`, text)
	}
	const stringValue = 3 // the fields of google.protobuf.Value and of a map's entry
	value := bytesField(nil, stringValue, []byte(text))
	entry := bytesField(bytesField(nil, 1, []byte("text")), 2, value)
	return bytesField(nil, 1, bytesField(nil, 1, entry))
}

func benchScript(binary bool, payload int, group string) Script {
	data := bytes.Repeat([]byte{'x'}, payload)
	s := Script{Event: "bench.published"}
	s.Messages[Request].Type, s.Messages[Join].Type, s.Messages[Publish].Type = "bench.echo", "bench.join", "bench.publish"
	if binary {
		join := bytesField(nil, 1, []byte(group))
		s.Messages[Request].Body, s.Messages[Join].Body = bytesField(nil, 1, data), join
		s.Messages[Publish].Body = bytesField(slices.Clip(join), 2, data)
		return s
	}
	text := base64.StdEncoding.EncodeToString(data)
	s.Messages[Request].Body = fmt.Appendf(nil, `{"data":%q}`, text)
	s.Messages[Join].Body = fmt.Appendf(nil, `{"group":%q}`, group)
	s.Messages[Publish].Body = fmt.Appendf(nil, `{"group":%q,"data":%q}`, group, text)
	return s
}

func bytesField(dst []byte, number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(dst, number, protowire.BytesType), value)
}

// hexPrefix marks a body that is a serialized message.
const hexPrefix = "hex:"

// ParseBody reads a body as it is stated by hand: JSON in the JSON dialects,
// hex: and the serialized message in the binary one.
func ParseBody(dialect, body string) ([]byte, error) {
	text, isHex := strings.CutPrefix(body, hexPrefix)
	switch {
	case body == "":
		return nil, nil
	case isHex && dialect == DialectBinary:
		b, err := hex.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("the body %q is not hexadecimal: %w", body, err)
		}
		return b, nil
	case isHex:
		return nil, fmt.Errorf("the body %q is a serialized message, and %s speaks JSON: state JSON", body, dialect)
	case dialect == DialectBinary:
		return nil, fmt.Errorf("the body %q is JSON, and %s speaks serialized messages: choose the dialect %s, or state hex: and the message",
			body, dialect, DialectJSON)
	default:
		return []byte(body), nil
	}
}
