package authentication_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/gatewaytest"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/receivers/authentication"
	"github.com/protoway/protoway/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	secret = []byte("0123456789abcdef0123456789abcdef")
	ada    = auth.User{ID: "1", Name: "ada", Groups: auth.NewSet("staff")}
)

// server is a gateway whose clients can sign in.
type server struct {
	*gatewaytest.Server
	users  *auth.MemoryUsers
	issuer *auth.Issuer
}

func start(t *testing.T, lives auth.IssuerConfig) *server {
	t.Helper()
	users, err := auth.NewMemoryUsers(
		auth.Account{User: ada, Password: auth.HashPassword("pw", 10)},
		auth.Account{User: auth.User{ID: "2", Name: "bob"}, Password: auth.HashPassword("pw", 10)})
	if err != nil {
		t.Fatal(err)
	}
	issuer := auth.NewIssuer(secret, lives)
	whoAmI := receivers.Reply(func(ctx context.Context, _ *testv1.WhoAmI) (*testv1.You, error) {
		return &testv1.You{User: consumer.From(ctx).User().ID}, nil
	})
	return &server{users: users, issuer: issuer, Server: gatewaytest.New(t, protoway.Config{
		Verifier: auth.Current(issuer.Verifier(), users),
		Paths: map[string]protoway.Path{"/ws": {Receivers: []receivers.Receiver{
			authentication.New(authentication.Config{Issuer: issuer, Users: users}), whoAmI,
		}}},
	})}
}

// user returns who a connection is.
func user(t *testing.T, conn *gatewaytest.Conn) string {
	t.Helper()
	you := &testv1.You{}
	if err := conn.Call(t.Context(), &testv1.WhoAmI{}, you); err != nil {
		t.Fatal(err)
	}
	return you.GetUser()
}

func login(t *testing.T, conn *gatewaytest.Conn, name, password string) (*protowayv1.LoginToken, error) {
	t.Helper()
	tokens := &protowayv1.LoginToken{}
	return tokens, conn.Call(t.Context(), &protowayv1.Login{Username: name, Password: password}, tokens)
}

// TestLogin: the connection is the user at once, and so is another one with the
// token.
func TestLogin(t *testing.T) {
	s := start(t, auth.IssuerConfig{})
	conn := s.Dial(t)
	if err := conn.Call(t.Context(), &protowayv1.VerifyToken{}, nil); status.CodeOf(err) != status.Unauthenticated {
		t.Errorf("verify-token of nobody: %v", err)
	}
	tokens, err := login(t, conn, "ada", "pw")
	if err != nil {
		t.Fatal(err)
	}
	if got := user(t, conn); got != "1" {
		t.Errorf("after the login the connection is %q", got)
	}
	if err := conn.Call(t.Context(), &protowayv1.VerifyToken{}, nil); err != nil {
		t.Error(err)
	}
	other := s.Dial(t)
	if err := other.Authenticate(t.Context(), tokens.GetToken()); err != nil || user(t, other) != "1" {
		t.Errorf("the token on another connection: %v", err)
	}
	if err := other.Authenticate(t.Context(), tokens.GetRefresh()); status.CodeOf(err) != status.Unauthenticated {
		t.Errorf("the refresh token as access token: %v", err)
	}
	// Another login on the same connection is another user.
	if _, err := login(t, conn, "bob", "pw"); err != nil || user(t, conn) != "2" {
		t.Errorf("the second login: %v", err)
	}
}

// TestFailedLogin says why in its details, and changes nothing.
func TestFailedLogin(t *testing.T) {
	s := start(t, auth.IssuerConfig{})
	conn := s.Dial(t)
	if _, err := login(t, conn, "bob", "pw"); err != nil {
		t.Fatal(err)
	}
	_, err := login(t, conn, "ada", "wrong")
	failure := status.From(err)
	if failure == nil || failure.Code != status.Unauthenticated || len(failure.Details) != 1 {
		t.Fatalf("%v with details %v", err, failure.Details)
	}
	detail, err := failure.Details[0].UnmarshalNew()
	if told, ok := detail.(*protowayv1.LoginError); err != nil || !ok || told.GetErrorCode() != "login-error" || told.GetErrorText() != failure.Text {
		t.Errorf("the detail is %v, %v", detail, err)
	}
	if got := user(t, conn); got != "2" {
		t.Errorf("after a failed login the connection is %q", got)
	}
}

