package client_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/emptypb"

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

var emptyRules emptypb.Empty

// whoAmI answers with the user of the connection.
func whoAmI() receivers.Receiver {
	return receivers.Reply(func(ctx context.Context, _ *testv1.WhoAmI) (*testv1.You, error) {
		return &testv1.You{User: consumer.From(ctx).User().ID}, nil
	})
}

// mustBe fails unless the server thinks that conn is user.
func mustBe(t *testing.T, conn *client.Conn, user string) {
	t.Helper()
	var you testv1.You
	if err := conn.Call(deadline(t), &testv1.WhoAmI{}, &you); err != nil || you.GetUser() != user {
		t.Fatalf("the server sees %q, %v; want %q", you.GetUser(), err, user)
	}
}

func TestDialSignsIn(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			g := serve(t, protoway.Config{}, whoAmI())
			conn := g.dial(t, client.WithDialect(dialect), client.WithToken(token(t, "ada")))
			mustBe(t, conn, "ada")
			if conn.User() != "ada" || conn.Session() == "" || conn.Welcome().GetSchemaHash() == "" {
				t.Errorf("welcome = %v", conn.Welcome())
			}
			if err := conn.Authenticate(deadline(t), token(t, "bob")); err != nil {
				t.Fatal(err)
			}
			mustBe(t, conn, "bob")
			if err := conn.Authenticate(deadline(t), "rubbish"); status.CodeOf(err) != status.Unauthenticated {
				t.Errorf("a bad token: %v", err)
			}
			mustBe(t, conn, "")
		})
	}
}

func TestDialFailsWithABadToken(t *testing.T) {
	g := serve(t, protoway.Config{}, whoAmI())
	conn, err := client.Dial(deadline(t), g.url, client.WithToken("rubbish"))
	if conn != nil || status.CodeOf(err) != status.Unauthenticated {
		t.Errorf("Dial = %v, %v", conn, err)
	}
	mustBe(t, g.dial(t, client.WithToken("rubbish"), client.WithAnonymous()), "")
}

func TestServerGetsTheFreshTokenItAsksFor(t *testing.T) {
	asked, signed := make(chan struct{}, 1), make(chan string, 1)
	g := serve(t, protoway.Config{}, whoAmI(), signedIn{signed})
	fresh := token(t, "ada")
	conn := g.dial(t, client.WithToken("stale"), client.WithAnonymous(),
		client.OnAuthenticate(func(context.Context) (string, error) {
			asked <- struct{}{}
			return fresh, nil
		}))
	await(t, "the server's question", asked)
	if user := await(t, "the sign-in", signed); user != "ada" {
		t.Errorf("%q signed in", user)
	}
	mustBe(t, conn, "ada")
}

// signedIn tells who signs in.
type signedIn struct{ users chan string }

func (signedIn) Routes() ([]consumer.Route, error) { return nil, nil }

func (s signedIn) Authenticated(ctx context.Context) { s.users <- consumer.From(ctx).User().ID }

func TestDialSaysWhyThereIsNoConnection(t *testing.T) {
	g := serve(t, protoway.Config{}, greet(), refuser{})
	gone := httptest.NewServer(nil)
	gone.Close()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tc := range map[string]struct {
		ctx  context.Context
		url  string
		opts []client.Option
		code status.Code
		text string
	}{
		"no such path": {t.Context(), g.url + "/nowhere", nil, status.NotFound, "404"},
		"no server":    {t.Context(), strings.Replace(gone.URL, "http", "ws", 1), nil, status.Unavailable, "cannot be reached"},
		"dialect":      {t.Context(), g.url, []client.Option{client.WithDialect(foreign{wire.JSON})}, status.InvalidArgument, "foreign.v9"},
		"given up":     {canceled, g.url, nil, status.Canceled, "canceled"},
		"refused":      {t.Context(), g.url, nil, status.Canceled, "closed for today"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := client.Dial(tc.ctx, tc.url, tc.opts...)
			if conn != nil || status.CodeOf(err) != tc.code || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("Dial = %v, %v", conn, err)
			}
		})
	}
	_, err := client.Dial(t.Context(), g.url)
	var ended *client.CloseError
	if !errors.As(err, &ended) || ended.Code != int(consumer.CloseRefused) || ended.Reconnect {
		t.Errorf("a receiver refuses: %v", err)
	}
}

