package client

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"
)

// Caller sends messages to a server and handles those that come from it.
type Caller interface {
	// Call sends in and waits for its ack. The reply is stored in out; if out is
	// nil, none is expected and one that comes is dropped.
	//
	// Errors are *status.Error: what the server acked, InvalidArgument for a
	// message that cannot be sent, Canceled or DeadlineExceeded when ctx ends, and
	// Canceled with a [CloseError] as its cause when the connection ends first. In
	// the last two cases the server may have handled the message.
	Call(ctx context.Context, in, out proto.Message, opts ...CallOption) error
	// OnMessage calls fn for each message of example's type; example may be a typed
	// nil. What fn returns answers the message if the server asked for an ack. It
	// panics if the schema gives the message no type.
	OnMessage(example proto.Message, fn func(ctx context.Context, in proto.Message) (proto.Message, error))
}

// On calls fn for each M that comes from the server. Several functions for one
// message run in the order in which they were given.
func On[M proto.Message](c Caller, fn func(context.Context, M)) {
	var example M
	c.OnMessage(example, func(ctx context.Context, in proto.Message) (proto.Message, error) {
		m, err := as[M](in)
		if err == nil {
			fn(ctx, m)
		}
		return nil, err
	})
}

// Answer answers each In of the server with what fn returns. An error that
// package status made reaches the server as it is, any other one as Internal.
func Answer[In, Out proto.Message](c Caller, fn func(context.Context, In) (Out, error)) {
	var example In
	c.OnMessage(example, func(ctx context.Context, in proto.Message) (proto.Message, error) {
		m, err := as[In](in)
		if err != nil {
			return nil, err
		}
		out, err := fn(ctx, m)
		if err != nil {
			return nil, err
		}
		return out, nil
	})
}

// as returns in as M. It fails for a caller that decodes into other Go types,
// such as dynamic messages.
func as[M proto.Message](in proto.Message) (M, error) {
	m, ok := in.(M)
	if !ok {
		return m, fmt.Errorf("client: the message is a %T, the handler takes a %T", in, m)
	}
	return m, nil
}