// TestRefresh: a refresh token signs in anew, until its user must not.
func TestRefresh(t *testing.T) {
	s := start(t, auth.IssuerConfig{})
	tokens, err := login(t, s.Dial(t), "ada", "pw")
	if err != nil {
		t.Fatal(err)
	}
	conn, fresh := s.Dial(t), &protowayv1.LoginToken{}
	if err := conn.Call(t.Context(), &protowayv1.RefreshToken{RefreshToken: tokens.GetRefresh()}, fresh); err != nil {
		t.Fatal(err)
	}
	if fresh.GetToken() == tokens.GetToken() || fresh.GetRefresh() != tokens.GetRefresh() || user(t, conn) != "1" {
		t.Error("the refresh did not sign in with a fresh token")
	}
	refuse := func(why, token string) {
		t.Helper()
		err := s.Dial(t).Call(t.Context(), &protowayv1.RefreshToken{RefreshToken: token}, fresh)
		if failure := status.From(err); failure == nil || failure.Code != status.Unauthenticated || len(failure.Details) != 1 ||
			!failure.Details[0].MessageIs(&protowayv1.RefreshTokenInvalid{}) || strings.Contains(failure.Text, token) && token != "" {
			t.Errorf("%s: %v", why, err)
		}
	}
	refuse("an access token", tokens.GetToken())
	refuse("nothing", "")
	refuse("another signature", tokens.GetRefresh()[:len(tokens.GetRefresh())-4]+"AAAA")
	s.users.SetActive("1", false)
	refuse("a deactivated user", tokens.GetRefresh())
}

// TestLoginExpires: who logged in stays as long as the token is good.
func TestLoginExpires(t *testing.T) {
	s := start(t, auth.IssuerConfig{AccessLifetime: time.Second})
	conn := s.Dial(t)
	if _, err := login(t, conn, "ada", "pw"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); user(t, conn) != ""; <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the login does not end")
		}
	}
}

// TestStoreIsDown: that a password cannot be checked is not that it is wrong.
func TestStoreIsDown(t *testing.T) {
	issuer := auth.NewIssuer(secret, auth.IssuerConfig{})
	s := gatewaytest.New(t, protoway.Config{Paths: map[string]protoway.Path{"/ws": {Receivers: []receivers.Receiver{
		authentication.New(authentication.Config{Issuer: issuer, Users: down{}}),
	}}}})
	_, err := login(t, s.Dial(t), "ada", "pw")
	if failure := status.From(err); failure == nil || failure.Code != status.Unavailable || len(failure.Details) != 0 {
		t.Error(err)
	}
}

// down is a store that is not reachable.
type down struct{ auth.Users }

func (down) Login(context.Context, string, string) (*auth.User, error) {
	return nil, status.Unavailable.Errorf("the database is down")
}

func TestConfigIsChecked(t *testing.T) {
	for want, config := range map[string]authentication.Config{
		"needs Issuer and Users": {},
		"at least 32 are needed": {Issuer: auth.NewIssuer([]byte("short"), auth.IssuerConfig{}), Users: &auth.MemoryUsers{}},
	} {
		_, err := protoway.New(protoway.Config{Paths: map[string]protoway.Path{"/ws": {Receivers: []receivers.Receiver{authentication.New(config)}}}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestTokenView(t *testing.T) {
	issuer := auth.NewIssuer(secret, auth.IssuerConfig{})
	view := authentication.TokenView(issuer, func(r *http.Request) (*auth.User, error) {
		switch r.Header.Get("Cookie") {
		case "ada":
			return &ada, nil
		case "down":
			return nil, errors.New("dial tcp: the secret address of the database")
		default:
			return nil, nil
		}
	})
	for _, c := range []struct {
		method, cookie string
		want           int
	}{
		{http.MethodGet, "ada", 200},
		{http.MethodPost, "ada", 200},
		{http.MethodGet, "", 401},
		{http.MethodPut, "ada", 405},
		{http.MethodGet, "down", 500},
	} {
		request := httptest.NewRequestWithContext(t.Context(), c.method, "/token", nil)
		request.Header.Set("Cookie", c.cookie)
		response := httptest.NewRecorder()
		view.ServeHTTP(response, request)
		body := response.Body.String()
		if response.Code != c.want || response.Header().Get("Cache-Control") != "no-store" || strings.Contains(body, "secret address") {
			t.Errorf("%s %q: %d %q", c.method, c.cookie, response.Code, body)
		}
		if c.want != http.StatusOK {
			continue
		}
		if user, err := issuer.Verifier().Verify(t.Context(), body); err != nil || user.ID != "1" {
			t.Errorf("the token says %+v, %v", user, err)
		}
	}
}
