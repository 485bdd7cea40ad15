package protojson_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	googlejson "google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"github.com/protoway/protoway/wire/protojson"
	"github.com/protoway/protoway/wire/protojson/internal/jsontest"
)

// randomly fills messages of any type with values that have a JSON form.
type randomly struct{ *rapid.T }

func (r randomly) fill(m protoreflect.Message, depth int) {
	if r.fillWellKnown(m.Interface(), depth) {
		return
	}
	fds := m.Descriptor().Fields()
	for i := range fds.Len() {
		fd := fds.Get(i)
		wanted := fd.Cardinality() == protoreflect.Required || rapid.IntRange(0, 3).Draw(r.T, "wanted") == 0
		if !wanted || depth == 0 && fd.Message() != nil {
			continue
		}
		r.fillField(m, fd, depth)
	}
	if m.Descriptor().FullName() == "jsontest.Legacy" && depth > 0 {
		for _, xt := range []protoreflect.ExtensionType{
			jsontest.E_ExtNumber, jsontest.E_ExtTexts, jsontest.E_ExtMessage, jsontest.E_ExtFixed, jsontest.E_Scope_Scoped,
		} {
			if rapid.IntRange(0, 3).Draw(r.T, "extended") == 0 {
				r.fillField(m, xt.TypeDescriptor(), depth)
			}
		}
	}
}

func (r randomly) fillField(m protoreflect.Message, fd protoreflect.FieldDescriptor, depth int) {
	n := rapid.IntRange(0, 3).Draw(r.T, "elements")
	switch {
	case fd.IsList():
		list := m.Mutable(fd).List()
		for range n {
			list.Append(r.value(fd, list.NewElement, depth))
		}
	case fd.IsMap():
		entries := m.Mutable(fd).Map()
		for range n {
			entries.Set(r.value(fd.MapKey(), nil, depth).MapKey(), r.value(fd.MapValue(), entries.NewValue, depth))
		}
	default:
		m.Set(fd, r.value(fd, func() protoreflect.Value { return m.NewField(fd) }, depth))
	}
}

func (r randomly) value(fd protoreflect.FieldDescriptor, fresh func() protoreflect.Value, depth int) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		v := fresh()
		r.fill(v.Message(), depth-1)
		return v
	case protoreflect.EnumKind:
		if fd.Enum().FullName() == "google.protobuf.NullValue" {
			return protoreflect.ValueOfEnum(0)
		}
		values := fd.Enum().Values()
		n := values.Get(rapid.IntRange(0, values.Len()-1).Draw(r.T, "enum")).Number()
		if !fd.Enum().IsClosed() && rapid.Bool().Draw(r.T, "undeclared") {
			n = protoreflect.EnumNumber(rapid.Int32().Draw(r.T, "number"))
		}
		return protoreflect.ValueOfEnum(n)
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(rapid.Bool().Draw(r.T, "bool"))
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(rapid.String().Draw(r.T, "string"))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(rapid.SliceOf(rapid.Byte()).Draw(r.T, "bytes"))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(rapid.OneOf(rapid.Float32(), rapid.Just(float32(math.Inf(1)))).Draw(r.T, "float"))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(rapid.OneOf(rapid.Float64(), rapid.Just(math.NaN())).Draw(r.T, "double"))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(rapid.Int32().Draw(r.T, "int32"))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(rapid.Uint32().Draw(r.T, "uint32"))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(rapid.Int64().Draw(r.T, "int64"))
	default:
		return protoreflect.ValueOfUint64(rapid.Uint64().Draw(r.T, "uint64"))
	}
}

// fillWellKnown fills the types whose values have to satisfy more than their fields say.
func (r randomly) fillWellKnown(m proto.Message, depth int) bool {
	var from proto.Message
	switch m.ProtoReflect().Descriptor().FullName() {
	case "google.protobuf.Timestamp":
		from = &timestamppb.Timestamp{
			Seconds: rapid.Int64Range(-62135596800, 253402300799).Draw(r.T, "seconds"),
			Nanos:   r.nanos(),
		}
	case "google.protobuf.Duration":
		d := &durationpb.Duration{Seconds: rapid.Int64Range(0, 315576000000).Draw(r.T, "seconds"), Nanos: r.nanos()}
		if rapid.Bool().Draw(r.T, "negative") {
			d.Seconds, d.Nanos = -d.Seconds, -d.Nanos
		}
		from = d
	case "google.protobuf.FieldMask":
		path := rapid.StringMatching(`[a-z][a-z0-9]{0,3}(_[a-z][a-z0-9]?){0,2}(\.[a-z](_[a-z])?)?`)
		from = &fieldmaskpb.FieldMask{Paths: rapid.SliceOfN(path, 0, 3).Draw(r.T, "paths")}
	case "google.protobuf.Value":
		from = r.dynamic(depth)
	case "google.protobuf.Any":
		from = r.packed(depth)
	default:
		return false
	}
	data, err := proto.Marshal(from)
	if err == nil {
		err = proto.Unmarshal(data, m)
	}
	if err != nil {
		r.Fatal(err)
	}
	return true
}

