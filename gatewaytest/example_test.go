package gatewaytest_test

import (
	"context"
	"slices"
	"testing"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	client "github.com/protoway/protoway/clients/go"
	"github.com/protoway/protoway/consumer"
	chatv1 "github.com/protoway/protoway/examples/chat/gen/chat/v1"
	"github.com/protoway/protoway/gatewaytest"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
)

// Chat is the receiver under test.
type Chat struct{}

// JoinRoom takes a person into a room.
func (c *Chat) JoinRoom(ctx context.Context, in *chatv1.JoinRoom) (*chatv1.RoomJoined, error) {
	if in.GetRoom() == "" {
		return nil, status.InvalidArgument.Errorf("the room has no name")
	}
	if err := consumer.From(ctx).Join(ctx, "room:"+in.GetRoom()); err != nil {
		return nil, err
	}
	return &chatv1.RoomJoined{Title: "The room " + in.GetRoom()}, nil
}

// Say tells everybody in a room something.
func (c *Chat) Say(ctx context.Context, in *chatv1.Say) error {
	me := consumer.From(ctx)
	return me.Broadcast(ctx, "room:"+in.GetRoom(), &chatv1.Said{Name: me.User().ID, Text: in.GetText()})
}

// Two people talk: the whole way from one client to the other.
func TestChat(t *testing.T) {
	server := gatewaytest.New(t, protoway.Config{Paths: map[string]protoway.Path{
		"/ws": {Receivers: []receivers.Receiver{receivers.Discover(&Chat{})}},
	}})
	ada := server.Dial(t, gatewaytest.As(auth.User{ID: "ada"}))
	bob := server.Dial(t, gatewaytest.As(auth.User{ID: "bob"}))
	for _, person := range []client.Caller{ada, bob} {
		var joined chatv1.RoomJoined
		if err := person.Call(t.Context(), &chatv1.JoinRoom{Room: "tea"}, &joined); err != nil {
			t.Fatal(err)
		}
	}
	if err := ada.Call(t.Context(), &chatv1.Say{Room: "tea", Text: "hello"}, nil); err != nil {
		t.Fatal(err)
	}
	if said := gatewaytest.Next[*chatv1.Said](t, bob); said.GetName() != "ada" || said.GetText() != "hello" {
		t.Errorf("bob heard %v", said)
	}
}

// One method is called directly.
func TestJoinRoom(t *testing.T) {
	ctx, conn := gatewaytest.Context(t)
	if _, err := (&Chat{}).JoinRoom(ctx, &chatv1.JoinRoom{}); status.CodeOf(err) != status.InvalidArgument {
		t.Errorf("a room without a name: %v", err)
	}
	if _, err := (&Chat{}).JoinRoom(ctx, &chatv1.JoinRoom{Room: "tea"}); err != nil {
		t.Error(err)
	}
	if err := (&Chat{}).Say(ctx, &chatv1.Say{Room: "tea", Text: "hello"}); err != nil {
		t.Error(err)
	}
	if said := gatewaytest.Next[*chatv1.Said](t, conn); said.GetText() != "hello" {
		t.Errorf("the room heard %v", said)
	}
	if groups := conn.Groups(); !slices.Equal(groups, []string{"room:tea"}) {
		t.Errorf("the client is in %q", groups)
	}
}
