package protojson_test

import (
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/protoway/protoway/wire/protojson"
	"github.com/protoway/protoway/wire/protojson/internal/jsontest"
)

func TestWellKnownTypes(t *testing.T) {
	for in, out := range map[string]string{
		`{"timestamp":"1970-01-01T00:00:00Z"}`:                `{"timestamp":"1970-01-01T00:00:00Z"}`,
		`{"timestamp":"2020-02-29T23:59:59.5+01:30"}`:         `{"timestamp":"2020-02-29T22:29:59.500Z"}`,
		`{"timestamp":"0001-01-01T00:00:00.000000001Z"}`:      `{"timestamp":"0001-01-01T00:00:00.000000001Z"}`,
		`{"timestamp":"9999-12-31T23:59:59.999999Z"}`:         `{"timestamp":"9999-12-31T23:59:59.999999Z"}`,
		`{"timestamp":"1969-12-31T23:59:59.001Z"}`:            `{"timestamp":"1969-12-31T23:59:59.001Z"}`,
		`{"duration":"0s"}`:                                   `{"duration":"0s"}`,
		`{"duration":"-0.5s"}`:                                `{"duration":"-0.500s"}`,
		`{"duration":"+1.000001s"}`:                           `{"duration":"1.000001s"}`,
		`{"duration":"1.s"}`:                                  `{"duration":"1s"}`,
		`{"duration":".000000001s"}`:                          `{"duration":"0.000000001s"}`,
		`{"duration":"-315576000000.999999999s"}`:             `{"duration":"-315576000000.999999999s"}`,
		`{"mask":""}`:                                         `{"mask":""}`,
		`{"mask":"a,bC.dE1,f"}`:                               `{"mask":"a,bC.dE1,f"}`,
		`{"struct":{"b":1,"a":{"x":null},"":[]}}`:             `{"struct":{"":[],"a":{"x":null},"b":1}}`,
		`{"value":null,"list":[null,1.5,"NaN",true,[],{}]}`:   `{"value":null,"list":[null,1.5,"NaN",true,[],{}]}`,
		`{"value":"x","values":[null,false]}`:                 `{"value":"x","values":[null,false]}`,
		`{"list":null,"struct":null,"values":null}`:           `{}`,
		`{"empty":{}}`:                                        `{"empty":{}}`,
		`{"empty":{"unknown":[1]}}`:                           `{"empty":{}}`,
		`{"null":null,"nulls":[null,0,"NULL_VALUE"]}`:         `{"nulls":[null,null,null]}`,
		`{"bool":false,"int32":0,"int64":0,"uint32":0}`:       `{"bool":false,"int32":0,"int64":"0","uint32":0}`,
		`{"uint64":"1","float":"Infinity","double":-0}`:       `{"uint64":"1","float":"Infinity","double":-0}`,
		`{"string":"","bytes":"_w","durations":["1s","-1s"]}`: `{"string":"","bytes":"/w==","durations":["1s","-1s"]}`,
		`{"bool":null,"string":null,"timestamp":null}`:        `{}`,
		`{"oneValue":null}`:                                   `{"oneValue":null}`,
		`{"oneNull":null}`:                                    `{"oneNull":null}`,
		`{"oneString":null,"oneInner":{}}`:                    `{"oneInner":{}}`,
	} {
		roundTrips(t, protojson.Options{}, &jsontest.Known{}, in, out)
	}
}

