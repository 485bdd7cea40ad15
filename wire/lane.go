package wire

import (
	"fmt"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

// bindFields finds the fields that rules name.
func (e *Entry) bindFields() (err error) {
	if lane := e.Rules.GetLane(); lane != nil {
		if e.lane, err = e.scalarField("lane", lane.GetField()); err != nil {
			return err
		}
	}
	if slow := e.Rules.GetSlowConsumer(); slow.GetPolicy() == protowayv1.SlowConsumer_LATEST {
		e.latest, err = e.scalarField("slow_consumer", slow.GetKey())
	}
	return err
}

// scalarField returns a field that a rule names, whose value can be compared.
func (e *Entry) scalarField(rule, name string) (protoreflect.FieldDescriptor, error) {
	field := e.Message.Descriptor().Fields().ByName(protoreflect.Name(name))
	if field == nil {
		return nil, fmt.Errorf("%s: the %s rule names field %q, which the message does not have", e.Name(), rule, name)
	}
	if field.IsList() || field.IsMap() {
		return nil, fmt.Errorf("%s: %s field %q is repeated: name a singular field", e.Name(), rule, name)
	}
	switch field.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind, protoreflect.BytesKind, protoreflect.FloatKind, protoreflect.DoubleKind:
		return nil, fmt.Errorf("%s: %s field %q is of kind %v: name a string, integer, bool or enum", e.Name(), rule, name, field.Kind())
	default:
		return field, nil
	}
}

// HasLane reports whether frames of this type are ordered by a field.
func (e *Entry) HasLane() bool { return e.lane != nil }

// LaneName returns the name that types share to share their lanes.
func (e *Entry) LaneName() string { return e.Rules.GetLane().GetName() }

// AppendLatestKey appends the value of the key field of a message whose rule is
// slow_consumer LATEST to dst, as text, without decoding the payload.
func (e *Entry) AppendLatestKey(dst, payload []byte) []byte {
	return scanField(dst, e.latest, payload)
}

// scanLane appends the value of the lane field of a serialized message to dst,
// as text, without decoding the message.
func (e *Entry) scanLane(dst, payload []byte) []byte { return scanField(dst, e.lane, payload) }

// scanField appends the value of a field of a serialized message to dst. Payloads
// that are malformed behave as if the field were not set: they are refused when
// they are decoded.
func scanField(dst []byte, field protoreflect.FieldDescriptor, payload []byte) []byte {
	var found []byte
	var number uint64
	for len(payload) > 0 {
		part, rest, err := nextField(payload)
		if err != nil {
			break
		}
		payload = rest
		if part.num == field.Number() && part.typ == scalarType(field.Kind()) {
			found, number = readScalar(part.typ, part.value)
		}
	}
	if field.Kind() == protoreflect.StringKind {
		return append(dst, found...)
	}
	return appendNumber(dst, field.Kind(), number)
}

// scalarType returns how a kind stands on the wire; a field that stands there in
// another way is not the field.
func scalarType(kind protoreflect.Kind) protowire.Type {
	switch kind {
	case protoreflect.StringKind:
		return protowire.BytesType
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		return protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		return protowire.Fixed64Type
	default:
		return protowire.VarintType
	}
}

// readScalar reads the value of a field that was found complete.
func readScalar(typ protowire.Type, value []byte) (bytes []byte, number uint64) {
	switch typ {
	case protowire.BytesType:
		bytes, _ = protowire.ConsumeBytes(value)
	case protowire.VarintType:
		number, _ = protowire.ConsumeVarint(value)
	case protowire.Fixed32Type:
		fixed, _ := protowire.ConsumeFixed32(value)
		number = uint64(fixed)
	case protowire.Fixed64Type:
		number, _ = protowire.ConsumeFixed64(value)
	default: // groups carry no scalar
	}
	return bytes, number
}

// appendNumber writes a number of the wire as the value it stands for, so that
// equal values share a lane however their fields are declared.
func appendNumber(dst []byte, kind protoreflect.Kind, number uint64) []byte {
	switch kind {
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return strconv.AppendInt(dst, protowire.DecodeZigZag(number), 10)
	case protoreflect.Int32Kind, protoreflect.Sfixed32Kind, protoreflect.EnumKind:
		return strconv.AppendInt(dst, int64(int32(number)), 10) //nolint:gosec // the wire carries 32 bits sign-extended
	case protoreflect.Int64Kind, protoreflect.Sfixed64Kind:
		return strconv.AppendInt(dst, int64(number), 10) //nolint:gosec // two's complement is what the wire carries
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return strconv.AppendUint(dst, uint64(uint32(number)), 10) //nolint:gosec // as proto does: the upper half is ignored
	case protoreflect.BoolKind:
		return strconv.AppendBool(dst, number != 0)
	default:
		return strconv.AppendUint(dst, number, 10)
	}
}

// readLane is scanLane for a message that was decoded.
func (e *Entry) readLane(dst []byte, m protoreflect.Message) []byte {
	value := m.Get(e.lane)
	switch e.lane.Kind() {
	case protoreflect.StringKind:
		return append(dst, value.String()...)
	case protoreflect.EnumKind:
		return strconv.AppendInt(dst, int64(value.Enum()), 10)
	case protoreflect.BoolKind:
		return strconv.AppendBool(dst, value.Bool())
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind:
		return strconv.AppendUint(dst, value.Uint(), 10)
	default:
		return strconv.AppendInt(dst, value.Int(), 10)
	}
}
