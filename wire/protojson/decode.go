package protojson

import (
	"errors"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// decoder reads messages from JSON.
type decoder struct {
	lexer
	names    NameStyle
	partial  bool // required fields may be missing: inside Any, as in the encoder
	resolver Resolver
}

// document reads the whole text into m.
func (d *decoder) document(m protoreflect.Message) error {
	t := tableOf(m.Descriptor(), d.names)
	var err error
	if t.known != knownValue && d.null() {
		err = d.complete(t, m)
	} else {
		err = d.message(m)
	}
	if err != nil {
		return err
	}
	if d.peek(); d.pos < len(d.data) {
		return d.syntax("text after the end")
	}
	return nil
}

func (d *decoder) message(m protoreflect.Message) error {
	t := tableOf(m.Descriptor(), d.names)
	if t.known != ordinary {
		return d.wellKnown(t, m)
	}
	return d.fields(t, m, false)
}

// fields reads an object into m. In an Any the object also has the member "@type", which is not a field.
func (d *decoder) fields(t *table, m protoreflect.Message, inAny bool) error {
	if err := d.open('{'); err != nil {
		return err
	}
	var seen seenFields
	for {
		more, err := d.next('}')
		if err != nil {
			return err
		}
		if !more {
			return d.complete(t, m)
		}
		name, err := d.name()
		if err != nil {
			return err
		}
		if inAny && string(name) == typeMember {
			if err := d.typeAgain(&seen); err != nil {
				return err
			}
			continue
		}
		if err := d.member(t, m, name, &seen); err != nil {
			return err
		}
	}
}

// member reads the value of an object member into the field of its name.
func (d *decoder) member(t *table, m protoreflect.Message, name []byte, seen *seenFields) error {
	f := t.lookup(name)
	if len(name) > 2 && name[0] == '[' && name[len(name)-1] == ']' {
		var err error
		if f, err = d.extension(m.Descriptor(), name); err != nil {
			return err
		}
	}
	if f == nil {
		return d.skip()
	}
	if !seen.add(f) {
		return at(&Error{Reason: "field given twice", Text: shorten(strconv.Quote(string(name)))}, f.name)
	}
	if !f.takesNull || f.isList || f.isMap {
		if d.null() {
			return nil
		}
	}
	if f.oneof != nil {
		if other := m.WhichOneof(f.oneof); other != nil {
			return at(&Error{Reason: "not together with " + t.fields[other.Index()].name}, f.name)
		}
	}
	if err := d.field(f, m); err != nil {
		return at(err, f.name)
	}
	return nil
}

// extension finds the extension of md that a name in brackets means, nil if the resolver knows none.
func (d *decoder) extension(md protoreflect.MessageDescriptor, name []byte) (*field, error) {
	xt, err := d.resolver.FindExtensionByName(protoreflect.FullName(name[1 : len(name)-1]))
	if errors.Is(err, protoregistry.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, &Error{Reason: "cannot resolve the extension", Text: shorten(string(name))}
	}
	fd := xt.TypeDescriptor()
	if fd.ContainingMessage().FullName() != md.FullName() || !md.ExtensionRanges().Has(fd.Number()) {
		return nil, &Error{Reason: "not an extension of " + string(md.FullName()), Text: shorten(string(name))}
	}
	f := newField(fd, "["+string(fd.FullName())+"]")
	f.index = -int(fd.Number())
	return &f, nil
}

// complete checks that no required field is missing.
func (d *decoder) complete(t *table, m protoreflect.Message) error {
	if d.partial {
		return nil
	}
	for _, f := range t.required {
		if !m.Has(f.desc) {
			return at(&Error{Reason: "required field is missing"}, f.name)
		}
	}
	return nil
}

func (d *decoder) field(f *field, m protoreflect.Message) error {
	switch {
	case f.isList:
		return d.list(&f.element, m.Mutable(f.desc).List())
	case f.isMap:
		return d.mapping(f, m.Mutable(f.desc).Map())
	case f.kind == protoreflect.MessageKind || f.kind == protoreflect.GroupKind:
		return d.message(m.Mutable(f.desc).Message())
	}
	v, err := d.scalar(&f.element)
	if err == nil {
		m.Set(f.desc, v)
	}
	return err
}

func (d *decoder) list(el *element, list protoreflect.List) error {
	if err := d.open('['); err != nil {
		return err
	}
	isMessage := el.kind == protoreflect.MessageKind || el.kind == protoreflect.GroupKind
	for i := 0; ; i++ {
		more, err := d.next(']')
		if err != nil || !more {
			return err
		}
		if isMessage {
			err = d.message(list.AppendMutable().Message())
		} else {
			var v protoreflect.Value
			if v, err = d.scalar(el); err == nil {
				list.Append(v)
			}
		}
		if err != nil {
			return atIndex(err, i)
		}
	}
}

func (d *decoder) mapping(f *field, entries protoreflect.Map) error {
	if err := d.open('{'); err != nil {
		return err
	}
	for {
		more, err := d.next('}')
		if err != nil || !more {
			return err
		}
		name, err := d.name()
		if err != nil {
			return err
		}
		key, err := mapKey(f.mapKey, name)
		if err == nil && entries.Has(key) {
			err = &Error{Reason: "key given twice"}
		}
		if err != nil {
			return atKey(err, string(name))
		}
		if err := d.entry(f, entries, key); err != nil {
			return atKey(err, key.String())
		}
	}
}

func (d *decoder) entry(f *field, entries protoreflect.Map, key protoreflect.MapKey) error {
	if f.kind == protoreflect.MessageKind {
		v := entries.NewValue()
		if err := d.message(v.Message()); err != nil {
			return err
		}
		entries.Set(key, v)
		return nil
	}
	v, err := d.scalar(&f.element)
	if err == nil {
		entries.Set(key, v)
	}
	return err
}

// seenFields remembers which fields of one object were given.
type seenFields struct {
	first uint64           // of the first 64 fields
	other map[int]struct{} // of the rest, and of extensions
	typed bool             // the "@type" of an Any
}

// add reports whether f is given for the first time.
func (s *seenFields) add(f *field) bool {
	if f.index >= 0 && f.index < 64 {
		bit := uint64(1) << f.index
		isNew := s.first&bit == 0
		s.first |= bit
		return isNew
	}
	if _, again := s.other[f.index]; again {
		return false
	}
	if s.other == nil {
		s.other = make(map[int]struct{})
	}
	s.other[f.index] = struct{}{}
	return true
}
