package authentication_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/internal/testpeer"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/receivers/authentication"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/transport"
	"github.com/protoway/protoway/wire"
)

// site is a gateway over real sockets, with tokens over HTTP beside it.
type site struct {
	*testing.T

	url         string // of the HTTP server
	users       *auth.MemoryUsers
	issuer      *auth.Issuer
	revocations *auth.Revocations
}

// proxy is whose word about addresses the site takes.
const proxy = "127.0.0.1"

// open starts a site. What of lives is not set is as by default.
func open(t *testing.T, lives auth.IssuerConfig, attempts authentication.Attempts, web authentication.HTTP) *site {
	t.Helper()
	users, err := auth.NewMemoryUsers(
		auth.Account{User: auth.User{ID: "1", Name: "ada", Groups: auth.NewSet("staff"), Permissions: auth.NewSet("b", "a")}, Password: auth.HashPassword("pw", 10)},
		auth.Account{User: auth.User{ID: "2", Name: "bob", Superuser: true}, Password: auth.HashPassword("pw", 10)})
	if err != nil {
		t.Fatal(err)
	}
	revocations := auth.NewRevocations(auth.NewMemoryStore(auth.MemoryConfig{}), auth.RevocationsConfig{})
	lives.Rotation = revocations
	s := &site{T: t, users: users, revocations: revocations, issuer: auth.NewIssuer(secret, lives)}
	sign := authentication.New(authentication.Config{Issuer: s.issuer, Users: users, Revocations: revocations, Attempts: attempts})
	server, err := protoway.New(protoway.Config{
		Verifier: s.issuer.Verifier(), Users: users, Revocations: revocations, TrustedProxies: []string{proxy},
		Logger: slog.New(slog.DiscardHandler), Mode: transport.Mode(os.Getenv("TEST_MODE")),
		Paths: map[string]protoway.Path{"/ws": {Receivers: []receivers.Receiver{sign}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if web.Proxies, err = auth.ParseProxies([]string{proxy}); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/ws", server)
	mux.Handle("/auth/", sign.Handler(web))
	listening := httptest.NewServer(mux)
	s.url = listening.URL
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), testpeer.Patience)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		listening.Close()
	})
	return s
}

// dial connects from an address, "" for that of the proxy itself.
func (s *site) dial(from, token string) *testpeer.Peer {
	s.Helper()
	header := http.Header{}
	if from != "" {
		header.Set("X-Forwarded-For", from)
	}
	return testpeer.Dial(s.T, s.url+"/ws", testpeer.Options{Header: header, Hello: &protowayv1.Hello{Token: token}},
		&protowayv1.LoginToken{}, &protowayv1.Identity{})
}

// login signs a connection in.
func (s *site) login(p *testpeer.Peer, name, password string) *protowayv1.LoginToken {
	s.Helper()
	return s.tokens(p.Call(&protowayv1.Login{Username: name, Password: password}))
}

func (s *site) tokens(ack testpeer.Frame) *protowayv1.LoginToken {
	s.Helper()
	tokens, ok := ack.Value.(*protowayv1.LoginToken)
	if !ok {
		s.Fatalf("the ack says %v", ack.Ack.Error)
	}
	return tokens
}

// is fails unless the connection is a user, "" for nobody.
func (s *site) is(p *testpeer.Peer, user string) *protowayv1.Identity {
	s.Helper()
	who, ok := p.Call(&protowayv1.WhoAmI{}).Value.(*protowayv1.Identity)
	if !ok || who.GetId() != user {
		s.Errorf("the connection is %v, want %q", who, user)
	}
	return who
}

func (s *site) asked(p *testpeer.Peer) {
	s.Helper()
	p.Await("authenticate", func(f *testpeer.Frame) bool { return f.Kind == wire.KindAuthenticate })
}

func TestWhoAmI(t *testing.T) {
	s := open(t, auth.IssuerConfig{}, authentication.Attempts{}, authentication.HTTP{})
	p := s.dial("", "")
	if who := s.is(p, ""); !proto.Equal(who, &protowayv1.Identity{}) {
		t.Errorf("nobody is %v", who)
	}
	before := time.Now()
	s.login(p, "ada", "pw")
	who := s.is(p, "1")
	until := who.GetExpires().AsTime()
	if until.Before(before.Add(auth.DefaultAccessLifetime-time.Second)) || until.After(time.Now().Add(auth.DefaultAccessLifetime)) {
		t.Errorf("the token expires at %s", until)
	}
	who.Expires = nil
	if want := (&protowayv1.Identity{Id: "1", Name: "ada", Permissions: []string{"a", "b"}, Groups: []string{"staff"}}); !proto.Equal(who, want) {
		t.Errorf("%v, want %v", who, want)
	}
	s.login(p, "bob", "pw")
	if !s.is(p, "2").GetSuperuser() {
		t.Error("bob is no superuser")
	}
}