// foreign is a dialect that servers do not speak.
type foreign struct{ wire.Dialect }

func (foreign) Subprotocol() string { return "foreign.v9" }

// refuser refuses every connection.
type refuser struct{}

func (refuser) Routes() ([]consumer.Route, error) { return nil, nil }

func (refuser) Connected(context.Context) error {
	return status.PermissionDenied.Errorf("closed for today")
}

// room joins the group that a note names, and publishes to it.
func room() receivers.Receiver {
	return onNote(func(ctx context.Context, text string) error {
		me := consumer.From(ctx)
		if group, leave := strings.CutPrefix(text, "leave "); leave {
			return me.Leave(ctx, group)
		}
		return me.Join(ctx, text)
	})
}

func TestGroupsAreResumed(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			g := serve(t, protoway.Config{}, room())
			first := g.dial(t, client.WithDialect(dialect))
			for _, group := range []string{"tea", "coffee", "milk", "leave milk"} {
				if err := first.Call(deadline(t), &testv1.Note{Text: group}, nil); err != nil {
					t.Fatal(err)
				}
			}
			if got := first.Groups(); !slices.Equal(got, []string{"coffee", "tea"}) {
				t.Fatalf("groups = %q", got)
			}
			_ = first.Close()
			await(t, "the end", first.Done())

			resume := first.Resume()
			resume.Groups = append(resume.Groups, client.Membership{Group: "stolen", Ticket: []byte("forged")})
			joined, left := make(chan *protowayv1.Joined, 2), make(chan *protowayv1.Left, 1)
			events := make(chan string, 2)
			second := g.dial(t, client.WithDialect(dialect), client.WithResume(resume),
				client.OnJoined(func(_ context.Context, in *protowayv1.Joined) { joined <- in }),
				client.OnLeft(func(_ context.Context, in *protowayv1.Left) { left <- in }),
				client.WithHandlers(func(c client.Caller) {
					client.On(c, func(_ context.Context, in *testv1.Event) { events <- in.GetText() })
				}))
			if second.Welcome().GetResumed() != 2 {
				t.Errorf("resumed %d groups", second.Welcome().GetResumed())
			}
			for range 2 {
				if in := await(t, "joined", joined); in.GetRecovery() != protowayv1.Joined_NO_HISTORY {
					t.Errorf("joined %v", in)
				}
			}
			await(t, "left for the forged ticket", left)
			if got := second.Groups(); !slices.Equal(got, []string{"coffee", "tea"}) {
				t.Errorf("groups = %q", got)
			}
			if again := second.Resume(); len(again.Groups) != 2 || len(again.Secret) == 0 {
				t.Errorf("resume = %+v", again)
			}
			for _, group := range []string{"tea", "milk", "coffee"} {
				if _, err := g.Broadcast(deadline(t), group, &testv1.Event{Text: group}); err != nil {
					t.Fatal(err)
				}
			}
			for _, want := range []string{"tea", "coffee"} {
				if got := await(t, want, events); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
		})
	}
}

func TestSharedCatalog(t *testing.T) {
	g := serve(t, protoway.Config{}, whoAmI())
	catalog := wire.NewCatalog(nil)
	for _, user := range []string{"ada", "bob"} {
		header := auth.NewIssuer(secret, auth.IssuerConfig{})
		signed, err := header.AccessToken(&auth.User{ID: user})
		if err != nil {
			t.Fatal(err)
		}
		mustBe(t, g.dial(t, client.WithCatalog(catalog), client.WithHTTPHeader(map[string][]string{
			"Authorization": {"Bearer " + signed},
		})), user)
	}
	if catalog.FromClient("who-am-i") == nil {
		t.Error("the catalog learned nothing")
	}
}
