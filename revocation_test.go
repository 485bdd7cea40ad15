package protoway_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/broadcast"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/internal/testpeer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// revocable starts a server whose users can be revoked.
func revocable(t *testing.T, config protoway.Config, list ...receivers.Receiver) (*protoway.Server, string, *auth.Revocations) {
	t.Helper()
	config.Revocations = auth.NewRevocations(auth.NewMemoryStore(auth.MemoryConfig{}), auth.RevocationsConfig{})
	server, url := start(t, config, list...)
	return server, url, config.Revocations
}

// TestRevocationOfOneAmongMany: one user among a thousand connections is revoked,
// and the others keep everything.
func TestRevocationOfOneAmongMany(t *testing.T) {
	const others = 999
	server, url, revocations := revocable(t, protoway.Config{}, whoAmI(), joiner(), secrets())
	ada := auth.User{ID: "ada"}
	signed := token(t, ada)
	victim := testpeer.Dial(t, url, testpeer.Options{Hello: &protowayv1.Hello{Token: signed}}, fromServer...)
	ticket := joinGroup(t, victim, "room")
	crowd := make([]*testpeer.Peer, others)
	for i := range crowd {
		crowd[i] = testpeer.Dial(t, url, as(t, auth.User{ID: fmt.Sprint(i), Groups: auth.NewSet("staff")}), fromServer...)
		joinGroup(t, crowd[i], "room")
	}
	if n, err := server.Broadcast(t.Context(), "room", &testv1.Event{Text: "all"}); n != others+1 || err != nil {
		t.Fatalf("reached %d, %v", n, err)
	}
	victim.AwaitMessage("event")
	if err := revocations.Revoke(t.Context(), auth.Revocation{UserID: "ada"}); err != nil {
		t.Fatal(err)
	}
	if left := awaitLeft(victim); left.GetGroup() != "room" || left.GetReason() != "the token was revoked" {
		t.Errorf("%v", left)
	}
	awaitAsked(victim)
	fails(t, victim.Call(&testv1.Secret{}), status.Unauthenticated)
	fails(t, authenticate(victim, 501, signed), status.Unauthenticated)
	if n, _ := server.SendToUser(t.Context(), "ada", &testv1.Event{}); n != 0 {
		t.Errorf("the user's own group reaches %d", n)
	}
	if n, err := server.Broadcast(t.Context(), "room", &testv1.StaffEvent{Text: "the others"}); n != others || err != nil {
		t.Errorf("reached %d, %v", n, err)
	}
	for i, p := range crowd {
		p.AwaitMessage("staff-event")
		ok(t, p.Call(&testv1.Secret{}))
		if n, _ := server.SendToUser(t.Context(), fmt.Sprint(i), &testv1.Event{}); n != 1 {
			t.Errorf("user %d: reached %d", i, n)
		}
	}
	// Signed in anew she is good, and the tickets from before are not.
	_, answer := resume(t, url, as(t, ada), tickets(ticket))
	if left, ok := answer.Control.(*protowayv1.Left); !ok || !strings.Contains(left.GetReason(), "voided") {
		t.Errorf("the old ticket: %v", answer.Control)
	}
}

