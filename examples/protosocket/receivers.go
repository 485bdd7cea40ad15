package main

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/examples/protosocket/gen/demo"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
)

// receiver handles the messages of demo.proto, each in the way that the recorded
// cases of docs/dialects/proto-socket.md expect.
type receiver struct{}

// all returns the receivers. What the decorators of Django said is said by
// options: the schema says the rest.
func all() []receivers.Receiver {
	return []receivers.Receiver{
		receivers.Discover(receiver{},
			receivers.For("AdminOp", receivers.Permissions("auth.add_user")),
			receivers.For("StaffOp", receivers.AllowGroups("staff"), receivers.DenyGroups("bad"))),
		// A second receiver of DupOp: there is one ack all the same.
		receivers.Handle(func(context.Context, *demo.DupOp) error { return nil }),
	}
}

func (receiver) AdminOp(context.Context, *demo.AdminOp) error { return nil }
func (receiver) StaffOp(context.Context, *demo.StaffOp) error { return nil }
func (receiver) OpenOp(context.Context, *demo.OpenOp) error   { return nil }
func (receiver) EmptyOp(context.Context, *demo.EmptyOp) error { return nil }
func (receiver) DupOp(context.Context, *demo.DupOp) error     { return status.App(1, "first") }

// DoFail panics: the client is acked with 500, and the connection stays.
func (receiver) DoFail(_ context.Context, in *demo.DoFail) error { panic("boom " + in.GetHow()) }

// AllTypes sends back what it got. Both messages have the same fields.
func (receiver) AllTypes(ctx context.Context, in *demo.AllTypes) error {
	raw, err := proto.Marshal(in)
	if err != nil {
		return err
	}
	reply := &demo.AllTypesReply{}
	if err := proto.Unmarshal(raw, reply); err != nil {
		return err
	}
	return consumer.From(ctx).Send(ctx, reply)
}

// GetThing answers, or fails with errors of its own.
func (receiver) GetThing(ctx context.Context, in *demo.GetThing) error {
	switch in.GetId() {
	case "missing":
		return status.App(404, "Resource not found")
	case "nocode":
		return status.Unknown.Errorf("No code")
	case "empty":
		return status.App(7, "")
	default:
		return consumer.From(ctx).Send(ctx, &demo.Thing{Id: in.GetId(), Name: "n"})
	}
}

// LongOp goes on in the background, and is acked when that has ended.
func (receiver) LongOp(ctx context.Context, in *demo.LongOp) error {
	return consumer.From(ctx).Async(func(ctx context.Context) (proto.Message, error) {
		switch in.GetHow() {
		case "err":
			panic("bg boom")
		case "fpserr":
			return nil, status.App(9, "bg failed")
		case "sync":
			return nil, consumer.From(ctx).Send(ctx, &demo.Thing{Id: "bg"})
		case "localcoro":
			return nil, consumer.From(ctx).Send(ctx, &demo.Thing{Id: "from-local-coro"})
		default:
			return nil, consumer.From(ctx).Send(ctx, &demo.Thing{Id: in.GetHow()})
		}
	})
}

// GroupOp joins a group, leaves it, or sends a thing to its members.
func (receiver) GroupOp(ctx context.Context, in *demo.GroupOp) error {
	me := consumer.From(ctx)
	switch in.GetAction() {
	case "add":
		return me.Join(ctx, in.GetGroup())
	case "rm":
		return me.Leave(ctx, in.GetGroup())
	default:
		return me.Broadcast(ctx, in.GetGroup(), &demo.Thing{Id: "bc"})
	}
}
