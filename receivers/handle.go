package receivers

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/wire"
)

// Handle makes a receiver of a function that handles a message without a reply.
func Handle[In proto.Message](fn func(ctx context.Context, in In) error, opts ...Option) Receiver {
	var example In
	return &function{
		route: consumer.Route{
			Message: example,
			Handle: func(ctx context.Context, in proto.Message) (proto.Message, error) {
				return nil, fn(ctx, in.(In))
			},
		},
		options: newOptions(opts),
	}
}

// Reply makes a receiver of a function that answers a message. Out is the
// message that the schema names as the reply, or a [wire.Serializer] of it.
func Reply[In proto.Message, Out any](fn func(ctx context.Context, in In) (Out, error), opts ...Option) Receiver {
	var example In
	f := &function{
		route: consumer.Route{
			Message: example,
			Handle: func(ctx context.Context, in proto.Message) (proto.Message, error) {
				out, err := fn(ctx, in.(In))
				if err != nil {
					return nil, err
				}
				return replyOf(out)
			},
		},
		options: newOptions(opts),
		replies: true,
	}
	var out Out
	switch out := any(out).(type) {
	case proto.Message:
		f.route.Reply = out
	case wire.Serializer: // answers with what the schema says; checked at each reply, by the consumer
	default:
		f.err = fmt.Errorf("the reply %T is neither a proto.Message nor has a method Message() proto.Message", out)
	}
	return f
}

// replyOf returns the message of a reply; nil for a nil one, so that it counts
// as missing.
func replyOf(out any) (proto.Message, error) {
	if m, ok := out.(proto.Message); ok && !m.ProtoReflect().IsValid() {
		return nil, nil
	}
	return wire.ProtoOf(out)
}

// function is a function that handles one message.
type function struct {
	route   consumer.Route
	options *options
	replies bool
	err     error
}

// Routes returns the one route.
func (f *function) Routes() ([]consumer.Route, error) {
	route := f.route
	var name protoreflect.FullName
	if route.Message != nil {
		name = proto.MessageName(route.Message)
	}
	route.Receiver, route.Method = "function", "for "+string(name)
	if route.Message == nil {
		return nil, errors.New("a function takes a pointer to a message of its own, not proto.Message")
	}
	if f.err != nil {
		return nil, fmt.Errorf("%s: %w", name, f.err)
	}
	for method := range f.options.methods {
		return nil, fmt.Errorf("%s: an option is for method %q, but the receiver is a function", name, method)
	}
	route.Tighten = f.options.all
	declared, err := declaredReply(route.Message)
	if err != nil {
		return nil, err
	}
	switch {
	case f.replies && route.Reply == nil && declared == nil:
		return nil, fmt.Errorf("%s: the schema names no reply: add reply, or return the message itself", name)
	case f.replies && route.Reply == nil:
		route.Reply = declared
	case f.replies && declared != nil && proto.MessageName(declared) != proto.MessageName(route.Reply):
		return nil, fmt.Errorf("%s: the function answers with %s, the schema says %s", name, proto.MessageName(route.Reply), proto.MessageName(declared))
	case !f.replies && declared != nil:
		return nil, fmt.Errorf("%s: the schema says that %s answers it: use receivers.Reply", name, proto.MessageName(declared))
	}
	return []consumer.Route{route}, nil
}
