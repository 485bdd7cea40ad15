package client_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	client "github.com/protoway/protoway/clients/go"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// A sign-in that is refused changes nobody: what was not acked is sent again. One
// that succeeded does, and nobody signs in on the next session.
func TestSignInChangesWhoseMessagesTheyAre(t *testing.T) {
	for _, refuse := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			server := newFakeServer(t, wire.Protobuf)
			f := server.connect(&protowayv1.Welcome{MaxInFlight: 8})
			done := make(chan error, 1)
			go func() { done <- server.Call(t.Context(), &testv1.SignIn{User: "ada"}, nil) }()
			ack := wire.NewAck(f.next().ID, nil)
			if refuse {
				ack.Ack.Error = status.PermissionDenied.Errorf("no")
			}
			f.send(ack)
			<-done
			go func() { done <- server.Call(t.Context(), &testv1.Note{Text: "mine"}, nil) }()
			f.note()
			f.cut()
			f = server.accept(&protowayv1.Welcome{MaxInFlight: 8})
			if refuse {
				_, frame := f.note()
				f.send(wire.NewAck(frame.ID, nil))
			}
			if err := <-done; (err == nil) != refuse || err != nil && status.CodeOf(err) != status.Aborted {
				t.Errorf("refused %v: Call = %v", refuse, err)
			}
		})
	}
}

// What was sent as one user is not sent again as another one.
func TestMessagesOfAnotherUserAreNotSentAgain(t *testing.T) {
	entered, release := make(chan struct{}, 2), make(chan struct{})
	var ran atomic.Int32
	h := newHost(t, newServer(t, protoway.Config{}, receivers.Handle(func(context.Context, *testv1.Secret) error {
		entered <- struct{}{}
		<-release
		ran.Add(1)
		return nil
	})))
	source := &tokens{list: []string{token(t, "ada"), token(t, "bob")}}
	c := h.connected(client.WithTokenSource(source.next))
	failed := make(chan error, 1)
	go func() { failed <- c.Call(t.Context(), &testv1.Secret{}, nil) }()
	await(t, "the handler", entered)
	h.cut()
	if err := await(t, "the end of the call", failed); status.CodeOf(err) != status.Aborted {
		t.Errorf("Call = %v", err)
	}
	close(release)
	if err := c.Call(deadline(t), &testv1.Secret{}, nil); err != nil {
		t.Error(err)
	}
	if ran.Load() != 2 {
		t.Errorf("%d ran", ran.Load())
	}
}

// The same sign-in on the next session makes the same user, so what was not acked
// is sent again, behind it.
func TestMessagesAreSentAgainBehindTheSameSignIn(t *testing.T) {
	entered, release := make(chan struct{}, 2), make(chan struct{})
	var ran atomic.Int32
	h := newHost(t, newServer(t, protoway.Config{},
		receivers.Handle(func(ctx context.Context, in *testv1.SignIn) error {
			return consumer.From(ctx).SignIn(ctx, &auth.User{ID: in.GetUser()})
		}),
		receivers.Handle(func(context.Context, *testv1.Secret) error {
			entered <- struct{}{}
			<-release
			ran.Add(1)
			return nil
		})))
	var signedIn atomic.Int32
	var c *client.Client
	c = h.client(client.OnSession(func(ctx context.Context, _ client.Session) error {
		err := c.Call(ctx, &testv1.SignIn{User: "ada"}, nil)
		signedIn.Add(1)
		return err
	}))
	if err := c.Connect(deadline(t)); err != nil {
		t.Fatal(err)
	}
	acked := make(chan error, 1)
	go func() { acked <- c.Call(t.Context(), &testv1.Secret{}, nil) }()
	await(t, "the handler", entered)
	h.cut()
	eventually(t, "it signs in again", func() bool { return signedIn.Load() == 2 })
	close(release)
	if err := await(t, "the ack", acked); err != nil || ran.Load() != 1 {
		t.Errorf("Call = %v, it ran %d times", err, ran.Load())
	}
}

// An application that signs in by a message has to do so on every session.
func TestSessionOfSomebodyElseIsPreparedAnew(t *testing.T) {
	h := newHost(t, newServer(t, protoway.Config{}, whoAmI(), receivers.Handle(func(ctx context.Context, in *testv1.SignIn) error {
		return consumer.From(ctx).SignIn(ctx, &auth.User{ID: in.GetUser()})
	})))
	var c *client.Client
	c = h.client(client.OnSession(func(ctx context.Context, _ client.Session) error {
		return c.Call(ctx, &testv1.SignIn{User: "ada"}, nil)
	}))
	if err := c.Connect(deadline(t)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		var you testv1.You
		if err := c.Call(deadline(t), &testv1.WhoAmI{}, &you); err != nil || you.GetUser() != "ada" {
			t.Errorf("the server sees %q, %v", you.GetUser(), err)
		}
		h.cut()
	}
}