// TestRevocationOfATokenAndOfSessions: one of two connections of a user ends by its
// token, a session that does not say since when ends with its user.
func TestRevocationOfATokenAndOfSessions(t *testing.T) {
	var asked atomic.Int64
	_, url, revocations := revocable(t, protoway.Config{Paths: map[string]protoway.Path{"/ws": {Identify: bySession(&asked)}}}, whoAmI())
	first, second := token(t, auth.User{ID: "ada"}), token(t, auth.User{ID: "ada"})
	named, err := auth.HS256(secret).Verify(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	one := testpeer.Dial(t, url, testpeer.Options{Hello: &protowayv1.Hello{Token: first}}, fromServer...)
	other := testpeer.Dial(t, url, testpeer.Options{Hello: &protowayv1.Hello{Token: second}}, fromServer...)
	if err := revocations.Revoke(t.Context(), auth.Revocation{TokenID: named.TokenID}); err != nil {
		t.Fatal(err)
	}
	awaitAsked(one)
	mustBe(t, one, "")
	mustBe(t, other, "ada")

	session := http.Header{"X-Client-Name": {"ada"}}
	visit := testpeer.Dial(t, url, testpeer.Options{Header: session}, fromServer...)
	mustBe(t, visit, "ada")
	if err := revocations.Revoke(t.Context(), auth.Revocation{UserID: "ada"}); err != nil {
		t.Fatal(err)
	}
	awaitAsked(visit)
	mustBe(t, visit, "")
	back := testpeer.Dial(t, url, testpeer.Options{Header: session}, fromServer...)
	awaitAsked(back)
	mustBe(t, back, "")
}

// gate holds a subscription up.
type gate struct {
	broadcast.Broker

	group            string
	entered, release chan struct{}
}

func (g *gate) Subscribe(ctx context.Context, groups ...string) error {
	if slices.Contains(groups, g.group) {
		close(g.entered)
		<-g.release
	}
	return g.Broker.Subscribe(ctx, groups...)
}

// TestRevocationWhileSigningIn: what is revoked between the check of a token and
// the moment at which its user is there does not slip through.
func TestRevocationWhileSigningIn(t *testing.T) {
	for name, begin := range map[string]func(p *testpeer.Peer, token string){
		"authenticate": func(p *testpeer.Peer, token string) {
			p.Write(&wire.Frame{Kind: wire.KindHello, Control: &protowayv1.Hello{}})
			p.Write(&wire.Frame{Kind: wire.KindAuthenticate, Control: &protowayv1.Authenticate{Token: token}})
		},
		"hello": func(p *testpeer.Peer, token string) {
			p.Write(&wire.Frame{Kind: wire.KindHello, Control: &protowayv1.Hello{Token: token}})
		},
		"sign-in": func(p *testpeer.Peer, _ string) {
			p.Write(&wire.Frame{Kind: wire.KindHello, Control: &protowayv1.Hello{}})
			p.Send(&testv1.SignIn{User: "late"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			held := &gate{Broker: broadcast.NewMemory(), group: broadcast.UserGroup("late"), entered: make(chan struct{}), release: make(chan struct{})}
			past := time.Now().Add(-time.Minute)
			_, url, revocations := revocable(t, protoway.Config{Broker: held}, whoAmI(), receivers.Handle(func(ctx context.Context, in *testv1.SignIn) error {
				return consumer.From(ctx).SignIn(ctx, &auth.User{ID: in.GetUser(), IssuedAt: past})
			}))
			witness := testpeer.Dial(t, url, as(t, auth.User{ID: "witness"}), fromServer...)
			p := testpeer.Dial(t, url, testpeer.Options{Silent: true}, fromServer...)
			begin(p, token(t, auth.User{ID: "late"}))
			await(t, "the join of the user's group", held.entered)
			if err := revocations.Revoke(t.Context(), auth.Revocation{Before: time.Now()}); err != nil {
				t.Fatal(err)
			}
			awaitAsked(witness) // the server was told
			mustBe(t, witness, "")
			close(held.release)
			awaitAsked(p)
			mustBe(t, p, "")
		})
	}
}

// forgetful is a store of users that says whom it is told to forget.
type forgetful struct {
	*auth.MemoryUsers
	forgot chan string
}

func (f forgetful) Forget(id string) { f.forgot <- id }

// TestRevokedUsersAreLookedUpAnew: a store that remembers users forgets one whose
// tokens are revoked, and nobody for a single token.
func TestRevokedUsersAreLookedUpAnew(t *testing.T) {
	users, err := auth.NewMemoryUsers()
	if err != nil {
		t.Fatal(err)
	}
	store := forgetful{users, make(chan string, 2)}
	_, _, revocations := revocable(t, protoway.Config{Users: store})
	for _, r := range []auth.Revocation{{TokenID: "one"}, {UserID: "ada"}} {
		if err := revocations.Revoke(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if id := <-store.forgot; id != "ada" {
		t.Errorf("%q was forgotten", id)
	}
}
