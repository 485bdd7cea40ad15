package room

import (
	"slices"
	"strings"
	"testing"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/consumer"
	chatv1 "github.com/protoway/protoway/examples/chat/gen/chat/v1"
	"github.com/protoway/protoway/examples/chat/gen/chat/v1/chatv1way"
	"github.com/protoway/protoway/gatewaytest"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
)

// person is a client of the chat.
type person struct {
	*chatv1way.ChatClient
	conn *gatewaytest.Conn
}

// enter connects a person to a server and takes them into a room.
func enter(t *testing.T, server *gatewaytest.Server, name, room string) person {
	t.Helper()
	conn := server.Dial(t)
	p := person{chatv1way.NewChatClient(conn), conn}
	joined, err := p.JoinRoom(t.Context(), &chatv1.JoinRoom{Room: room, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	if want := "Room " + room; joined.GetTitle() != want {
		t.Errorf("%s joined %q, want %q", name, joined.GetTitle(), want)
	}
	return p
}

func newServer(t *testing.T) *gatewaytest.Server {
	t.Helper()
	return gatewaytest.New(t, protoway.Config{
		Paths:  map[string]protoway.Path{"/ws": {Receivers: []receivers.Receiver{receivers.Discover(&Chat{})}}},
		Strict: true,
	})
}

func TestPeopleOfARoomHearEachOther(t *testing.T) {
	server := newServer(t)
	ada, bob := enter(t, server, "Ada", "tea"), enter(t, server, "Bob", "tea")
	carol := enter(t, server, "Carol", "coffee")
	if arrived := gatewaytest.Next[*chatv1.Arrived](t, ada.conn); arrived.GetName() != "Bob" {
		t.Errorf("Ada is told of %v", arrived)
	}
	if err := ada.Say(t.Context(), &chatv1.Say{Room: "tea", Name: "Ada", Text: "hello"}); err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]person{"Ada": ada, "Bob": bob} {
		if said := gatewaytest.Next[*chatv1.Said](t, p.conn); said.GetName() != "Ada" || said.GetText() != "hello" || said.GetTimeMs() == 0 {
			t.Errorf("%s hears %v", name, said)
		}
	}
	// Had Carol heard Ada, it would have been before what she says herself.
	if err := carol.Say(t.Context(), &chatv1.Say{Room: "coffee", Name: "Carol", Text: "nobody here"}); err != nil {
		t.Fatal(err)
	}
	if said := gatewaytest.Next[*chatv1.Said](t, carol.conn); said.GetText() != "nobody here" {
		t.Errorf("Carol hears %v", said)
	}
}

func TestOnlyWhoIsInTheRoomMaySpeak(t *testing.T) {
	server := newServer(t)
	ada := enter(t, server, "Ada", "tea")
	err := ada.Say(t.Context(), &chatv1.Say{Room: "coffee", Name: "Ada", Text: "hello"})
	if status.CodeOf(err) != status.FailedPrecondition || !strings.Contains(err.Error(), "join it first") {
		t.Errorf("speaking from outside: %v", err)
	}
	if err := ada.LeaveRoom(t.Context(), &chatv1.LeaveRoom{Room: "tea"}); err != nil {
		t.Fatal(err)
	}
	if err := ada.Say(t.Context(), &chatv1.Say{Room: "tea", Name: "Ada", Text: "hello"}); status.CodeOf(err) != status.FailedPrecondition {
		t.Errorf("speaking after leaving: %v", err)
	}
}

// A method of a receiver can be called directly.
func TestJoinAndLeave(t *testing.T) {
	ctx, conn := gatewaytest.Context(t)
	chat := &Chat{}
	if _, err := chat.JoinRoom(ctx, &chatv1.JoinRoom{Room: "tea", Name: "Ada"}); err != nil {
		t.Fatal(err)
	}
	if err := chat.Say(ctx, &chatv1.Say{Room: "tea", Name: "Ada", Text: "hello"}); err != nil {
		t.Fatal(err)
	}
	gatewaytest.Next[*chatv1.Said](t, conn) // and so it has joined
	if groups := conn.Groups(); !slices.Equal(groups, []string{"room:tea"}) {
		t.Errorf("Ada is in %q", groups)
	}
	if err := chat.LeaveRoom(ctx, &chatv1.LeaveRoom{Room: "tea"}); err != nil {
		t.Fatal(err)
	}
	if err := consumer.From(ctx).Send(ctx, &chatv1.Arrived{Name: "the end"}); err != nil {
		t.Fatal(err)
	}
	gatewaytest.Next[*chatv1.Arrived](t, conn) // and so it has left
	if groups := conn.Groups(); len(groups) != 0 {
		t.Errorf("Ada is still in %q", groups)
	}
}

func TestRefused(t *testing.T) {
	server := newServer(t)
	ada := enter(t, server, "Ada", "tea")
	long := strings.Repeat("ä", longestName+1)
	for what, err := range map[string]error{
		"a person without a name": second(ada.JoinRoom(t.Context(), &chatv1.JoinRoom{Room: "tea"})),
		"a room without a name":   second(ada.JoinRoom(t.Context(), &chatv1.JoinRoom{Name: "Ada"})),
		"a name that is too long": second(ada.JoinRoom(t.Context(), &chatv1.JoinRoom{Room: "tea", Name: long})),
		"an empty text":           ada.Say(t.Context(), &chatv1.Say{Room: "tea", Name: "Ada", Text: " "}),
		"a nameless text":         ada.Say(t.Context(), &chatv1.Say{Room: "tea", Text: "hello"}),
		"a text that is too long": ada.Say(t.Context(), &chatv1.Say{Room: "tea", Name: "Ada", Text: strings.Repeat("x", 4096)}),
	} {
		if status.CodeOf(err) != status.InvalidArgument {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := ada.Say(t.Context(), &chatv1.Say{Room: "tea", Name: "Ada", Text: "still here"}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }
