package protojson

import (
	"math"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// wellKnown writes a message that has a JSON form of its own.
func (e *encoder) wellKnown(t *table, m protoreflect.Message) error {
	only := &t.fields[onlyField]
	switch t.known {
	case knownAny:
		return e.any(t, m)
	case knownTimestamp, knownDuration:
		return e.time(t, m)
	case knownFieldMask:
		return e.fieldMask(m.Get(only.desc).List())
	case knownStruct:
		return e.mapping(only, m.Get(only.desc).Map())
	case knownList:
		return e.list(&only.element, m.Get(only.desc).List())
	case knownValue:
		return e.dynamic(t, m)
	default:
		return e.value(&only.element, m.Get(only.desc))
	}
}

func (e *encoder) time(t *table, m protoreflect.Message) error {
	seconds := m.Get(t.fields[timeSeconds].desc).Int()
	nanos := m.Get(t.fields[timeNanos].desc).Int()
	var err error
	if t.known == knownTimestamp {
		e.buf, err = appendTimestamp(e.buf, seconds, nanos)
	} else {
		e.buf, err = appendDuration(e.buf, seconds, nanos)
	}
	return err
}

func (e *encoder) fieldMask(paths protoreflect.List) error {
	e.buf = append(e.buf, '"')
	for i := range paths.Len() {
		path := paths.Get(i).String()
		camel := camelCase(path)
		if !protoreflect.FullName(path).IsValid() || snakeCase(camel) != path {
			return &Error{Reason: "a field mask cannot hold the path", Text: shorten(path)}
		}
		if i > 0 {
			e.buf = append(e.buf, ',')
		}
		e.buf = append(e.buf, camel...)
	}
	e.buf = append(e.buf, '"')
	return nil
}

// dynamic writes a google.protobuf.Value.
func (e *encoder) dynamic(t *table, m protoreflect.Message) error {
	fd := m.WhichOneof(t.fields[onlyField].oneof)
	if fd == nil {
		return &Error{Reason: "a google.protobuf.Value without a kind"}
	}
	v := m.Get(fd)
	if fd.Index() == valueNumber && (math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0)) {
		return &Error{Reason: "a google.protobuf.Value holds finite numbers only"}
	}
	return e.value(&t.fields[fd.Index()].element, v)
}

// any writes the packed message as an object that also holds its type, and one with a JSON form of its own as the
// member "value" of that object.
func (e *encoder) any(t *table, m protoreflect.Message) error {
	url := m.Get(t.fields[anyTypeURL].desc).String()
	data := m.Get(t.fields[anyValue].desc).Bytes()
	if err := e.open('{'); err != nil {
		return err
	}
	if url != "" {
		e.buf = append(e.buf, `"@type":`...)
		if err := e.quoted(url); err != nil {
			return err
		}
		if err := e.packed(url, data); err != nil {
			return err
		}
	} else if len(data) > 0 {
		return &Error{Reason: "a google.protobuf.Any without a type URL"}
	}
	e.close('}')
	return nil
}

func (e *encoder) packed(url string, data []byte) error {
	mt, err := e.resolver.FindMessageByURL(url)
	if err != nil {
		return &Error{Reason: "unknown type in a google.protobuf.Any", Text: shorten(url)}
	}
	m := mt.New()
	unpack := proto.UnmarshalOptions{AllowPartial: true, Resolver: e.resolver}
	if err := unpack.Unmarshal(data, m.Interface()); err != nil {
		return &Error{Reason: "malformed content in a google.protobuf.Any", Text: shorten(url)}
	}
	partial := e.partial
	e.partial = true
	defer func() { e.partial = partial }()
	t := tableOf(m.Descriptor(), e.names)
	if t.known == ordinary {
		return e.fields(t, m)
	}
	e.buf = append(e.buf, `,"value":`...)
	if err := e.wellKnown(t, m); err != nil {
		return at(err, "value")
	}
	return nil
}

// parseFieldMask splits the JSON form of a field mask into declared paths.
func parseFieldMask(text string) (paths []string, ok bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, true
	}
	paths = strings.Split(text, ",")
	for i, camel := range paths {
		paths[i] = snakeCase(camel)
		if strings.Contains(camel, "_") || !protoreflect.FullName(paths[i]).IsValid() {
			return nil, false
		}
	}
	return paths, true
}