func TestWellKnownTypesRefuse(t *testing.T) {
	for in, problem := range map[string]string{
		`{"timestamp":0}`:                                   `timestamp: not a string: 0`,
		`{"timestamp":"2020-01-02"}`:                        `timestamp: not a timestamp of RFC 3339 from year 1 to 9999: "2020-01-02"`,
		`{"timestamp":"2020-01-02T03:04:05"}`:               "not a timestamp",
		`{"timestamp":"2020-01-02T03:04:05,5Z"}`:            "not a timestamp",
		`{"timestamp":"2020-01-02T3:04:05.5Z"}`:             "not a timestamp",
		`{"timestamp":"2020-01-02T03:04:05.1234567890Z"}`:   "not a timestamp",
		`{"timestamp":"2020-02-30T03:04:05Z"}`:              "not a timestamp",
		`{"timestamp":"0000-12-31T23:59:59Z"}`:              "not a timestamp",
		`{"timestamp":"9999-12-31T23:59:59-01:00"}`:         "not a timestamp",
		`{"duration":1}`:                                    `duration: not a string: 1`,
		`{"duration":"1"}`:                                  `duration: not a duration in seconds such as 1.5s: "1"`,
		`{"duration":"s"}`:                                  "not a duration",
		`{"duration":".s"}`:                                 "not a duration",
		`{"duration":"--1s"}`:                               "not a duration",
		`{"duration":"-+1s"}`:                               "not a duration",
		`{"duration":"1.5.5s"}`:                             "not a duration",
		`{"duration":"1.1234567890s"}`:                      "not a duration",
		`{"duration":"315576000001s"}`:                      "not a duration",
		`{"duration":"1000000000000000000000s"}`:            "not a duration",
		`{"mask":"a_b"}`:                                    `mask: not a field mask in lowerCamel such as a,b.cD: "a_b"`,
		`{"mask":"a,,b"}`:                                   "not a field mask",
		`{"mask":"a."}`:                                     "not a field mask",
		`{"mask":["a"]}`:                                    "mask: not a string",
		`{"struct":[]}`:                                     "struct: not an object",
		`{"struct":{"a":1,"a":2}}`:                          `struct["a"]: key given twice`,
		`{"list":{}}`:                                       "list: not an array",
		`{"list":[{"a":[1e999]}]}`:                          `list[0]["a"][0]: out of range: 1e999`,
		`{"bool":"true"}`:                                   "bool: not a boolean",
		`{"int32":{"value":1}}`:                             "int32: not an integer",
		`{"uint32":-1}`:                                     "uint32: out of range",
		`{"null":1.5}`:                                      "null: not an integer",
		`{"empty":[]}`:                                      "empty: not an object",
		`{"durations":[null]}`:                              "durations[0]: not a string",
		`{"oneValue":null,"oneNull":null}`:                  "oneNull: not together with oneValue",
		`{"any":1}`:                                         "any: not an object: 1",
		`{"any":{"x":1}}`:                                   "any: a google.protobuf.Any without @type",
		`{"any":{"@type":1}}`:                               "any.@type: not a string: 1",
		`{"any":{"@type":null}}`:                            "any.@type: not a string: null",
		`{"any":{"@type":""}}`:                              "any.@type: empty type URL",
		`{"any":{"@type":"x/no.Such"}}`:                     `any.@type: unknown type: "x/no.Such"`,
		`{"any":{"@type":"x/jsontest.Inner","big":"x"}}`:    `any.big: not an integer: "x"`,
		`{"any":{"@type":"x/jsontest.Inner","@type":"x"}}`:  `any.@type: given twice`,
		`{"any":{"@type":"x/google.protobuf.Duration"}}`:    `any.value: missing`,
		`{"any":{"@type":"x/google.protobuf.Value","v":1}}`: `any.value: missing`,
		`{"anys":[{"value":"x","@type":"x/google.protobuf.Duration"}]}`:              `anys[0].value: not a duration in seconds such as 1.5s: "x"`,
		`{"any":{"@type":"x/google.protobuf.BoolValue","value":true,"value":false}}`: `any.value: given twice`,
		`{"any":{"@type":"x/google.protobuf.BoolValue","@type":"","value":true}}`:    `any.@type: given twice`,
	} {
		refuses(t, &jsontest.Known{}, in, problem)
	}
}

func TestAny(t *testing.T) {
	for in, out := range map[string]string{
		`{"any":{}}`: `{"any":{}}`,
		`{"any":{"big":5,"@type":"x/jsontest.Inner","zzz":[]}}`:                           `{"any":{"@type":"x/jsontest.Inner","big":"5"}}`,
		`{"any":{"@type":"x/google.protobuf.Empty"}}`:                                     `{"any":{"@type":"x/google.protobuf.Empty"}}`,
		`{"any":{"@type":"x/google.protobuf.Empty","value":{}}}`:                          `{"any":{"@type":"x/google.protobuf.Empty"}}`,
		`{"any":{"value":"1.5s","@type":"x/google.protobuf.Duration"}}`:                   `{"any":{"@type":"x/google.protobuf.Duration","value":"1.500s"}}`,
		`{"any":{"@type":"x/google.protobuf.Value","value":null}}`:                        `{"any":{"@type":"x/google.protobuf.Value","value":null}}`,
		`{"any":{"@type":"x/google.protobuf.Struct","value":{"@type":1}}}`:                `{"any":{"@type":"x/google.protobuf.Struct","value":{"@type":1}}}`,
		`{"any":{"value":{"@type":"x/jsontest.Inner"},"@type":"x/google.protobuf.Any"}}`:  `{"any":{"@type":"x/google.protobuf.Any","value":{"@type":"x/jsontest.Inner"}}}`,
		`{"any":{"@type":"x/jsontest.Legacy","number":1,"[jsontest.ext_number]":2}}`:      `{"any":{"@type":"x/jsontest.Legacy","number":1,"[jsontest.ext_number]":"2"}}`,
		`{"any":{"\u0040type":"x/google.protobuf.StringValue","value":"v","unknown":{}}}`: `{"any":{"@type":"x/google.protobuf.StringValue","value":"v"}}`,
	} {
		roundTrips(t, protojson.Options{}, &jsontest.Known{}, in, out)
	}
}

