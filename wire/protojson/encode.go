package protojson

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// encoder writes messages as JSON.
type encoder struct {
	buf      []byte
	names    NameStyle
	defaults bool
	partial  bool // required fields may be missing: inside Any, whose content was checked by whoever packed it
	depth    int  // objects and arrays that may still be opened
	resolver Resolver
}

func (e *encoder) message(m protoreflect.Message) error {
	t := tableOf(m.Descriptor(), e.names)
	if t.known != ordinary {
		return e.wellKnown(t, m)
	}
	if err := e.open('{'); err != nil {
		return err
	}
	if err := e.fields(t, m); err != nil {
		return err
	}
	e.close('}')
	return nil
}

// fields writes the members of an object that is already open.
func (e *encoder) fields(t *table, m protoreflect.Message) error {
	for i := range t.fields {
		f := &t.fields[i]
		if !m.Has(f.desc) && !(e.defaults && f.implicit) {
			if f.required && !e.partial {
				return at(&Error{Reason: "required field is missing"}, f.name)
			}
			continue
		}
		if err := e.field(f, m.Get(f.desc)); err != nil {
			return at(err, f.name)
		}
	}
	if !t.extendable {
		return nil
	}
	for _, fd := range extensionsOf(m) {
		f := newField(fd, "["+string(fd.FullName())+"]")
		if err := e.field(&f, m.Get(fd)); err != nil {
			return at(err, f.name)
		}
	}
	return nil
}

// extensionsOf returns the extensions that are set, in the order of their names.
func extensionsOf(m protoreflect.Message) []protoreflect.FieldDescriptor {
	var set []protoreflect.FieldDescriptor
	m.Range(func(fd protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if fd.IsExtension() {
			set = append(set, fd)
		}
		return true
	})
	slices.SortFunc(set, func(a, b protoreflect.FieldDescriptor) int { return cmp.Compare(a.FullName(), b.FullName()) })
	return set
}

func (e *encoder) field(f *field, v protoreflect.Value) error {
	e.separate()
	e.buf = append(e.buf, f.label...)
	switch {
	case f.isList:
		return e.list(&f.element, v.List())
	case f.isMap:
		return e.mapping(f, v.Map())
	default:
		return e.value(&f.element, v)
	}
}

func (e *encoder) list(el *element, list protoreflect.List) error {
	if err := e.open('['); err != nil {
		return err
	}
	for i := range list.Len() {
		e.separate()
		if err := e.value(el, list.Get(i)); err != nil {
			return atIndex(err, i)
		}
	}
	e.close(']')
	return nil
}

func (e *encoder) mapping(f *field, entries protoreflect.Map) error {
	if err := e.open('{'); err != nil {
		return err
	}
	for _, key := range sortedKeys(f.mapKey, entries) {
		e.separate()
		if err := e.quoted(key.String()); err != nil {
			return atKey(err, key.String())
		}
		e.buf = append(e.buf, ':')
		if err := e.value(&f.element, entries.Get(key)); err != nil {
			return atKey(err, key.String())
		}
	}
	e.close('}')
	return nil
}

// sortedKeys returns the keys in the order of their type: false before true, 9 before 10, "10" before "9".
func sortedKeys(kind protoreflect.Kind, entries protoreflect.Map) []protoreflect.MapKey {
	keys := make([]protoreflect.MapKey, 0, entries.Len())
	entries.Range(func(key protoreflect.MapKey, _ protoreflect.Value) bool {
		keys = append(keys, key)
		return true
	})
	slices.SortFunc(keys, func(a, b protoreflect.MapKey) int {
		switch kind {
		case protoreflect.StringKind:
			return strings.Compare(a.String(), b.String())
		case protoreflect.BoolKind:
			return strings.Compare(strconv.FormatBool(a.Bool()), strconv.FormatBool(b.Bool()))
		case protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind:
			return cmp.Compare(a.Uint(), b.Uint())
		default:
			return cmp.Compare(a.Int(), b.Int())
		}
	})
	return keys
}

// value writes one value: of a singular field, a list or a map.
func (e *encoder) value(el *element, v protoreflect.Value) error {
	switch el.kind {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return e.message(v.Message())
	case protoreflect.StringKind:
		return e.quoted(v.String())
	case protoreflect.BoolKind:
		e.buf = strconv.AppendBool(e.buf, v.Bool())
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		e.buf = strconv.AppendInt(e.buf, v.Int(), 10)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		e.buf = strconv.AppendUint(e.buf, v.Uint(), 10)
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		e.buf = append(strconv.AppendInt(append(e.buf, '"'), v.Int(), 10), '"')
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		e.buf = append(strconv.AppendUint(append(e.buf, '"'), v.Uint(), 10), '"')
	case protoreflect.FloatKind:
		e.buf = appendFloat(e.buf, v.Float(), 32)
	case protoreflect.DoubleKind:
		e.buf = appendFloat(e.buf, v.Float(), 64)
	case protoreflect.BytesKind:
		e.buf = append(base64.StdEncoding.AppendEncode(append(e.buf, '"'), v.Bytes()), '"')
	case protoreflect.EnumKind:
		e.enum(el.enum, v.Enum())
	}
	return nil
}

func (e *encoder) enum(enum *enum, n protoreflect.EnumNumber) {
	if enum.isNull {
		e.buf = append(e.buf, "null"...)
		return
	}
	name, ok := enum.names[n]
	if !ok {
		e.buf = strconv.AppendInt(e.buf, int64(n), 10)
		return
	}
	e.buf = append(append(append(e.buf, '"'), name...), '"')
}

func (e *encoder) quoted(s string) error {
	var err error
	if e.buf, err = appendQuoted(e.buf, s); err != nil {
		return &Error{Reason: err.Error(), Text: shorten(s)}
	}
	return nil
}

func (e *encoder) open(bracket byte) error {
	if e.depth == 0 {
		return &Error{Reason: "nested too deeply"}
	}
	e.depth--
	e.buf = append(e.buf, bracket)
	return nil
}

func (e *encoder) close(bracket byte) {
	e.depth++
	e.buf = append(e.buf, bracket)
}

// separate writes the comma in front of an element that is not the first. No value ends with an opening bracket, so
// the last byte tells.
func (e *encoder) separate() {
	if c := e.buf[len(e.buf)-1]; c != '{' && c != '[' {
		e.buf = append(e.buf, ',')
	}
}
