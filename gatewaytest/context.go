package gatewaytest

import (
	"context"
	"testing"
	"time"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/receivers"
)

// Context returns a context for calling a method of a receiver, and the client
// that seems to have sent the message: what the method sends, broadcasts and asks
// arrives there, and the groups it joins are conn.Groups().
//
//	ctx, conn := gatewaytest.Context(t, gatewaytest.As(auth.User{ID: "ada"}))
//	err := chat.Say(ctx, &chatv1.Say{Text: "hi"})
//
// It belongs to a real frame of a server of its own, which ends with the test.
// [To] has no meaning here.
func Context(t testing.TB, opts ...Option) (context.Context, *Conn) {
	t.Helper()
	frames, release := make(chan context.Context, 1), make(chan struct{})
	server := New(t, protoway.Config{
		Paths: map[string]protoway.Path{contextPath: {Receivers: []receivers.Receiver{
			receivers.Reply(func(ctx context.Context, _ *protowayv1.Ping) (*protowayv1.Pong, error) {
				frames <- ctx
				<-release
				return &protowayv1.Pong{}, nil
			}),
		}}},
		WithoutSystem: true, // it would answer, too
		Limits:        consumer.Limits{HandlerTimeout: contextTimeout},
	})
	conn := server.Dial(t, append(opts, To(contextPath))...)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = conn.Call(context.Background(), &protowayv1.Ping{}, nil) // it ends with the test, one way or another
	}()
	t.Cleanup(func() {
		close(release)
		<-ended
	})
	select {
	case ctx := <-frames:
		return ctx, conn
	case <-time.After(patience):
		t.Fatal("gatewaytest: the server did not run a frame")
		return nil, nil
	}
}

const (
	contextPath = "/context"
	// contextTimeout is longer than any test.
	contextTimeout = 24 * time.Hour
)
