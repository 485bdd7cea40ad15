package protoway_test

import (
	"context"
	"net/http"
	"strings"
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

// authenticate sends a token and returns the ack.
func authenticate(p *testpeer.Peer, id uint64, token string) testpeer.Frame {
	p.Write(&wire.Frame{ID: id, Kind: wire.KindAuthenticate, Control: &protowayv1.Authenticate{Token: token}})
	return p.AwaitAck(id)
}

func TestWaysToBringAToken(t *testing.T) {
	session := func(r *http.Request) (*auth.User, error) {
		if cookie, err := r.Cookie("session"); err == nil {
			return &auth.User{ID: cookie.Value}, nil
		}
		return nil, nil
	}
	_, url := start(t, protoway.Config{Paths: map[string]protoway.Path{"/ws": {Identify: session}}, CookiesWithoutOrigin: true}, whoAmI())
	signed := token(t, auth.User{ID: "42"})
	bad := "not.a.token"
	for name, tc := range map[string]struct {
		url     string
		options testpeer.Options
		user    string
		refused bool
	}{
		"header":            {"", testpeer.Options{Header: http.Header{"Authorization": {"Bearer " + signed}}}, "42", false},
		"query":             {"?token=" + signed, testpeer.Options{}, "42", false},
		"hello":             {"", testpeer.Options{Hello: &protowayv1.Hello{Token: signed}}, "42", false},
		"session":           {"", testpeer.Options{Header: http.Header{"Cookie": {"session=7"}}}, "7", false},
		"token and session": {"?token=" + signed, testpeer.Options{Header: http.Header{"Cookie": {"session=7"}}}, "42", false},
		"nothing":           {"", testpeer.Options{}, "", false},
		"bad one":           {"?token=" + bad, testpeer.Options{Hello: &protowayv1.Hello{}}, "", true},
		"bad with session":  {"?token=" + bad, testpeer.Options{Header: http.Header{"Cookie": {"session=7"}}}, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			p := testpeer.Dial(t, url+tc.url, tc.options, fromServer...)
			mustBe(t, p, tc.user)
			if tc.refused {
				p.Await("authenticate", func(f *testpeer.Frame) bool { return f.Kind == wire.KindAuthenticate })
			}
			if len(p.Came()) != 0 {
				t.Errorf("more came: %v", p.Came())
			}
		})
	}
}

func TestHelloWithABadTokenIsAcked(t *testing.T) {
	_, url := start(t, protoway.Config{}, whoAmI())
	p := testpeer.Dial(t, url, testpeer.Options{Silent: true}, fromServer...)
	p.Write(&wire.Frame{ID: 3, Kind: wire.KindHello, Control: &protowayv1.Hello{Token: "x"}})
	first := p.Await("any frame", func(*testpeer.Frame) bool { return true })
	if first.Kind != wire.KindWelcome {
		t.Errorf("%v came before welcome", first.Kind)
	}
	fails(t, p.AwaitAck(3), status.Unauthenticated)
	mustBe(t, p, "")
}

func TestAuthenticateOnAnOpenConnection(t *testing.T) {
	_, url := start(t, protoway.Config{}, whoAmI())
	for _, dialect := range dialects {
		p := testpeer.Dial(t, url, testpeer.Options{Dialect: dialect}, fromServer...)
		ok(t, authenticate(p, 101, token(t, auth.User{ID: "a"})))
		mustBe(t, p, "a")
		ok(t, authenticate(p, 102, token(t, auth.User{ID: "b"})))
		mustBe(t, p, "b")
		fails(t, authenticate(p, 103, "bad"), status.Unauthenticated)
		mustBe(t, p, "")
		ok(t, authenticate(p, 104, token(t, auth.User{ID: "c"})))
		ok(t, authenticate(p, 105, "")) // signs out
		mustBe(t, p, "")
	}
}