func (r randomly) nanos() int32 {
	unit := rapid.SampledFrom([]int32{1, 1000, 1000000}).Draw(r.T, "unit")
	return rapid.Int32Range(0, 999999999/unit).Draw(r.T, "nanos") * unit
}

func (r randomly) dynamic(depth int) *structpb.Value {
	most := 5
	if depth <= 0 {
		most = 3
	}
	switch rapid.IntRange(0, most).Draw(r.T, "kind") {
	case 0:
		return structpb.NewNullValue()
	case 1:
		return structpb.NewNumberValue(rapid.Float64().Draw(r.T, "number"))
	case 2:
		return structpb.NewStringValue(rapid.String().Draw(r.T, "string"))
	case 3:
		return structpb.NewBoolValue(rapid.Bool().Draw(r.T, "bool"))
	case 4:
		s := &structpb.Struct{}
		r.fill(s.ProtoReflect(), depth-1)
		return structpb.NewStructValue(s)
	default:
		l := &structpb.ListValue{}
		r.fill(l.ProtoReflect(), depth-1)
		return structpb.NewListValue(l)
	}
}

func (r randomly) packed(depth int) *anypb.Any {
	if depth <= 0 {
		return &anypb.Any{}
	}
	inner := r.message(depth - 1)
	a := &anypb.Any{}
	if err := anypb.MarshalFrom(a, inner, proto.MarshalOptions{Deterministic: true}); err != nil {
		r.Fatal(err)
	}
	return a
}

// samples are the types that the tests draw messages of.
var samples = []proto.Message{
	&jsontest.AllTypes{}, &jsontest.Scalars{}, &jsontest.Maps{}, &jsontest.Tree{}, &jsontest.Known{}, &jsontest.Names{},
	&jsontest.Wide{}, &jsontest.Legacy{}, &jsontest.Opaque{}, &structpb.Value{}, &timestamppb.Timestamp{}, &anypb.Any{},
}

func (r randomly) message(depth int) proto.Message {
	m := rapid.SampledFrom(samples).Draw(r.T, "type").ProtoReflect().New()
	if rapid.Bool().Draw(r.T, "by descriptor") {
		m = dynamicpb.NewMessage(m.Descriptor())
	}
	r.fill(m, depth)
	return m.Interface()
}

// Whatever the style, what is written is read back and written the same again.
func TestRandomRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := randomly{t}.message(4)
		options := protojson.Options{
			Names:        rapid.SampledFrom(styles).Draw(t, "style"),
			EmitDefaults: rapid.Bool().Draw(t, "defaults"),
		}
		out, err := options.Append(nil, m)
		if err != nil {
			t.Fatalf("Append(%v): %v", m, err)
		}
		back := m.ProtoReflect().New().Interface()
		if err := options.Unmarshal(out, back); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if !proto.Equal(m, back) {
			t.Fatalf("%s\nwant %v\ngot  %v", out, m, back)
		}
		again, err := options.Append(nil, back)
		if err != nil || !bytes.Equal(again, out) {
			t.Fatalf("%s\nbecame %s, %v", out, again, err)
		}
	})
}

// The reference implementation reads what we write, and we read what it writes.
func TestRandomAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := randomly{t}.message(4)
		declared := rapid.Bool().Draw(t, "declared names")
		ours, theirs := protojson.Options{}, googlejson.MarshalOptions{UseProtoNames: declared}
		if declared {
			ours.Names = protojson.ProtoNames
		}
		out, err := ours.Append(nil, m)
		if err != nil {
			t.Fatalf("Append(%v): %v", m, err)
		}
		back := m.ProtoReflect().New().Interface()
		if err := googlejson.Unmarshal(out, back); err != nil || !proto.Equal(m, back) {
			t.Fatalf("%s\nwant %v\ngot  %v, %v", out, m, back, err)
		}
		reference, err := theirs.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		style := rapid.SampledFrom(styles).Draw(t, "style")
		back = m.ProtoReflect().New().Interface()
		if err := (protojson.Options{Names: style}).Unmarshal(reference, back); err != nil || !proto.Equal(m, back) {
			t.Fatalf("%s\nwant %v\ngot  %v, %v", reference, m, back, err)
		}
		if want := withoutSpaces(string(reference)); withoutSpaces(string(out)) != want {
			t.Fatalf("ours      %s\nreference %s", out, reference)
		}
	})
}

// withoutSpaces takes out the spaces that the reference implementation adds at random.
func withoutSpaces(text string) string { return strings.ReplaceAll(text, " ", "") }