// TestLogout ends the tokens of a sign-in wherever they are used, and no others.
func TestLogout(t *testing.T) {
	s := open(t, auth.IssuerConfig{}, authentication.Attempts{}, authentication.HTTP{})
	p, elsewhere := s.dial("", ""), s.dial("", "")
	tokens := s.login(p, "ada", "pw")
	kept := s.login(elsewhere, "ada", "pw")
	same := s.dial("", tokens.GetToken())
	s.is(same, "1")
	if ack := p.Call(&protowayv1.Logout{}); ack.Ack.Error != nil {
		t.Fatal(ack.Ack.Error)
	}
	s.is(p, "")
	s.asked(same)
	s.is(same, "")
	s.is(elsewhere, "1")
	if len(p.Came()) != 0 {
		t.Errorf("whoever logged out is told %v", p.Came())
	}
	for name, token := range map[string]string{"the access token": tokens.GetToken(), "that of another sign-in": kept.GetToken()} {
		back := s.dial("", token)
		if name == "the access token" {
			s.asked(back)
			s.is(back, "")
		} else {
			s.is(back, "1")
		}
	}
	refresh := s.dial("", "").Call(&protowayv1.RefreshToken{RefreshToken: tokens.GetRefresh()})
	if refresh.Code() != status.Unauthenticated {
		t.Errorf("the refresh token: %v", refresh.Ack.Error)
	}
	// Whoever is nobody may bring the refresh token, good or not.
	stranger := s.dial("", "")
	for _, token := range []string{kept.GetRefresh(), "", "no token"} {
		if ack := stranger.Call(&protowayv1.Logout{RefreshToken: token}); ack.Ack.Error != nil {
			t.Errorf("%q: %v", token, ack.Ack.Error)
		}
	}
	s.asked(elsewhere)
}

// TestLogoutIsABarrier: what is behind it runs as nobody.
func TestLogoutIsABarrier(t *testing.T) {
	s := open(t, auth.IssuerConfig{}, authentication.Attempts{}, authentication.HTTP{})
	p := s.dial("", "")
	s.login(p, "ada", "pw")
	out, behind := p.Send(&protowayv1.Logout{}), p.Send(&protowayv1.VerifyToken{})
	if ack := p.AwaitAck(out); ack.Ack.Error != nil {
		t.Error(ack.Ack.Error)
	}
	if ack := p.AwaitAck(behind); ack.Code() != status.Unauthenticated {
		t.Errorf("behind the logout: %v", ack.Ack.Error)
	}
}

// TestLogoutWithoutRevocations signs out, and leaves the tokens.
func TestLogoutWithoutRevocations(t *testing.T) {
	s := start(t, auth.IssuerConfig{})
	conn := s.Dial(t)
	tokens, err := login(t, conn, "ada", "pw")
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Call(t.Context(), &protowayv1.Logout{RefreshToken: tokens.GetRefresh()}, nil); err != nil || user(t, conn) != "" {
		t.Errorf("%v", err)
	}
	if err := conn.Authenticate(t.Context(), tokens.GetToken()); err != nil || user(t, conn) != "1" {
		t.Errorf("the token: %v", err)
	}
}

// TestRotation: a refresh token is good for one use; the second one ends the
// sign-in, on the connections too.
func TestRotation(t *testing.T) {
	s := open(t, auth.IssuerConfig{ReuseGrace: -1}, authentication.Attempts{}, authentication.HTTP{})
	p := s.dial("", "")
	first := s.login(p, "ada", "pw")
	second := s.tokens(p.Call(&protowayv1.RefreshToken{RefreshToken: first.GetRefresh()}))
	third := s.tokens(p.Call(&protowayv1.RefreshToken{RefreshToken: second.GetRefresh()}))
	if second.GetRefresh() == first.GetRefresh() || third.GetRefresh() == second.GetRefresh() {
		t.Error("the refresh token stays the same")
	}
	s.is(p, "1")
	thief := s.dial("", "")
	for _, token := range []string{first.GetRefresh(), third.GetRefresh()} {
		if ack := thief.Call(&protowayv1.RefreshToken{RefreshToken: token}); ack.Code() != status.Unauthenticated {
			t.Errorf("a used token, or its successor after that: %v", ack.Ack.Error)
		}
	}
	s.asked(p)
	s.is(p, "")
	// Who must not sign in does not use a token up.
	fresh := s.login(p, "ada", "pw")
	s.users.SetActive("1", false)
	if ack := p.Call(&protowayv1.RefreshToken{RefreshToken: fresh.GetRefresh()}); ack.Code() != status.Unauthenticated {
		t.Errorf("deactivated: %v", ack.Ack.Error)
	}
	s.users.SetActive("1", true)
	s.tokens(p.Call(&protowayv1.RefreshToken{RefreshToken: fresh.GetRefresh()}))
}

// TestProtoSocketLogout: these clients need nothing new for it.
func TestProtoSocketLogout(t *testing.T) {
	s := open(t, auth.IssuerConfig{}, authentication.Attempts{}, authentication.HTTP{})
	p := testpeer.DialProtoSocket(t, s.url+"/ws", nil)
	say := func(kind, uuid, body string) {
		p.Say(`{"headers":{"messageType":"` + kind + `","ack":true,"uuid":"` + uuid + `"},"body":` + body + `}`)
	}
	say("login", "1", `{"username":"ada","password":"pw"}`)
	p.Expect(testpeer.ProtoSocketFrame("login-token", "1", map[string]any{"token": "*", "refresh": "*"}), testpeer.ProtoSocketAck("1", nil))
	say("authentication.logout", "2", "{}")
	p.Expect(testpeer.ProtoSocketAck("2", nil))
	say("authentication.who-am-i", "3", "{}")
	p.Expect(testpeer.ProtoSocketFrame("authentication.identity", "3", map[string]any{}), testpeer.ProtoSocketAck("3", nil))
	say("verify-token", "4", "{}")
	p.Expect(testpeer.ProtoSocketAck("4", map[string]any{"errorMessage": "*", "errorCode": 401.0}))
}
