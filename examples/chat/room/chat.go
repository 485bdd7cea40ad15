package room

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/protoway/protoway/broadcast"
	"github.com/protoway/protoway/consumer"
	chatv1 "github.com/protoway/protoway/examples/chat/gen/chat/v1"
	"github.com/protoway/protoway/examples/chat/gen/chat/v1/chatv1way"
	"github.com/protoway/protoway/status"
)

// Chat receives the messages of chat/v1/chat.proto. Their types, sizes and lanes
// are declared there.
type Chat struct{}

// The compiler says which message of the schema nobody handles.
var _ chatv1way.ChatReceiver = (*Chat)(nil)

// JoinRoom takes the connection into a room. The returned message answers the
// frame and is its ack.
func (c *Chat) JoinRoom(ctx context.Context, in *chatv1.JoinRoom) (*chatv1.RoomJoined, error) {
	if err := checkNames(in.GetRoom(), in.GetName()); err != nil {
		return nil, err
	}
	me := consumer.From(ctx)
	if err := me.Join(ctx, group(in.GetRoom())); err != nil {
		return nil, err
	}
	arrived := &chatv1.Arrived{Room: in.GetRoom(), Name: in.GetName()}
	if err := me.Broadcast(ctx, group(in.GetRoom()), arrived, broadcast.Except(me.Session())); err != nil {
		return nil, err
	}
	return &chatv1.RoomJoined{Title: "Room " + in.GetRoom()}, nil
}

// LeaveRoom takes the connection out of a room. A nil error is a plain ack.
func (c *Chat) LeaveRoom(ctx context.Context, in *chatv1.LeaveRoom) error {
	return consumer.From(ctx).Leave(ctx, group(in.GetRoom()))
}

// Say tells everybody in the room, the sender included.
func (c *Chat) Say(ctx context.Context, in *chatv1.Say) error {
	if err := checkNames(in.GetRoom(), in.GetName()); err != nil {
		return err
	}
	if strings.TrimSpace(in.GetText()) == "" {
		return status.InvalidArgument.Errorf("the text is empty: say something")
	}
	me := consumer.From(ctx)
	if !me.In(group(in.GetRoom())) {
		return status.FailedPrecondition.Errorf("you are not in room %q: join it first", in.GetRoom())
	}
	return me.Broadcast(ctx, group(in.GetRoom()), &chatv1.Said{
		Room: in.GetRoom(), Name: in.GetName(), Text: in.GetText(), TimeMs: time.Now().UnixMilli(),
	})
}

// group is the group of a room.
func group(room string) string { return "room:" + room }

// longestName is the most characters of a room or a person.
const longestName = 40

func checkNames(room, name string) error {
	for what, value := range map[string]string{"room": room, "name": name} {
		if value == "" || utf8.RuneCountInString(value) > longestName {
			return status.InvalidArgument.Errorf("the %s %q must have 1 to %d characters", what, value, longestName)
		}
	}
	return nil
}