// TestGroupsEndWithTheUser is promise 6: when the user changes or ends, the
// groups that receivers joined are left, and a fresh token keeps them.
func TestGroupsEndWithTheUser(t *testing.T) {
	server, url := start(t, protoway.Config{}, whoAmI(), joiner())
	ada := auth.User{ID: "ada"}
	for name, change := range map[string]func(p *testpeer.Peer){
		"another user": func(p *testpeer.Peer) { ok(t, authenticate(p, 201, token(t, auth.User{ID: "bob"}))) },
		"signed out":   func(p *testpeer.Peer) { ok(t, authenticate(p, 202, "")) },
		"bad token":    func(p *testpeer.Peer) { fails(t, authenticate(p, 203, "bad"), status.Unauthenticated) },
	} {
		t.Run(name, func(t *testing.T) {
			p := testpeer.Dial(t, url, as(t, ada), fromServer...)
			ticket := joinGroup(t, p, "room")
			ok(t, authenticate(p, 200, token(t, ada))) // the same user: nothing changes
			if n, err := server.Broadcast(t.Context(), "room", &testv1.Event{Text: "before"}); n != 1 || err != nil {
				t.Fatalf("a fresh token of the same user: reached %d, %v", n, err)
			}
			p.AwaitMessage("event")
			change(p)
			left := p.Await("left", func(f *testpeer.Frame) bool { return f.Kind == wire.KindLeft })
			if said := left.Control.(*protowayv1.Left); said.GetGroup() != "room" || said.GetReason() == "" {
				t.Errorf("left %v", said)
			}
			if n, _ := server.Broadcast(t.Context(), "room", &testv1.Event{Text: "after"}); n != 0 {
				t.Errorf("reached %d after the user changed", n)
			}
			if n, _ := server.SendToUser(t.Context(), "ada", &testv1.Event{Text: "mine"}); n != 0 {
				t.Errorf("the user's own group still reaches %d", n)
			}
			p.Close()
			again := as(t, ada)
			again.Hello = &protowayv1.Hello{Resume: &protowayv1.Resume{Groups: []*protowayv1.ResumeGroup{{Ticket: ticket}}}}
			back := testpeer.Dial(t, url, again, fromServer...)
			refused := back.Await("left", func(f *testpeer.Frame) bool { return f.Kind == wire.KindLeft })
			if reason := refused.Control.(*protowayv1.Left).GetReason(); !strings.Contains(reason, "voided") {
				t.Errorf("the old ticket: %q", reason)
			}
		})
	}
}

func TestExpiryEndsTheUser(t *testing.T) {
	short, err := auth.NewIssuer(secret, auth.IssuerConfig{AccessLifetime: 1500 * time.Millisecond}).AccessToken(&auth.User{ID: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	_, url := start(t, protoway.Config{}, whoAmI(), joiner())
	p := testpeer.Dial(t, url, testpeer.Options{Hello: &protowayv1.Hello{Token: short}}, fromServer...)
	mustBe(t, p, "ada")
	joinGroup(t, p, "room")
	left := p.Await("left", func(f *testpeer.Frame) bool { return f.Kind == wire.KindLeft })
	if reason := left.Control.(*protowayv1.Left).GetReason(); !strings.Contains(reason, "expired") {
		t.Errorf("reason %q", reason)
	}
	p.Await("authenticate", func(f *testpeer.Frame) bool { return f.Kind == wire.KindAuthenticate })
	mustBe(t, p, "")
	ok(t, authenticate(p, 301, token(t, auth.User{ID: "ada"})))
	mustBe(t, p, "ada")
}

func TestChangedPermissionsVoidOldTickets(t *testing.T) {
	_, url := start(t, protoway.Config{}, whoAmI(), joiner())
	p := testpeer.Dial(t, url, as(t, auth.User{ID: "ada", Permissions: auth.NewSet("a", "b")}), fromServer...)
	old := joinGroup(t, p, "room")
	ok(t, authenticate(p, 401, token(t, auth.User{ID: "ada", Permissions: auth.NewSet("a")})))
	fresh := awaitJoined(t, p)
	if fresh.GetRecovery() != protowayv1.Joined_RENEWED {
		t.Errorf("joined %v", fresh)
	}
	p.Close()
	for name, tc := range map[string]struct {
		ticket   []byte
		rights   []string
		restored bool
	}{
		"before the change":        {old, []string{"a"}, false},
		"after the change":         {fresh.GetTicket(), []string{"a"}, true},
		"rights lost while away":   {fresh.GetTicket(), nil, false},
		"rights gained while away": {fresh.GetTicket(), []string{"a", "b"}, false},
	} {
		user := auth.User{ID: "ada", Permissions: auth.NewSet(tc.rights...)}
		_, answer := resume(t, url, as(t, user), tickets(tc.ticket))
		if (answer.Kind == wire.KindJoined) != tc.restored {
			t.Errorf("%s: %v", name, answer.Control)
		}
	}
}

// TestJoinOfAChangedUserIsRefused: a handler that began as one user cannot join
// groups for the next one.
func TestJoinOfAChangedUserIsRefused(t *testing.T) {
	entered, release, joined := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	_, url := start(t, protoway.Config{}, whoAmI(), receivers.Handle(func(ctx context.Context, _ *testv1.Work) error {
		close(entered)
		<-release
		joined <- consumer.From(ctx).Join(ctx, "room")
		return nil
	}))
	p := testpeer.Dial(t, url, as(t, auth.User{ID: "ada"}), fromServer...)
	p.Send(&testv1.Work{Topic: "x"})
	await(t, "handler", entered)
	ok(t, authenticate(p, 501, token(t, auth.User{ID: "bob"})))
	close(release)
	if err := await(t, "join", joined); status.CodeOf(err) != status.Aborted {
		t.Errorf("join: %v", err)
	}
}
