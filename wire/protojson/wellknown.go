package protojson

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// wellKnown names the messages of google.protobuf that have a JSON form of their own. Empty is not among them: it is
// an ordinary message without fields.
type wellKnown uint8

const (
	ordinary wellKnown = iota
	knownAny
	knownTimestamp
	knownDuration
	knownFieldMask
	knownStruct
	knownList
	knownValue
	knownWrapper
)

// wellKnownTypes lists the fields that each type must have. A message that only bears the name of one is ordinary,
// so that the code may rely on the fields.
var wellKnownTypes = map[protoreflect.FullName]struct {
	known wellKnown
	shape string
}{
	"google.protobuf.Any":         {knownAny, "optional string, optional bytes"},
	"google.protobuf.Timestamp":   {knownTimestamp, "optional int64, optional int32"},
	"google.protobuf.Duration":    {knownDuration, "optional int64, optional int32"},
	"google.protobuf.FieldMask":   {knownFieldMask, "repeated string"},
	"google.protobuf.Struct":      {knownStruct, "map message"},
	"google.protobuf.ListValue":   {knownList, "repeated message"},
	"google.protobuf.Value":       {knownValue, "oneof enum, oneof double, oneof string, oneof bool, oneof message, oneof message"},
	"google.protobuf.BoolValue":   {knownWrapper, "optional bool"},
	"google.protobuf.Int32Value":  {knownWrapper, "optional int32"},
	"google.protobuf.Int64Value":  {knownWrapper, "optional int64"},
	"google.protobuf.UInt32Value": {knownWrapper, "optional uint32"},
	"google.protobuf.UInt64Value": {knownWrapper, "optional uint64"},
	"google.protobuf.FloatValue":  {knownWrapper, "optional float"},
	"google.protobuf.DoubleValue": {knownWrapper, "optional double"},
	"google.protobuf.StringValue": {knownWrapper, "optional string"},
	"google.protobuf.BytesValue":  {knownWrapper, "optional bytes"},
}

func wellKnownOf(md protoreflect.MessageDescriptor) wellKnown {
	w, ok := wellKnownTypes[md.FullName()]
	if !ok || w.shape != shapeOf(md.Fields()) {
		return ordinary
	}
	return w.known
}

// shapeOf spells the fields of a message as [wellKnownTypes] does.
func shapeOf(fds protoreflect.FieldDescriptors) string {
	shape := make([]string, fds.Len())
	for i := range shape {
		fd := fds.Get(i)
		label := fd.Cardinality().String()
		switch {
		case fd.IsMap():
			label, fd = "map", fd.MapValue()
		case fd.ContainingOneof() != nil:
			label = "oneof"
		}
		shape[i] = fmt.Sprint(label, " ", fd.Kind())
	}
	return strings.Join(shape, ", ")
}

// The fields of the well-known types by their index, which the shape vouches for.
const (
	anyTypeURL, anyValue        = 0, 1
	timeSeconds, timeNanos      = 0, 1
	onlyField                   = 0
	valueNull, valueNumber      = 0, 1
	valueString, valueBool      = 2, 3
	valueStruct, valueListValue = 4, 5
)
