package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"

	"github.com/protoway/protoway"
	client "github.com/protoway/protoway/clients/go"
	"github.com/protoway/protoway/consumer"
	chatv1 "github.com/protoway/protoway/examples/chat/gen/chat/v1"
	"github.com/protoway/protoway/examples/chat/gen/chat/v1/chatv1way"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/wire"
)

// serveChat runs a server whose rooms repeat what is said in them.
func serveChat() (address string, stop func()) {
	server, err := protoway.New(protoway.Config{Paths: map[string]protoway.Path{"/ws": {Receivers: []receivers.Receiver{
		receivers.Reply(func(ctx context.Context, in *chatv1.JoinRoom) (*chatv1.RoomJoined, error) {
			return &chatv1.RoomJoined{Title: "The room " + in.GetRoom()}, consumer.From(ctx).Join(ctx, in.GetRoom())
		}),
		receivers.Handle(func(ctx context.Context, in *chatv1.Say) error {
			return consumer.From(ctx).Broadcast(ctx, in.GetRoom(), &chatv1.Said{Name: "ada", Text: in.GetText()})
		}),
	}}}})
	if err != nil {
		panic(err)
	}
	web := httptest.NewServer(server)
	return strings.Replace(web.URL, "http", "ws", 1) + "/ws", func() {
		_ = server.Shutdown(context.Background())
		web.Close()
	}
}

// A client joins its room on each session, and says something as soon as it has.
func Example() {
	address, stop := serveChat()
	defer stop()
	ctx := context.Background()

	var chat *chatv1way.ChatClient
	c := client.New(address, client.OnSession(func(ctx context.Context, _ client.Session) error {
		joined, err := chat.JoinRoom(ctx, &chatv1.JoinRoom{Room: "tea"})
		fmt.Println(joined.GetTitle())
		return err
	}))
	chat = chatv1way.NewChatClient(c)
	heard := make(chan struct{})
	client.On(c, func(_ context.Context, in *chatv1.Said) {
		fmt.Println(in.GetName()+":", in.GetText())
		close(heard)
	})
	if err := c.Send(ctx, &chatv1.Say{Room: "tea", Text: "hello"}); err != nil { // waits in the outbox
		fmt.Println(err)
	}
	if err := c.Connect(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	<-heard
	// Output:
	// The room tea
	// ada: hello
}

// A program without the schema sends and receives JSON by the names of messages.
func ExampleUntyped() {
	address, stop := serveChat()
	defer stop()
	ctx := context.Background()

	c := client.New(address, client.WithDialect(wire.JSON))
	untyped := c.Untyped()
	heard := make(chan struct{})
	untyped.OnEvent("*", func(_ context.Context, in client.Event) {
		fmt.Printf("%s in %s: %s\n", in.Type, in.Group, in.Body)
		close(heard)
	})
	if err := c.Connect(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	reply, err := untyped.Call(ctx, "join-room", json.RawMessage(`{"room":"tea"}`))
	fmt.Println(string(reply), err)
	if err := untyped.Send(ctx, "say", map[string]string{"room": "tea", "text": "hello"}); err != nil {
		fmt.Println(err)
	}
	<-heard
	// Output:
	// {"title":"The room tea"} <nil>
	// said in tea: {"name":"ada","text":"hello"}
}

// A program shows its user how the connection is.
func ExampleOnState() {
	address, stop := serveChat()
	defer stop()
	c := client.New(address, client.OnState(func(s client.State) { fmt.Println(s.Phase) }))
	if err := c.Connect(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	_ = c.Close()
	<-c.Done()
	// Output:
	// connecting
	// open
	// closed
}
