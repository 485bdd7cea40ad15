package wire

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/anypb"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
)

// jsonObject is the members of a frame or a message, by their exact names. A
// frame is a message if it has a type, else it is what its one other member says.
type jsonObject map[string]json.RawMessage

// jsonAck is an ack as JSON spells it.
type jsonAck struct {
	Code         string            `json:"code"`
	Text         string            `json:"text"`
	AppCode      int32             `json:"appCode"`
	RetryAfterMs uint32            `json:"retryAfterMs"`
	Details      []json.RawMessage `json:"details"`
	Message      jsonObject        `json:"message"`
}

// decodeJSONFrame reads the ids first, so that whatever else is wrong can be acked.
func decodeJSONFrame(f *Frame, data []byte, in inbox) {
	var raw jsonObject
	if err := json.Unmarshal(data, &raw); err != nil {
		f.Err = malformed("not a JSON object: %v", err)
		return
	}
	if f.Err = jsonID(&f.ID, raw, "id"); f.Err != nil {
		return
	}
	if f.Err = jsonID(&f.Re, raw, "re"); f.Err != nil {
		return
	}
	switch {
	case raw["type"] != nil:
		f.Kind = KindMessage
		f.Err = raw.message(&f.Message, in)
	case raw["ack"] != nil:
		f.Kind = KindAck
		f.Err = decodeJSONAck(f, raw["ack"], in)
	default:
		decodeJSONControl(f, raw)
	}
}

// jsonID reads a frame number; absent and null are 0.
func jsonID(id *uint64, raw jsonObject, name string) *status.Error {
	value := raw[name]
	if value == nil {
		return nil
	}
	if err := json.Unmarshal(value, id); err != nil {
		return malformed("%s must be a whole number from 0 to 2^64-1, not %s", name, shorten(value))
	}
	return nil
}

// text reads a string; absent and null are empty.
func (raw jsonObject) text(s *string, name string) *status.Error {
	value := raw[name]
	if value == nil {
		return nil
	}
	if err := json.Unmarshal(value, s); err != nil {
		return malformed("%s must be a string, not %s", name, shorten(value))
	}
	return nil
}

// message reads the members of a message.
func (raw jsonObject) message(m *Message, in inbox) *status.Error {
	var typ string
	if err := raw.text(&typ, "type"); err != nil {
		return err
	}
	if err := raw.text(&m.Key, "key"); err != nil {
		return err
	}
	if err := raw.text(&m.Group, "group"); err != nil {
		return err
	}
	if value := raw["position"]; value != nil {
		position := &protowayv1.Position{}
		if err := jsonOptions.Unmarshal(value, position); err != nil {
			return malformed("position: %v", err)
		}
		m.Position = PositionFrom(position)
	}
	m.resolve([]byte(typ), in)
	if body := raw["body"]; !bytes.Equal(body, []byte("null")) {
		m.Payload = body
	}
	return nil
}

func decodeJSONAck(f *Frame, data []byte, in inbox) *status.Error {
	var raw jsonAck
	if err := json.Unmarshal(data, &raw); err != nil {
		return malformed("ack: %v", err)
	}
	if raw.Code != "" && raw.Code != status.OK.String() {
		f.Ack.Error = raw.failure()
		return nil
	}
	if raw.Message == nil {
		return nil
	}
	return raw.Message.message(&f.Ack.Reply, in)
}

// failure returns what an ack says went wrong. Details of types that are not
// linked here are left out.
func (raw *jsonAck) failure() *status.Error {
	code, _ := status.ParseCode(raw.Code)
	failure := &status.Error{
		Code:       code,
		Text:       raw.Text,
		AppCode:    raw.AppCode,
		RetryAfter: time.Duration(raw.RetryAfterMs) * time.Millisecond,
	}
	for _, text := range raw.Details {
		detail := &anypb.Any{}
		if jsonOptions.Unmarshal(text, detail) == nil {
			failure.Details = append(failure.Details, detail)
		}
	}
	return failure
}

// controlNumbers are the kinds that are neither message nor ack.
var controlNumbers = [...]protowire.Number{
	frameHello, frameWelcome, frameProgress, frameAuthenticate, frameJoined, frameLeft, frameHeartbeat, frameGoaway, frameSettled,
}

// decodeJSONControl decodes the one member that is neither message nor ack.
func decodeJSONControl(f *Frame, raw jsonObject) {
	for _, number := range controlNumbers {
		kind, control := controlOf(number)
		body := raw[kind.String()]
		if body == nil {
			continue
		}
		if err := jsonOptions.Unmarshal(body, control); err != nil {
			f.Err = malformed("%s: %v", kind, err)
			return
		}
		f.Kind, f.Control = kind, control
		return
	}
}

// shorten cuts a value that is shown in an error.
func shorten(raw []byte) string {
	const most = 40
	if len(raw) <= most {
		return string(raw)
	}
	return strings.ToValidUTF8(string(raw[:most]), "") + "…"
}
