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

// jsonFrame is a frame as JSON spells it. A frame is a message if it has a type,
// else it is what its one other member says.
type jsonFrame struct {
	ID  json.RawMessage `json:"id"`
	Re  json.RawMessage `json:"re"`
	Ack json.RawMessage `json:"ack"`
	jsonMessage
	Hello        json.RawMessage `json:"hello"`
	Welcome      json.RawMessage `json:"welcome"`
	Progress     json.RawMessage `json:"progress"`
	Authenticate json.RawMessage `json:"authenticate"`
	Joined       json.RawMessage `json:"joined"`
	Left         json.RawMessage `json:"left"`
	Heartbeat    json.RawMessage `json:"heartbeat"`
	Goaway       json.RawMessage `json:"goaway"`
}

// jsonMessage is a message as JSON spells it.
type jsonMessage struct {
	Type     json.RawMessage `json:"type"`
	Body     json.RawMessage `json:"body"`
	Key      json.RawMessage `json:"key"`
	Group    json.RawMessage `json:"group"`
	Position json.RawMessage `json:"position"`
}

// jsonAck is an ack as JSON spells it.
type jsonAck struct {
	Code         string            `json:"code"`
	Text         string            `json:"text"`
	AppCode      int32             `json:"appCode"`
	RetryAfterMs uint32            `json:"retryAfterMs"`
	Details      []json.RawMessage `json:"details"`
	Message      *jsonMessage      `json:"message"`
}

// decodeJSONFrame reads the ids first, so that whatever else is wrong can be acked.
func decodeJSONFrame(f *Frame, data []byte, in inbox) {
	var raw jsonFrame
	if err := json.Unmarshal(data, &raw); err != nil {
		f.Err = malformed("not a JSON object: %v", err)
		return
	}
	if f.Err = jsonID(&f.ID, raw.ID, "id"); f.Err != nil {
		return
	}
	if f.Err = jsonID(&f.Re, raw.Re, "re"); f.Err != nil {
		return
	}
	switch {
	case raw.Type != nil:
		f.Kind = KindMessage
		f.Err = raw.decode(&f.Message, in)
	case raw.Ack != nil:
		f.Kind = KindAck
		f.Err = decodeJSONAck(f, raw.Ack, in)
	default:
		decodeJSONControl(f, &raw)
	}
}

// jsonID reads a frame number; absent and null are 0.
func jsonID(id *uint64, raw json.RawMessage, name string) *status.Error {
	if raw == nil {
		return nil
	}
	if err := json.Unmarshal(raw, id); err != nil {
		return malformed("%s must be a whole number from 0 to 2^64-1, not %s", name, shorten(raw))
	}
	return nil
}

func jsonString(s *string, raw json.RawMessage, name string) *status.Error {
	if raw == nil {
		return nil
	}
	if err := json.Unmarshal(raw, s); err != nil {
		return malformed("%s must be a string, not %s", name, shorten(raw))
	}
	return nil
}

func (raw *jsonMessage) decode(m *Message, in inbox) *status.Error {
	var typ string
	if err := jsonString(&typ, raw.Type, "type"); err != nil {
		return err
	}
	if err := jsonString(&m.Key, raw.Key, "key"); err != nil {
		return err
	}
	if err := jsonString(&m.Group, raw.Group, "group"); err != nil {
		return err
	}
	if raw.Position != nil {
		position := &protowayv1.Position{}
		if err := jsonOptions.Unmarshal(raw.Position, position); err != nil {
			return malformed("position: %v", err)
		}
		m.Position = PositionFrom(position)
	}
	m.resolve([]byte(typ), in)
	if !bytes.Equal(raw.Body, []byte("null")) {
		m.Payload = raw.Body
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
	return raw.Message.decode(&f.Ack.Reply, in)
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

// decodeJSONControl decodes the one member that is neither message nor ack.
func decodeJSONControl(f *Frame, raw *jsonFrame) {
	kinds := [...]struct {
		number protowire.Number
		body   json.RawMessage
	}{
		{frameHello, raw.Hello},
		{frameWelcome, raw.Welcome},
		{frameProgress, raw.Progress},
		{frameAuthenticate, raw.Authenticate},
		{frameJoined, raw.Joined},
		{frameLeft, raw.Left},
		{frameHeartbeat, raw.Heartbeat},
		{frameGoaway, raw.Goaway},
	}
	for _, candidate := range kinds {
		if candidate.body == nil {
			continue
		}
		kind, control := controlOf(candidate.number)
		if err := jsonOptions.Unmarshal(candidate.body, control); err != nil {
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
