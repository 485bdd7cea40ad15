package protojson

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// scalar reads a value that is not a message.
func (d *decoder) scalar(el *element) (protoreflect.Value, error) {
	switch el.kind {
	case protoreflect.BoolKind:
		return d.boolean()
	case protoreflect.StringKind:
		text, err := d.quoted()
		if err != nil {
			return protoreflect.Value{}, err
		}
		return protoreflect.ValueOfString(string(text)), nil
	case protoreflect.BytesKind:
		return d.bytes()
	case protoreflect.EnumKind:
		return d.enum(el.enum)
	case protoreflect.FloatKind:
		f, err := d.float(32)
		return protoreflect.ValueOfFloat32(float32(f)), err
	case protoreflect.DoubleKind:
		f, err := d.float(64)
		return protoreflect.ValueOfFloat64(f), err
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		n, err := d.signed(math.MaxInt32)
		return protoreflect.ValueOfInt32(int32(n)), err //nolint:gosec // signed has checked the range
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		n, err := d.signed(math.MaxInt64)
		return protoreflect.ValueOfInt64(n), err
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		n, err := d.unsigned(math.MaxUint32)
		return protoreflect.ValueOfUint32(uint32(n)), err //nolint:gosec // unsigned has checked the range
	default: // Uint64Kind, Fixed64Kind
		n, err := d.unsigned(math.MaxUint64)
		return protoreflect.ValueOfUint64(n), err
	}
}

func (d *decoder) boolean() (protoreflect.Value, error) {
	switch d.peek() {
	case 't':
		if d.literal("true") {
			return protoreflect.ValueOfBool(true), nil
		}
	case 'f':
		if d.literal("false") {
			return protoreflect.ValueOfBool(false), nil
		}
	}
	return protoreflect.Value{}, d.mismatch("not a boolean")
}

// quoted reads a string.
func (d *decoder) quoted() ([]byte, error) {
	if d.peek() != '"' {
		return nil, d.mismatch("not a string")
	}
	return d.text()
}

func (d *decoder) bytes() (protoreflect.Value, error) {
	start := d.pos
	text, err := d.quoted()
	if err != nil {
		return protoreflect.Value{}, err
	}
	data, ok := parseBase64(text)
	if !ok {
		return protoreflect.Value{}, d.bad("not base64", start)
	}
	return protoreflect.ValueOfBytes(data), nil
}

// parseBase64 reads one of the two alphabets, with all of its padding or none.
func parseBase64(text []byte) ([]byte, bool) {
	encoding := base64.RawStdEncoding
	if bytes.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	if bytes.ContainsAny(text, "\r\n") { // which the decoder would skip
		return nil, false
	}
	if n := len(text); n > 0 && text[n-1] == '=' {
		if n%4 != 0 {
			return nil, false
		}
		text = text[:n-1]
		if text[n-2] == '=' {
			text = text[:n-2]
		}
	}
	data := make([]byte, encoding.DecodedLen(len(text)))
	n, err := encoding.Decode(data, text)
	return data[:n], err == nil
}

// enum reads the name or the number of an enum value. A closed enum has no others than it declares.
func (d *decoder) enum(enum *enum) (protoreflect.Value, error) {
	c := d.peek()
	start := d.pos
	if c == '"' {
		name, err := d.text()
		if err != nil {
			return protoreflect.Value{}, err
		}
		n, ok := enum.numbers[string(name)]
		if !ok {
			return protoreflect.Value{}, d.bad(reasonEnumName, start)
		}
		return protoreflect.ValueOfEnum(n), nil
	}
	if enum.isNull && d.null() {
		return protoreflect.ValueOfEnum(0), nil
	}
	if c != '-' && !isDigit(c) {
		return protoreflect.Value{}, d.mismatch("not a name or number of an enum")
	}
	i, err := d.signed(math.MaxInt32)
	if err != nil {
		return protoreflect.Value{}, err
	}
	n := protoreflect.EnumNumber(i) //nolint:gosec // signed has checked the range
	if _, declared := enum.names[n]; enum.closed && !declared {
		return protoreflect.Value{}, d.bad(reasonEnumNumber, start)
	}
	return protoreflect.ValueOfEnum(n), nil
}

