package protoway_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/internal/testpeer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// secrets takes a message of signed-in users.
func secrets() receivers.Receiver {
	return receivers.Handle(func(context.Context, *testv1.Secret) error { return nil })
}

// admins takes a message that asks for a permission and a group.
func admins() receivers.Receiver {
	return receivers.Handle(func(context.Context, *testv1.Admin) error { return nil })
}

func awaitAsked(p *testpeer.Peer) {
	p.Await("authenticate", func(f *testpeer.Frame) bool { return f.Kind == wire.KindAuthenticate })
}

func awaitLeft(p *testpeer.Peer) *protowayv1.Left {
	left := p.Await("left", func(f *testpeer.Frame) bool { return f.Kind == wire.KindLeft })
	return left.Control.(*protowayv1.Left)
}

// shortToken is a token that is good for a moment.
func shortToken(t *testing.T, user auth.User) string {
	t.Helper()
	short, err := auth.NewIssuer(secret, auth.IssuerConfig{AccessLifetime: 1500 * time.Millisecond}).AccessToken(&user)
	if err != nil {
		t.Fatal(err)
	}
	return short
}

// TestTokenGrace: whoever is asked for a token within the grace is still the user,
// and keeps everything by sending one.
func TestTokenGrace(t *testing.T) {
	ada := auth.User{ID: "ada", Groups: auth.NewSet("staff")}
	server, url := start(t, protoway.Config{Limits: consumer.Limits{TokenGrace: time.Hour}}, whoAmI(), joiner(), secrets())
	p := testpeer.Dial(t, url, testpeer.Options{Hello: &protowayv1.Hello{Token: shortToken(t, ada)}}, fromServer...)
	joinGroup(t, p, "room")
	awaitAsked(p)
	ok(t, p.Call(&testv1.Secret{}))
	if n, err := server.Broadcast(t.Context(), "room", &testv1.StaffEvent{Text: "for users"}); n != 1 || err != nil {
		t.Errorf("reached %d, %v", n, err)
	}
	ok(t, authenticate(p, 301, token(t, ada)))
	ok(t, p.Call(&testv1.Secret{}))
	if n, _ := server.Broadcast(t.Context(), "room", &testv1.Event{Text: "kept"}); n != 1 {
		t.Errorf("reached %d after the refresh", n)
	}
	p.AwaitMessage("event")
	if slices.ContainsFunc(p.Came(), func(f testpeer.Frame) bool { return f.Kind == wire.KindLeft || f.Kind == wire.KindAuthenticate }) {
		t.Errorf("more came: %v", p.Came())
	}
}

// TestTokenGraceEnds: whoever sends no token is asked twice, and is nobody then.
func TestTokenGraceEnds(t *testing.T) {
	_, url := start(t, protoway.Config{Limits: consumer.Limits{TokenGrace: time.Second}}, whoAmI(), joiner(), secrets())
	p := testpeer.Dial(t, url, testpeer.Options{Hello: &protowayv1.Hello{Token: shortToken(t, auth.User{ID: "ada"})}}, fromServer...)
	joinGroup(t, p, "room")
	var kinds []wire.Kind
	for len(kinds) < 3 {
		for _, f := range p.TakeAll() {
			kinds = append(kinds, f.Kind)
		}
	}
	if want := []wire.Kind{wire.KindAuthenticate, wire.KindLeft, wire.KindAuthenticate}; !slices.Equal(kinds, want) {
		t.Errorf("%v came, want %v", kinds, want)
	}
	fails(t, p.Call(&testv1.Secret{}), status.Unauthenticated)
	mustBe(t, p, "")
}

// TestGraceOfProtoSocket: these clients are asked by a message.
func TestGraceOfProtoSocket(t *testing.T) {
	_, url := start(t, protoway.Config{Limits: consumer.Limits{TokenGrace: time.Second}}, secrets())
	p := testpeer.DialProtoSocket(t, url, nil)
	p.Say(`{"headers":{"messageType":"secret","ack":true,"uuid":"u1","authHeader":"` + shortToken(t, auth.User{ID: "ada"}) + `"},"body":{}}`)
	p.Expect(legacyAck("u1", nil))
	p.Expect(legacyFrom("token-invalid", "", nil), legacyFrom("token-invalid", "", nil))
	p.Say(legacyFrame("secret", "u2", "{}"))
	p.Expect(legacyAck("u2", failed(401, "*")))
}

// TestRefreshKeepsFramesInFlight: a fresh token of the same user takes nothing from
// what runs: it may still join.
func TestRefreshKeepsFramesInFlight(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	server, url := start(t, protoway.Config{}, whoAmI(), receivers.Handle(func(ctx context.Context, _ *testv1.Work) error {
		close(entered)
		<-release
		return consumer.From(ctx).Join(ctx, "room")
	}))
	ada := auth.User{ID: "ada"}
	p := testpeer.Dial(t, url, as(t, ada), fromServer...)
	id := p.Send(&testv1.Work{Topic: "x"})
	await(t, "handler", entered)
	ok(t, authenticate(p, 501, token(t, ada)))
	close(release)
	ok(t, p.AwaitAck(id))
	if n, err := server.Broadcast(t.Context(), "room", &testv1.Event{}); n != 1 || err != nil {
		t.Errorf("reached %d, %v", n, err)
	}
}
