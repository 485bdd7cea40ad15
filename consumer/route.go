package consumer

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/wire"
)

// Handler handles one message. The reply is nil if the message has none.
type Handler func(ctx context.Context, in proto.Message) (proto.Message, error)

// Interceptor wraps the handling of every message of a path, after its policy
// was checked and it was decoded. From(ctx) says which message it is.
type Interceptor func(next Handler) Handler

// Intercept wraps a handler in interceptors, the first one outermost.
func Intercept(handle Handler, interceptors []Interceptor) Handler {
	for _, wrap := range slices.Backward(interceptors) {
		handle = wrap(handle)
	}
	return handle
}

// Route is one receiver's way to handle one message.
type Route struct {
	// Message is an example of what it handles; it may be a typed nil.
	Message proto.Message
	// Reply is an example of what it answers; nil if it does not.
	Reply proto.Message
	// Receiver and Method name it in logs and errors.
	Receiver, Method string
	// Handle is what is called. It is nil for a route with a Scope.
	Handle Handler
	// Scope makes a receiver for each connection, and Bind the handler of one.
	Scope *Scope
	Bind  func(instance any) Handler
	// Tighten is what the route asks for beyond the schema.
	Tighten Tighten
}

// Tighten is what a route may say beyond its schema: never less.
type Tighten struct {
	// Public lifts the server's default that senders are signed in. It is an
	// error if the schema says that they must be.
	Public bool
	// Policy is checked in addition to the schema's.
	Policy auth.Policy
	// MaxBytes is a smaller limit of the payload; 0 for none.
	MaxBytes int
	// Timeout is a shorter time to handle it; 0 for none.
	Timeout time.Duration
	// Identity marks a route that may change who the connection is.
	Identity bool
}

// Scope makes one receiver for each connection.
type Scope struct {
	// New returns a new receiver.
	New func() any
	// Lifecycle returns what one of them wants to be told.
	Lifecycle func(instance any) Lifecycle
}

// Lifecycle is what a receiver wants to be told about a connection. Each func
// may be nil.
type Lifecycle struct {
	// Connected is called before anything else; an error refuses the connection.
	Connected func(ctx context.Context) error
	// Authenticated is called after each change of identity.
	Authenticated func(ctx context.Context)
	// Rejoin is called for each group that a client resumes; an error refuses it.
	Rejoin func(ctx context.Context, group string) error
	// Disconnected is called once, after the last handler.
	Disconnected func(ctx context.Context)
}

// Binding is all routes of one message on one path, in their order.
type Binding struct {
	Entry  *wire.Entry
	Routes []*Route
	// Policies are what each route asks of the sender.
	Policies []auth.Policy
	// MaxBytes is the largest payload; 0 for no limit of its own.
	MaxBytes int
	// Timeout is how long handling may take; 0 for the server's default.
	Timeout time.Duration
	// Identity says that later frames of the connection wait for this one.
	Identity bool
	// Keyed says that frames with a key run once.
	Keyed bool
	// PerConnection says that it runs in the connection's lane, whatever its lane rule.
	PerConnection bool
}

// Router finds the binding of a message.
type Router interface {
	// Binding returns how messages of e are handled; nil if nobody does.
	Binding(e *wire.Entry) *Binding
}

// Path is what all consumers of one URL share.
type Path struct {
	// Name is its name in logs and metrics.
	Name   string
	Router Router
	// Groups are joined by every connection.
	Groups []string
	// Lifecycles are told about every connection.
	Lifecycles []Lifecycle
	// Scopes make the receivers of every connection.
	Scopes []*Scope
	// Authorize and AuthorizeJoin may be nil.
	Authorize     Authorize
	AuthorizeJoin AuthorizeJoin
}
