package wire

import (
	"errors"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
)

// appendBatchedFrame encodes f as one element of Batch.frames. The length stands
// in front of what it counts, so sizes are computed first: proto keeps them in
// the messages, and nothing is encoded twice.
func appendBatchedFrame(dst []byte, f *Frame) ([]byte, error) {
	var sizes sizes
	num, size, err := kindSize(f, &sizes)
	if err != nil {
		return dst, err
	}
	total := protowire.SizeTag(num) + protowire.SizeBytes(size)
	if f.ID != 0 {
		total += protowire.SizeTag(frameID) + protowire.SizeVarint(f.ID)
	}
	if f.Re != 0 {
		total += protowire.SizeTag(frameRe) + protowire.SizeVarint(f.Re)
	}
	dst = append(dst, batchFramesTag)
	dst = protowire.AppendVarint(dst, uint64(total)) //nolint:gosec // a size is not negative
	dst = appendVarintField(dst, frameID, f.ID)
	dst = appendVarintField(dst, frameRe, f.Re)
	dst = protowire.AppendTag(dst, num, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(size)) //nolint:gosec // a size is not negative
	return appendKind(dst, f, &sizes)
}

// sizes is what stands in front of parts of a frame. Finding out costs about as
// much as encoding, so it is done once.
type sizes struct {
	message int // of the protoway.v1.Message
	payload int // of its payload
}

func appendVarintField(dst []byte, num protowire.Number, value uint64) []byte {
	if value == 0 {
		return dst
	}
	return protowire.AppendVarint(protowire.AppendTag(dst, num, protowire.VarintType), value)
}

func appendStringField(dst []byte, num protowire.Number, value string) []byte {
	if value == "" {
		return dst
	}
	return protowire.AppendString(protowire.AppendTag(dst, num, protowire.BytesType), value)
}

func sizeStringField(num protowire.Number, value string) int {
	if value == "" {
		return 0
	}
	return protowire.SizeTag(num) + protowire.SizeBytes(len(value))
}

var kindNumbers = [...]protowire.Number{
	KindMessage: frameMessage, KindAck: frameAck, KindHello: frameHello, KindWelcome: frameWelcome,
	KindProgress: frameProgress, KindAuthenticate: frameAuthenticate, KindJoined: frameJoined,
	KindLeft: frameLeft, KindHeartbeat: frameHeartbeat, KindGoaway: frameGoaway,
	KindSettled: frameSettled,
}

// kindSize returns the field that f's kind has in Frame and the size of its body.
func kindSize(f *Frame, s *sizes) (protowire.Number, int, error) {
	switch f.Kind {
	case KindUnknown:
		return 0, 0, errors.New("a frame without a kind cannot be encoded")
	case KindMessage:
		return frameMessage, f.Message.size(s), nil
	case KindAck:
		return frameAck, ackSize(&f.Ack, s), nil
	default:
		return kindNumbers[f.Kind], proto.Size(f.Control), nil
	}
}

func appendKind(dst []byte, f *Frame, s *sizes) ([]byte, error) {
	switch f.Kind {
	case KindMessage:
		return f.Message.append(dst, s)
	case KindAck:
		return appendAck(dst, &f.Ack, s)
	default:
		return cachedSize.MarshalAppend(dst, f.Control)
	}
}

// cachedSize encodes messages whose size was taken just before.
var cachedSize = proto.MarshalOptions{UseCachedSize: true}

func (m *Message) payloadSize() int {
	if m.Value != nil {
		return proto.Size(m.Value)
	}
	return len(m.Payload)
}

// size returns the bytes of the serialized protoway.v1.Message.
func (m *Message) size(s *sizes) int {
	total := sizeStringField(1, m.Type) + sizeStringField(3, m.Key) + sizeStringField(4, m.Group)
	s.payload = m.payloadSize()
	if s.payload > 0 {
		total += protowire.SizeTag(2) + protowire.SizeBytes(s.payload)
	}
	if m.Position != (Position{}) {
		total += protowire.SizeTag(5) + protowire.SizeBytes(m.Position.size())
	}
	s.message = total
	return total
}

func (m *Message) append(dst []byte, s *sizes) ([]byte, error) {
	dst = appendStringField(dst, 1, m.Type)
	if n := s.payload; n > 0 {
		dst = protowire.AppendTag(dst, 2, protowire.BytesType)
		dst = protowire.AppendVarint(dst, uint64(n))
		var err error
		if dst, err = m.appendPayload(dst); err != nil {
			return dst, err
		}
	}
	dst = appendStringField(dst, 3, m.Key)
	dst = appendStringField(dst, 4, m.Group)
	if m.Position != (Position{}) {
		dst = protowire.AppendTag(dst, 5, protowire.BytesType)
		dst = protowire.AppendVarint(dst, uint64(m.Position.size())) //nolint:gosec // a size is not negative
		dst = m.Position.append(dst)
	}
	return dst, nil
}

func (m *Message) appendPayload(dst []byte) ([]byte, error) {
	if m.Value == nil {
		return append(dst, m.Payload...), nil
	}
	return cachedSize.MarshalAppend(dst, m.Value)
}

func (p Position) size() int {
	total := sizeStringField(1, p.Epoch)
	if p.Offset != 0 {
		total += protowire.SizeTag(2) + protowire.SizeVarint(p.Offset)
	}
	if p.Tag != 0 {
		total += protowire.SizeTag(3) + protowire.SizeVarint(uint64(p.Tag))
	}
	return total
}

func (p Position) append(dst []byte) []byte {
	dst = appendStringField(dst, 1, p.Epoch)
	dst = appendVarintField(dst, 2, p.Offset)
	return appendVarintField(dst, 3, uint64(p.Tag))
}

// ackProto is the part of an ack that is an error; it is rare, so the generated
// code does the work.
func ackProto(err *status.Error) *protowayv1.Ack {
	return &protowayv1.Ack{
		Code:         protowayv1.Code(err.Code),
		Text:         strings.ToValidUTF8(err.Text, "\uFFFD"),
		AppCode:      err.AppCode,
		RetryAfterMs: retryAfterMs(err),
		Details:      err.Details,
	}
}

func ackSize(a *Ack, s *sizes) int {
	if a.Error != nil {
		return proto.Size(ackProto(a.Error))
	}
	if a.Reply.Type == "" {
		return 0
	}
	return protowire.SizeTag(6) + protowire.SizeBytes(a.Reply.size(s))
}

func appendAck(dst []byte, a *Ack, s *sizes) ([]byte, error) {
	if a.Error != nil {
		return proto.MarshalOptions{}.MarshalAppend(dst, ackProto(a.Error))
	}
	if a.Reply.Type == "" {
		return dst, nil
	}
	dst = protowire.AppendTag(dst, 6, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(s.message)) //nolint:gosec // a size is not negative
	return a.Reply.append(dst, s)
}