func TestAppendRefusesWellKnownValues(t *testing.T) {
	number := func(f float64) proto.Message { return structpb.NewNumberValue(f) }
	for _, test := range []struct {
		problem string
		m       proto.Message
	}{
		{"timestamp out of range", &timestamppb.Timestamp{Seconds: -62135596801}},
		{"timestamp out of range", &timestamppb.Timestamp{Seconds: 253402300800}},
		{"timestamp out of range", &timestamppb.Timestamp{Nanos: -1}},
		{"timestamp out of range", &timestamppb.Timestamp{Nanos: 1000000000}},
		{"duration out of range", &durationpb.Duration{Seconds: 315576000001}},
		{"duration out of range", &durationpb.Duration{Seconds: math.MinInt64}},
		{"duration out of range", &durationpb.Duration{Nanos: math.MinInt32}},
		{"seconds and nanos of a duration differ in sign", &durationpb.Duration{Seconds: 1, Nanos: -1}},
		{"seconds and nanos of a duration differ in sign", &durationpb.Duration{Seconds: -1, Nanos: 1}},
		{"a field mask cannot hold the path: a__b", &fieldmaskpb.FieldMask{Paths: []string{"ok", "a__b"}}},
		{"a field mask cannot hold the path: aB", &fieldmaskpb.FieldMask{Paths: []string{"aB"}}},
		{"a field mask cannot hold the path: a_1", &fieldmaskpb.FieldMask{Paths: []string{"a_1"}}},
		{"a field mask cannot hold the path: a,b", &fieldmaskpb.FieldMask{Paths: []string{"a,b"}}},
		{"a google.protobuf.Value without a kind", &structpb.Value{}},
		{"[0]: a google.protobuf.Value without a kind", &structpb.ListValue{Values: []*structpb.Value{{}}}},
		{"a google.protobuf.Value holds finite numbers only", number(math.NaN())},
		{"a google.protobuf.Value holds finite numbers only", number(math.Inf(-1))},
		{"invalid UTF-8: x/�", &anypb.Any{TypeUrl: "x/\xff"}},
		{"unknown type in a google.protobuf.Any: x/no.Such", &anypb.Any{TypeUrl: "x/no.Such"}},
		{"a google.protobuf.Any without a type URL", &anypb.Any{Value: []byte{1}}},
		{"malformed content in a google.protobuf.Any: x/jsontest.Inner", &anypb.Any{TypeUrl: "x/jsontest.Inner", Value: []byte{1}}},
		{"value: timestamp out of range", &anypb.Any{TypeUrl: "x/google.protobuf.Timestamp", Value: []byte("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")}},
	} {
		if out, err := (protojson.Options{}).Append(nil, test.m); err == nil || err.Error() != test.problem || out != nil {
			t.Errorf("%v\ngot  %q %v\nwant %s", test.m, out, err, test.problem)
		}
	}
}

// At the top level null is an empty message, and for a Value it is the null.
func TestTopLevelNull(t *testing.T) {
	for m, want := range map[proto.Message]string{
		&timestamppb.Timestamp{}: `"1970-01-01T00:00:00Z"`, &structpb.Value{}: "null", &structpb.ListValue{}: "[]", &anypb.Any{}: "{}",
	} {
		if got := write(t, protojson.Options{}, read(t, protojson.Options{}, "null", m)); got != want {
			t.Errorf("%T: %s", m, got)
		}
	}
	refuses(t, &jsontest.Legacy{}, "null", "must: required field is missing")
}

// A message of one's own that only bears the name of a well-known one is an ordinary message.
func TestForeignWellKnownType(t *testing.T) {
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("own.proto"), Package: proto.String("google.protobuf"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{
			Name: proto.String("Timestamp"),
			Field: []*descriptorpb.FieldDescriptorProto{{
				Name: proto.String("millis"), Number: proto.Int32(1),
				Type:  descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(),
				Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			}},
		}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := dynamicpb.NewMessage(file.Messages().Get(0))
	const text = `{"millis":"5"}`
	if got := write(t, protojson.Options{}, read(t, protojson.Options{}, text, m)); got != text {
		t.Error(got)
	}
}

// nothing is a resolver that fails in an unexpected way.
type nothing struct{ *protoregistry.Types }

func (nothing) FindExtensionByName(protoreflect.FullName) (protoreflect.ExtensionType, error) {
	return nil, protoreflectError("no connection")
}

type protoreflectError string

func (e protoreflectError) Error() string { return string(e) }

func TestResolver(t *testing.T) {
	options := protojson.Options{Resolver: new(protoregistry.Types)}
	err := options.Unmarshal([]byte(`{"any":{"@type":"x/jsontest.Inner"}}`), &jsontest.Known{})
	if err == nil || !strings.Contains(err.Error(), "any.@type: unknown type") {
		t.Errorf("an empty resolver: %v", err)
	}
	const text = `{"must":"x","[jsontest.ext_number]":1}`
	if got := write(t, options, read(t, options, text, &jsontest.Legacy{})); got != `{"must":"x"}` {
		t.Errorf("an empty resolver: %s", got)
	}
	options.Resolver = nothing{}
	if err := options.Unmarshal([]byte(text), &jsontest.Legacy{}); err == nil || err.Error() != "cannot resolve the extension: [jsontest.ext_number]" {
		t.Errorf("a failing resolver: %v", err)
	}
}
