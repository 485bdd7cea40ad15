package protojson

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// DefaultMaxDepth is the nesting allowed when [Options.MaxDepth] is zero.
const DefaultMaxDepth = 100

// depthCeiling keeps the recursion far from the stack limit of the Go runtime, whatever the options say.
const depthCeiling = 10_000

// NameStyle says how fields are named in the output. Input is read alike in every style.
type NameStyle uint8

const (
	// JSONNames names a field by its json_name, which is the lowerCamel name unless the schema says otherwise.
	JSONNames NameStyle = iota
	// KeepDigits names a field in lowerCamel, but drops an underscore only in front of a lower-case letter: key_0
	// stays key_0. It ignores a json_name of the schema, because the clients that need this style do.
	KeepDigits
	// ProtoNames names a field as the schema declares it.
	ProtoNames

	nameStyles = iota
)

// Resolver finds the messages inside google.protobuf.Any, and extensions. [*protoregistry.Types] is one.
type Resolver interface {
	protoregistry.MessageTypeResolver
	protoregistry.ExtensionTypeResolver
}

// Options says how messages become JSON and back. The zero value is the standard mapping of protocol buffers, read
// leniently as the package comment describes.
type Options struct {
	// Names is the style of the field names in the output.
	Names NameStyle
	// EmitDefaults writes fields without presence also when they hold their default: 0, "", [], {}.
	EmitDefaults bool
	// MaxDepth is how many JSON objects and arrays may be nested, in both directions: 100 if zero, at most 10,000.
	MaxDepth int
	// Resolver is asked for the types of Any and for extensions: [protoregistry.GlobalTypes] if nil.
	Resolver Resolver
}

// Append appends the JSON of m to dst. A nil message is an empty one. On an error, which is an [*Error], dst is
// returned as it was.
func (o Options) Append(dst []byte, m proto.Message) ([]byte, error) {
	if m == nil {
		return append(dst, "{}"...), nil
	}
	e := encoder{
		buf:      dst,
		names:    o.names(),
		defaults: o.EmitDefaults,
		depth:    o.depth(),
		resolver: o.resolver(),
	}
	if err := e.message(m.ProtoReflect()); err != nil {
		return dst, err
	}
	return e.buf, nil
}

// Unmarshal resets m and reads it from data, one JSON value with nothing but white space around it. A null is an
// empty message, save for google.protobuf.Value, which has a null. On an error, an [*Error], m is left empty.
func (o Options) Unmarshal(data []byte, m proto.Message) error {
	if m == nil || !m.ProtoReflect().IsValid() {
		return &Error{Reason: "cannot read into a nil message"}
	}
	proto.Reset(m)
	d := decoder{
		lexer:    lexer{data: data, depth: o.depth()},
		names:    o.names(),
		resolver: o.resolver(),
	}
	if err := d.document(m.ProtoReflect()); err != nil {
		proto.Reset(m)
		return err
	}
	return nil
}

func (o Options) names() NameStyle {
	if o.Names >= nameStyles {
		return JSONNames
	}
	return o.Names
}

func (o Options) depth() int {
	if o.MaxDepth <= 0 {
		return DefaultMaxDepth
	}
	return min(o.MaxDepth, depthCeiling)
}

func (o Options) resolver() Resolver {
	if o.Resolver == nil {
		return protoregistry.GlobalTypes
	}
	return o.Resolver
}
