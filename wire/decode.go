package wire

import (
	"errors"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
)

// Numbers of the fields of Frame.
const (
	frameID           protowire.Number = 1
	frameRe           protowire.Number = 2
	frameMessage      protowire.Number = 3
	frameAck          protowire.Number = 4
	frameHello        protowire.Number = 5
	frameWelcome      protowire.Number = 6
	frameProgress     protowire.Number = 7
	frameAuthenticate protowire.Number = 8
	frameJoined       protowire.Number = 9
	frameLeft         protowire.Number = 10
	frameHeartbeat    protowire.Number = 11
	frameGoaway       protowire.Number = 12
	frameSettled      protowire.Number = 13
)

var errTooManyFrames = status.ResourceExhausted.Errorf(
	"the batch has more than %d frames: send the rest in another message", MaxBatchFrames)

func malformed(format string, args ...any) *status.Error {
	return status.InvalidArgument.Errorf("malformed frame: "+format, args...)
}

// decodeFrame decodes one serialized protoway.v1.Frame. The frames that matter,
// a message or an ack alone, are read here without allocating; whatever is
// spelled in an unusual way is left to the generated code.
func decodeFrame(f *Frame, raw []byte, in inbox) {
	kind, body, unusual := splitFrame(f, raw)
	if f.Err != nil {
		return
	}
	if unusual {
		decodeUnusual(f, raw, in)
		return
	}
	switch kind {
	case 0:
		f.Kind = KindUnknown
	case frameMessage:
		f.Kind = KindMessage
		decodeMessage(&f.Message, body, in, f)
	case frameAck:
		f.Kind = KindAck
		decodeAck(f, body, in)
	default:
		decodeControl(f, kind, body)
	}
}

// field is one field of a serialized message.
type field struct {
	num   protowire.Number
	typ   protowire.Type
	value []byte // without the tag; with its length if it has one
}

// nextField takes a field off a serialized message. It refuses what the
// generated code refuses.
func nextField(raw []byte) (f field, rest []byte, err error) {
	num, typ, n := protowire.ConsumeTag(raw)
	if n < 0 {
		return f, nil, protowire.ParseError(n)
	}
	if num > protowire.MaxValidNumber {
		return f, nil, errFieldNumber
	}
	size := protowire.ConsumeFieldValue(num, typ, raw[n:])
	if size < 0 {
		return f, nil, protowire.ParseError(size)
	}
	return field{num, typ, raw[n : n+size]}, raw[n+size:], nil
}

var errFieldNumber = errors.New("a field number is too large")

// splitFrame reads the ids and finds the one kind. It goes on past nothing: what
// follows a malformed field cannot be read.
func splitFrame(f *Frame, raw []byte) (kind protowire.Number, body []byte, unusual bool) {
	for len(raw) > 0 {
		part, rest, err := nextField(raw)
		if err != nil {
			f.Err = malformed("%v", err)
			return kind, body, unusual
		}
		raw = rest
		switch {
		case part.num == frameID && part.typ == protowire.VarintType:
			f.ID, _ = protowire.ConsumeVarint(part.value)
		case part.num == frameRe && part.typ == protowire.VarintType:
			f.Re, _ = protowire.ConsumeVarint(part.value)
		case part.num >= frameMessage && part.num <= frameSettled && part.typ == protowire.BytesType:
			unusual = unusual || kind != 0
			kind = part.num
			body, _ = protowire.ConsumeBytes(part.value)
		}
	}
	return kind, body, unusual
}

// decodeUnusual decodes a frame in which kinds stand more than once: the last
// one counts, and parts of the same kind are merged, as protobuf has it.
func decodeUnusual(f *Frame, raw []byte, in inbox) {
	merged := &protowayv1.Frame{}
	if err := proto.Unmarshal(raw, merged); err != nil {
		f.Err = malformed("%v", err)
		return
	}
	canonical, err := proto.Marshal(merged)
	if err != nil {
		f.Err = malformed("%v", err)
		return
	}
	decodeFrame(f, canonical, in)
}

// decodeMessage decodes a serialized protoway.v1.Message.
func decodeMessage(m *Message, raw []byte, in inbox, f *Frame) {
	var typ []byte
	for len(raw) > 0 {
		part, rest, err := nextField(raw)
		if err != nil {
			f.Err = malformed("message: %v", err)
			return
		}
		raw = rest
		if part.typ != protowire.BytesType {
			continue
		}
		value, _ := protowire.ConsumeBytes(part.value)
		if part.num == 1 && utf8.Valid(value) {
			typ = value
		} else if !m.setBytes(part.num, value) {
			f.Err = malformed("message: field %d is not valid", part.num)
			return
		}
	}
	m.resolve(typ, in)
}

// setBytes sets the length-delimited fields of a message but a valid type.
func (m *Message) setBytes(num protowire.Number, value []byte) bool {
	switch num {
	case 1:
		return false
	case 2:
		m.Payload = value
	case 3:
		m.Key = string(value)
		return utf8.Valid(value)
	case 4:
		m.Group = string(value)
		return utf8.Valid(value)
	case 5:
		position := &protowayv1.Position{}
		err := proto.Unmarshal(value, position)
		m.Position = PositionFrom(position)
		return err == nil
	}
	return true
}

// resolve finds the catalog's entry of a type from the other side.
func (m *Message) resolve(typ []byte, in inbox) {
	if m.Entry = in.entry(typ); m.Entry != nil {
		m.Type = m.Entry.Type
		return
	}
	m.Type = string(typ)
}

func decodeAck(f *Frame, raw []byte, in inbox) {
	ack := &protowayv1.Ack{}
	if err := proto.Unmarshal(raw, ack); err != nil {
		f.Err = malformed("ack: %v", err)
		return
	}
	f.Ack.Error = ackError(ack)
	if reply := ack.GetMessage(); reply != nil {
		f.Ack.Reply = Message{Payload: reply.GetPayload()}
		f.Ack.Reply.resolve([]byte(reply.GetType()), in)
	}
}

// controlOf returns an empty message for a kind that is rare.
func controlOf(num protowire.Number) (Kind, proto.Message) {
	switch num {
	case frameHello:
		return KindHello, &protowayv1.Hello{}
	case frameWelcome:
		return KindWelcome, &protowayv1.Welcome{}
	case frameProgress:
		return KindProgress, &protowayv1.Progress{}
	case frameAuthenticate:
		return KindAuthenticate, &protowayv1.Authenticate{}
	case frameJoined:
		return KindJoined, &protowayv1.Joined{}
	case frameLeft:
		return KindLeft, &protowayv1.Left{}
	case frameGoaway:
		return KindGoaway, &protowayv1.Goaway{}
	case frameSettled:
		return KindSettled, &protowayv1.Settled{}
	default:
		return KindHeartbeat, &protowayv1.Heartbeat{}
	}
}

func decodeControl(f *Frame, num protowire.Number, body []byte) {
	kind, control := controlOf(num)
	if err := proto.Unmarshal(body, control); err != nil {
		f.Err = malformed("%s: %v", kind, err)
		return
	}
	f.Kind, f.Control = kind, control
}
