package golang

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// text spells a message in the text format on one line. The format's own
// package varies its spaces from build to build, which generated code must not.
func text(message protoreflect.Message) string {
	var parts []string
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if message.Has(field) {
			parts = append(parts, string(field.Name())+": "+fieldText(field, message.Get(field)))
		}
	}
	return strings.Join(parts, " ")
}

func fieldText(field protoreflect.FieldDescriptor, value protoreflect.Value) string {
	if !field.IsList() {
		return valueText(field, value)
	}
	list := value.List()
	items := make([]string, list.Len())
	for i := range items {
		items[i] = valueText(field, list.Get(i))
	}
	return "[" + strings.Join(items, ", ") + "]"
}

func valueText(field protoreflect.FieldDescriptor, value protoreflect.Value) string {
	switch field.Kind() {
	case protoreflect.MessageKind:
		return "{" + text(value.Message()) + "}"
	case protoreflect.EnumKind:
		return string(field.Enum().Values().ByNumber(value.Enum()).Name())
	case protoreflect.StringKind:
		return strconv.Quote(value.String())
	default:
		return value.String()
	}
}
