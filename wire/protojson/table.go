package protojson

import (
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// table is what the codec knows about one message type in one name style.
type table struct {
	known      wellKnown
	extendable bool
	fields     []field           // in declaration order
	required   []*field          // the proto2 ones
	exact      map[string]*field // by output name, json_name and declared name
	loose      map[string]*field // by folded name; nil where two fields share it
}

// field is what the codec knows about one field, so that the descriptor is not asked again for every value.
type field struct {
	element            // of the field, of its list, or of the values of its map
	desc               protoreflect.FieldDescriptor
	oneof              protoreflect.OneofDescriptor // nil if none
	name               string                       // in the output and in paths
	label              string                       // the name as it is written: quoted, with its colon
	index              int                          // in table.fields
	isList, isMap      bool
	mapKey             protoreflect.Kind
	implicit, required bool
}

// element is what the codec knows about one value.
type element struct {
	kind      protoreflect.Kind
	enum      *enum // of an enum kind
	takesNull bool  // null is a value, not the absence of one
}

// enum is what the codec knows about one enum type.
type enum struct {
	numbers map[string]protoreflect.EnumNumber
	names   map[protoreflect.EnumNumber]string
	closed  bool
	isNull  bool // google.protobuf.NullValue, which is written as null
}

// tables holds a *table by message descriptor, per style, and enums an *enum by enum descriptor. Entries are never
// dropped: the descriptors of a process are few and live as long as it does.
var (
	tables [nameStyles]sync.Map
	enums  sync.Map
)

func tableOf(md protoreflect.MessageDescriptor, style NameStyle) *table {
	if t, ok := tables[style].Load(md); ok {
		return t.(*table)
	}
	t, _ := tables[style].LoadOrStore(md, newTable(md, style))
	return t.(*table)
}

func newTable(md protoreflect.MessageDescriptor, style NameStyle) *table {
	fds := md.Fields()
	t := &table{
		known:      wellKnownOf(md),
		extendable: md.ExtensionRanges().Len() > 0,
		fields:     make([]field, fds.Len()),
		exact:      make(map[string]*field, 2*fds.Len()),
		loose:      make(map[string]*field, fds.Len()),
	}
	for i, name := range uniqueNames(fds, style) {
		f := &t.fields[i]
		*f = newField(fds.Get(i), name)
		f.index = i
		if f.required {
			t.required = append(t.required, f)
		}
		t.addLoose(f, name, f.desc.JSONName(), string(f.desc.Name()))
	}
	// A name of an earlier round wins: what this style writes it reads back, then json_name, then the declared name.
	for _, nameOf := range []func(*field) string{
		func(f *field) string { return f.name },
		func(f *field) string { return f.desc.JSONName() },
		func(f *field) string { return f.desc.TextName() },
		func(f *field) string { return string(f.desc.Name()) },
	} {
		for i := range t.fields {
			if name := nameOf(&t.fields[i]); t.exact[name] == nil {
				t.exact[name] = &t.fields[i]
			}
		}
	}
	return t
}

// uniqueNames returns the output names of all fields. Fields whose names in the style clash, which proto2 allows,
// get their declared names, because two members of one name are lost on every reader.
func uniqueNames(fds protoreflect.FieldDescriptors, style NameStyle) []string {
	names := make([]string, fds.Len())
	for i := range names {
		names[i] = outputName(fds.Get(i), style)
	}
	for clash := true; clash; {
		clash = false
		count := make(map[string]int, len(names))
		for _, name := range names {
			count[name]++
		}
		for i, name := range names {
			if declared := string(fds.Get(i).Name()); count[name] > 1 && name != declared {
				names[i], clash = declared, true
			}
		}
	}
	return names
}

func (t *table) addLoose(f *field, names ...string) {
	for _, name := range names {
		fold := string(appendFold(nil, name))
		if other, taken := t.loose[fold]; taken && other != f {
			t.loose[fold] = nil
			continue
		}
		t.loose[fold] = f
	}
}

// lookup finds the field that a JSON name means, nil if none.
func (t *table) lookup(name []byte) *field {
	if f, ok := t.exact[string(name)]; ok {
		return f
	}
	var buf [64]byte
	return t.loose[string(appendFold(buf[:0], name))]
}

func newField(fd protoreflect.FieldDescriptor, name string) field {
	f := field{
		desc:     fd,
		oneof:    fd.ContainingOneof(),
		name:     name,
		isList:   fd.IsList(),
		isMap:    fd.IsMap(),
		required: fd.Cardinality() == protoreflect.Required,
	}
	label, _ := appendQuoted(nil, name) // which outputName made valid
	f.label = string(label) + ":"
	f.implicit = !fd.HasPresence()
	value := fd
	if f.isMap {
		f.mapKey, value = fd.MapKey().Kind(), fd.MapValue()
	}
	f.element = newElement(value)
	return f
}

func newElement(fd protoreflect.FieldDescriptor) element {
	e := element{kind: fd.Kind()}
	switch e.kind {
	case protoreflect.EnumKind:
		e.enum = enumOf(fd.Enum())
		e.takesNull = e.enum.isNull
	case protoreflect.MessageKind, protoreflect.GroupKind:
		e.takesNull = wellKnownOf(fd.Message()) == knownValue
	}
	return e
}

func enumOf(ed protoreflect.EnumDescriptor) *enum {
	if e, ok := enums.Load(ed); ok {
		return e.(*enum)
	}
	values := ed.Values()
	e := &enum{
		numbers: make(map[string]protoreflect.EnumNumber, values.Len()),
		names:   make(map[protoreflect.EnumNumber]string, values.Len()),
		closed:  ed.IsClosed(),
		isNull:  ed.FullName() == "google.protobuf.NullValue",
	}
	for i := range values.Len() {
		v := values.Get(i)
		e.numbers[string(v.Name())] = v.Number()
		if _, alias := e.names[v.Number()]; !alias {
			e.names[v.Number()] = string(v.Name())
		}
	}
	stored, _ := enums.LoadOrStore(ed, e)
	return stored.(*enum)
}
