package protojson

import (
	"strconv"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// typeMember is the member of the object of an Any that holds the type URL.
const typeMember = "@type"

// wellKnown reads a message that has a JSON form of its own.
func (d *decoder) wellKnown(t *table, m protoreflect.Message) error {
	only := &t.fields[onlyField]
	switch t.known {
	case knownAny:
		return d.any(t, m)
	case knownTimestamp, knownDuration, knownFieldMask:
		return d.textual(t, m)
	case knownValue:
		return d.dynamic(t, m)
	default: // Struct, ListValue and the wrappers are what their only field is.
		return d.field(only, m)
	}
}

// textual reads the types that are strings in JSON.
func (d *decoder) textual(t *table, m protoreflect.Message) error {
	start := d.pos
	quoted, err := d.quoted()
	if err != nil {
		return err
	}
	text := string(quoted)
	var reason string
	var ok bool
	switch t.known {
	case knownTimestamp:
		var seconds int64
		var nanos int32
		reason = "not a timestamp of RFC 3339 from year 1 to 9999"
		if seconds, nanos, ok = parseTimestamp(text); ok {
			setTime(t, m, seconds, nanos)
		}
	case knownDuration:
		var seconds int64
		var nanos int32
		reason = "not a duration in seconds such as 1.5s"
		if seconds, nanos, ok = parseDuration(text); ok {
			setTime(t, m, seconds, nanos)
		}
	default:
		var paths []string
		reason = "not a field mask in lowerCamel such as a,b.cD"
		paths, ok = parseFieldMask(text)
		list := m.Mutable(t.fields[onlyField].desc).List()
		for _, path := range paths {
			list.Append(protoreflect.ValueOfString(path))
		}
	}
	if !ok {
		return d.bad(reason, start)
	}
	return nil
}

func setTime(t *table, m protoreflect.Message, seconds int64, nanos int32) {
	m.Set(t.fields[timeSeconds].desc, protoreflect.ValueOfInt64(seconds))
	m.Set(t.fields[timeNanos].desc, protoreflect.ValueOfInt32(nanos))
}

// dynamic reads a google.protobuf.Value, whose field follows from the first byte.
func (d *decoder) dynamic(t *table, m protoreflect.Message) error {
	kind := valueNumber
	switch d.peek() {
	case 'n':
		kind = valueNull
	case '"':
		kind = valueString
	case 't', 'f':
		kind = valueBool
	case '{':
		kind = valueStruct
	case '[':
		kind = valueListValue
	}
	return d.field(&t.fields[kind], m)
}

// any reads the object of an Any as the message that its "@type" names, wherever in the object that stands.
func (d *decoder) any(t *table, m protoreflect.Message) error {
	url, err := d.findType()
	if err != nil || url == "" {
		return err
	}
	mt, err := d.resolver.FindMessageByURL(url)
	if err != nil {
		return at(&Error{Reason: "unknown type", Text: shorten(strconv.Quote(url))}, typeMember)
	}
	packed := mt.New()
	partial := d.partial
	d.partial = true
	defer func() { d.partial = partial }()
	inner := tableOf(packed.Descriptor(), d.names)
	if inner.known == ordinary {
		err = d.fields(inner, packed, true)
	} else {
		err = d.valueMember(inner, packed)
	}
	if err != nil {
		return err
	}
	data, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(packed.Interface())
	if err != nil {
		return &Error{Reason: "cannot pack the message of a google.protobuf.Any"}
	}
	m.Set(t.fields[anyTypeURL].desc, protoreflect.ValueOfString(url))
	m.Set(t.fields[anyValue].desc, protoreflect.ValueOfBytes(data))
	return nil
}

const reasonNoType = "a google.protobuf.Any without " + typeMember

// findType looks for the type URL in the object that is next and stays in front of it. An empty object is read, and
// its URL is empty.
func (d *decoder) findType() (string, error) {
	ahead := lexer{data: d.data, pos: d.pos, depth: d.depth}
	if err := ahead.open('{'); err != nil {
		return "", err
	}
	for members := 0; ; members++ {
		more, err := ahead.next('}')
		if err != nil {
			return "", err
		}
		if !more && members == 0 {
			d.pos = ahead.pos
			return "", nil
		}
		if !more {
			return "", &Error{Reason: reasonNoType}
		}
		name, err := ahead.name()
		if err != nil {
			return "", err
		}
		if string(name) == typeMember {
			return ahead.typeURL()
		}
		if err := ahead.skip(); err != nil {
			return "", err
		}
	}
}

func (l *lexer) typeURL() (string, error) {
	if l.peek() != '"' {
		return "", at(l.mismatch("not a string"), typeMember)
	}
	url, err := l.text()
	if err != nil {
		return "", err
	}
	if len(url) == 0 {
		return "", at(&Error{Reason: "empty type URL"}, typeMember)
	}
	return string(url), nil
}

// typeAgain reads past the value of "@type", which was found before, and refuses a second one.
func (d *decoder) typeAgain(seen *seenFields) error {
	if seen.typed {
		return at(&Error{Reason: "given twice"}, typeMember)
	}
	seen.typed = true
	return d.skip()
}

// valueMember reads the object of an Any whose message is its member "value".
func (d *decoder) valueMember(t *table, m protoreflect.Message) error {
	if err := d.open('{'); err != nil {
		return err
	}
	var seen seenFields
	found := false
	for {
		more, err := d.next('}')
		if err != nil {
			return err
		}
		if !more && !found {
			return at(&Error{Reason: "missing"}, "value")
		}
		if !more {
			return nil
		}
		name, err := d.name()
		if err != nil {
			return err
		}
		switch {
		case string(name) == typeMember:
			err = d.typeAgain(&seen)
		case string(name) != "value":
			err = d.skip()
		case found:
			err = at(&Error{Reason: "given twice"}, "value")
		default:
			found = true
			if err = d.wellKnown(t, m); err != nil {
				err = at(err, "value")
			}
		}
		if err != nil {
			return err
		}
	}
}
