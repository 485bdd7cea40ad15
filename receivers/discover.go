package receivers

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/wire"
)

// Discover makes a receiver of a value: each of its methods that bears the name
// of a message, takes it, and returns what its schema says, handles it. Methods
// of embedded values count.
//
//	func (c *Chat) Say(ctx context.Context, in *chatv1.Say) error
//	func (c *Chat) JoinRoom(ctx context.Context, in *chatv1.JoinRoom) (*chatv1.RoomJoined, error)
//
// Methods with other names are connected by [Handle] and [Reply].
func Discover(v any, opts ...Option) Receiver {
	return &discovered{value: v, options: newOptions(opts)}
}

// discovered is a value whose methods handle messages.
type discovered struct {
	value   any
	options *options
}

func (d *discovered) lifecycle() consumer.Lifecycle { return lifecycleOf(d.value) }

// Routes returns a route for each method that handles a message.
func (d *discovered) Routes() ([]consumer.Route, error) {
	return d.options.routes(d.value, func(r *consumer.Route, generated router) {
		handle, _, _ := generated.ProtowayRoute(d.value) // was found a moment ago
		r.Handle = handle
	})
}

// PerConnection makes a receiver of which every connection has its own value, so
// that its fields are the state of the connection. Its methods run one after the
// other, in the lane of the connection.
func PerConnection[R any](create func() R, opts ...Option) Receiver {
	return &perConnection{
		options: newOptions(opts),
		own: &consumer.Scope{
			New:       func() any { return create() },
			Lifecycle: lifecycleOf,
		},
	}
}

// perConnection makes a value for each connection.
type perConnection struct {
	options *options
	own     *consumer.Scope
}

func (p *perConnection) scope() *consumer.Scope { return p.own }

// Routes returns a route for each method of a first value that handles a message.
func (p *perConnection) Routes() ([]consumer.Route, error) {
	return p.options.routes(p.own.New(), func(r *consumer.Route, generated router) {
		r.Scope = p.own
		r.Bind = func(instance any) consumer.Handler {
			handle, _, _ := generated.ProtowayRoute(instance) // of the same type as the first value
			return handle
		}
	})
}

// routes finds the methods of v that handle messages and has connect complete
// the route of each.
func (o *options) routes(v any, connect func(*consumer.Route, router)) ([]consumer.Route, error) {
	var routes []consumer.Route
	var errs []error
	found := map[string]bool{}
	for _, generated := range routers() {
		_, ok, err := generated.ProtowayRoute(v)
		if err != nil {
			errs = append(errs, fmt.Errorf("%T: %w", v, err))
		}
		if !ok || err != nil {
			continue
		}
		method := methodOf(generated.ProtoReflect().Descriptor())
		found[method] = true
		route := consumer.Route{Message: generated, Receiver: fmt.Sprintf("%T", v), Method: method, Tighten: o.of(method)}
		route.Reply, err = declaredReply(generated)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		connect(&route, generated)
		routes = append(routes, route)
	}
	for method := range o.methods {
		if !found[method] {
			errs = append(errs, fmt.Errorf("%T: an option is for method %q, which handles no message: it has %s", v, method, names(found)))
		}
	}
	if len(routes) == 0 && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("%T: no method handles a message: name it after the message, as in Say(context.Context, *chatv1.Say) error", v))
	}
	return routes, errors.Join(errs...)
}

// methodOf returns the name of the method that handles a message: the name of its
// Go type, which for a nested message is Outer_Inner.
func methodOf(d protoreflect.Descriptor) string {
	name := string(d.Name())
	if outer, nested := d.Parent().(protoreflect.MessageDescriptor); nested {
		return methodOf(outer) + "_" + name
	}
	return name
}

// declaredReply returns an example of the message that answers m; nil if none does.
func declaredReply(m proto.Message) (proto.Message, error) {
	catalog := wire.NewCatalog(nil)
	e, err := catalog.Of(m)
	if err != nil || e.Reply == nil {
		return nil, err
	}
	return e.Reply.Message.Zero().Interface(), nil
}

// routers returns all messages that the plugin generated routing for, sorted by
// name.
func routers() []router {
	var all []router
	protoregistry.GlobalTypes.RangeMessages(func(mt protoreflect.MessageType) bool {
		if generated, ok := mt.Zero().Interface().(router); ok {
			all = append(all, generated)
		}
		return true
	})
	slices.SortFunc(all, func(a, b router) int {
		return strings.Compare(string(proto.MessageName(a)), string(proto.MessageName(b)))
	})
	return all
}

func names(set map[string]bool) string {
	list := make([]string, 0, len(set))
	for name := range set {
		list = append(list, name)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}
