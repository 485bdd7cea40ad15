// Package receivers connects the methods of an application to the messages that
// clients send.
//
//	type Chat struct{}
//
//	func (c *Chat) Say(ctx context.Context, in *chatv1.Say) error { ... }
//
//	receivers.Discover(&Chat{})
//
// The one idea: a method is connected by the message in its signature, by code
// that the plugin generated for the message. Nothing is looked up by reflection,
// and a method that fits no message is found by the compiler through the
// generated receiver interface.
package receivers

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/consumer"
)

// Receiver handles messages. [Discover], [Handle], [Reply] and [PerConnection]
// make one of an application's code.
//
// A receiver that also has one of these methods is told about connections:
//
//	Connected(ctx context.Context) error            // before anything else; an error refuses the connection: for good
//	                                                // if it is made by package status and not retryable
//	Authenticated(ctx context.Context)              // after each change of identity
//	Rejoin(ctx context.Context, group string) error // a client resumes a group; an error refuses it
//	Disconnected(ctx context.Context)               // once, after the last handler
type Receiver interface {
	// Routes returns what it handles. Everything that is wrong is one error.
	Routes() ([]consumer.Route, error)
}

// router is what the plugin generates for a message that clients send.
type router interface {
	proto.Message
	ProtowayRoute(receiver any) (func(context.Context, proto.Message) (proto.Message, error), bool, error)
}

// lifecycler is a receiver that stands for another value.
type lifecycler interface{ lifecycle() consumer.Lifecycle }

// scoper is a receiver of which there is one for each connection.
type scoper interface{ scope() *consumer.Scope }

// lifecycleOf returns what a value wants to be told.
func lifecycleOf(v any) consumer.Lifecycle {
	if stand, ok := v.(lifecycler); ok {
		return stand.lifecycle()
	}
	var life consumer.Lifecycle
	if r, ok := v.(interface{ Connected(context.Context) error }); ok {
		life.Connected = r.Connected
	}
	if r, ok := v.(interface{ Authenticated(context.Context) }); ok {
		life.Authenticated = r.Authenticated
	}
	if r, ok := v.(interface {
		Rejoin(ctx context.Context, group string) error
	}); ok {
		life.Rejoin = r.Rejoin
	}
	if r, ok := v.(interface{ Disconnected(context.Context) }); ok {
		life.Disconnected = r.Disconnected
	}
	return life
}
