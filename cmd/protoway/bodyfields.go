package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/protoway/protoway/cmd/internal/spelling"
	"github.com/protoway/protoway/wire/protojson"
)

// warnFields tells of fields of a body that the schema does not have: the server
// ignores them. where is in front of the warning, such as "--first join: ".
func (t *target) warnFields(cmd *cobra.Command, where, kind string, body json.RawMessage) {
	for _, each := range t.strangeFields(kind, body) {
		progress(cmd, "warning: %s%s", where, each)
	}
}

// strangeFields says which fields of a body the schema does not have. Without a
// schema nobody knows.
func (t *target) strangeFields(kind string, body json.RawMessage) []string {
	if t.schema == nil {
		return nil
	}
	entry := t.catalog.FromClient(kind)
	if entry == nil {
		return nil
	}
	var found []string
	walkStrange(bodyPart{entry.Message.Descriptor(), "", body}, func(in bodyPart, name string) {
		names := fieldNames(in.desc)
		mend := "it has none"
		if len(names) > 0 {
			mend = "it has " + strings.Join(names, ", ")
		}
		found = append(found, fmt.Sprintf("%s has no field %s, so the server ignores it: %s",
			in.desc.FullName(), printable(in.path+name), spelling.Suggest(name, names, mend)))
	})
	return found
}

// bodyPart is a message in a body.
type bodyPart struct {
	desc protoreflect.MessageDescriptor
	path string // to its fields
	body json.RawMessage
}

// walkStrange calls tell for each field of a body that its message does not have.
// What is no object is left to the server, which says so.
func walkStrange(in bodyPart, tell func(in bodyPart, name string)) {
	var fields map[string]json.RawMessage
	if in.desc.ParentFile().Package() == "google.protobuf" || json.Unmarshal(in.body, &fields) != nil {
		return // well-known types have forms of their own
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		field, known := fieldOf(in.desc, name)
		switch {
		case !known:
			tell(in, name)
		case field != nil:
			for _, part := range messagesIn(field, in.path+name, fields[name]) {
				walkStrange(part, tell)
			}
		}
	}
}

// fieldOf returns the field that a name in a body means: the decoder, which takes
// several spellings, refuses one that is there twice, and says which.
func fieldOf(desc protoreflect.MessageDescriptor, name string) (field protoreflect.FieldDescriptor, known bool) {
	quoted, _ := json.Marshal(name) // texts can always be encoded
	twice := fmt.Appendf(nil, "{%s:null,%s:null}", quoted, quoted)
	err := protojson.Options{Names: protojson.ProtoNames}.Unmarshal(twice, dynamicpb.NewMessage(desc))
	var refused *protojson.Error
	if !errors.As(err, &refused) {
		return nil, false
	}
	return desc.Fields().ByTextName(refused.Path), true
}

// messagesIn are the messages in the value of a field.
func messagesIn(field protoreflect.FieldDescriptor, path string, value json.RawMessage) []bodyPart {
	var parts []bodyPart
	desc := field.Message()
	switch {
	case desc == nil:
	case field.IsMap():
		var values map[string]json.RawMessage
		if desc = field.MapValue().Message(); desc == nil || json.Unmarshal(value, &values) != nil {
			break
		}
		for _, key := range slices.Sorted(maps.Keys(values)) {
			parts = append(parts, bodyPart{desc, fmt.Sprintf("%s[%q].", path, key), values[key]})
		}
	case field.IsList():
		var values []json.RawMessage
		_ = json.Unmarshal(value, &values) // the server says what is no list
		for i, each := range values {
			parts = append(parts, bodyPart{desc, fmt.Sprintf("%s[%d].", path, i), each})
		}
	default:
		parts = append(parts, bodyPart{desc, path + ".", value})
	}
	return parts
}

// fieldNames are the names of the fields of a message in JSON.
func fieldNames(desc protoreflect.MessageDescriptor) []string {
	names := make([]string, desc.Fields().Len())
	for i := range names {
		names[i] = desc.Fields().Get(i).JSONName()
	}
	return names
}