const (
	reasonEnumName   = "unknown name of an enum value"
	reasonEnumNumber = "unknown number of a closed enum"
)

// float reads a number, a string that holds one, or one of the strings that stand for what JSON has no number for.
func (d *decoder) float(bitSize int) (float64, error) {
	const reason = "not a number"
	start := d.pos
	number, err := d.numeral(reason)
	if err != nil {
		return 0, err
	}
	switch string(number) {
	case "NaN":
		return math.NaN(), nil
	case "Infinity":
		return math.Inf(1), nil
	case "-Infinity":
		return math.Inf(-1), nil
	}
	if scanNumber(number) != len(number) || len(number) == 0 {
		return 0, d.bad(reason, start)
	}
	f, ok := parseFloat(number, bitSize)
	if !ok {
		return 0, d.bad(outOfRange, start)
	}
	return f, nil
}

// signed reads an integer from -limit-1 to limit.
func (d *decoder) signed(limit uint64) (int64, error) {
	start := d.pos
	negative, magnitude, err := d.integer()
	if err != nil {
		return 0, err
	}
	if negative {
		if magnitude > limit+1 {
			return 0, d.bad(outOfRange, start)
		}
		return -int64(magnitude), nil //nolint:gosec // 2^63 wraps to what is meant
	}
	if magnitude > limit {
		return 0, d.bad(outOfRange, start)
	}
	return int64(magnitude), nil //nolint:gosec // at most limit
}

// unsigned reads an integer from 0 to limit.
func (d *decoder) unsigned(limit uint64) (uint64, error) {
	start := d.pos
	negative, magnitude, err := d.integer()
	if err != nil {
		return 0, err
	}
	if magnitude > limit || negative && magnitude > 0 {
		return 0, d.bad(outOfRange, start)
	}
	return magnitude, nil
}

// integer reads an integral number, or a string that holds one.
func (d *decoder) integer() (negative bool, magnitude uint64, err error) {
	start := d.pos
	number, err := d.numeral(notIntegral)
	if err != nil {
		return false, 0, err
	}
	if scanNumber(number) != len(number) || len(number) == 0 {
		return false, 0, d.bad(notIntegral, start)
	}
	negative, magnitude, problem := parseInteger(number)
	if problem != "" {
		return false, 0, d.bad(problem, start)
	}
	return negative, magnitude, nil
}

// numeral reads a number or the content of a string.
func (d *decoder) numeral(reason string) ([]byte, error) {
	switch c := d.peek(); {
	case c == '"':
		return d.text()
	case c == '-' || isDigit(c):
		return d.number()
	default:
		return nil, d.mismatch(reason)
	}
}

// mapKey reads the key of a map from the name of a member.
func mapKey(kind protoreflect.Kind, name []byte) (protoreflect.MapKey, error) {
	switch kind {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(string(name)).MapKey(), nil
	case protoreflect.BoolKind:
		if text := string(name); text == "true" || text == "false" {
			return protoreflect.ValueOfBool(text == "true").MapKey(), nil
		}
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		if n, err := strconv.ParseInt(string(name), 10, 32); err == nil {
			return protoreflect.ValueOfInt32(int32(n)).MapKey(), nil
		}
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		if n, err := strconv.ParseInt(string(name), 10, 64); err == nil {
			return protoreflect.ValueOfInt64(n).MapKey(), nil
		}
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		if n, err := strconv.ParseUint(string(name), 10, 32); err == nil {
			return protoreflect.ValueOfUint32(uint32(n)).MapKey(), nil
		}
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		if n, err := strconv.ParseUint(string(name), 10, 64); err == nil {
			return protoreflect.ValueOfUint64(n).MapKey(), nil
		}
	}
	return protoreflect.MapKey{}, &Error{Reason: "not a key of type " + kind.String()}
}
