package wire

import (
	"fmt"

	"google.golang.org/protobuf/proto"
)

// Serializer is a value that knows its message, such as a model type of an
// application. It can be sent wherever a proto.Message can.
type Serializer interface {
	Message() proto.Message
}

// ProtoOf returns the message that v is or knows.
func ProtoOf(v any) (proto.Message, error) {
	var m proto.Message
	switch v := v.(type) {
	case proto.Message:
		m = v
	case Serializer:
		m = v.Message()
	default:
		return nil, fmt.Errorf("%T is no message: pass a proto.Message or a value with a method Message() proto.Message", v)
	}
	if m == nil || !m.ProtoReflect().IsValid() {
		return nil, fmt.Errorf("%T is a nil message", v)
	}
	return m, nil
}
