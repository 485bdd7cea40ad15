package auth_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

func payloadOf(t *testing.T, token string) map[string]any {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestIssuerClaims(t *testing.T) {
	issuer := auth.NewIssuer(secret, auth.IssuerConfig{Clock: at(start.Add(time.Millisecond))})
	alice := &auth.User{
		ID: "alice", Name: "Alice", Superuser: true, TokenID: "old", Expires: start,
		Permissions: auth.NewSet("b", "a"), Groups: auth.NewSet("g"),
	}
	seconds := func(d time.Duration) float64 { return float64(start.Add(d).Unix()) }
	tests := []struct {
		name string
		sign func(*auth.User) (string, error)
		user *auth.User
		want map[string]any
	}{
		{"access", issuer.AccessToken, alice, map[string]any{
			"token_type": "access", "exp": seconds(5 * time.Minute), "iat": seconds(0), "user_id": "alice",
			"username": "Alice", "permissions": []any{"a", "b"}, "groups": []any{"g"}, "is_superuser": true,
		}},
		{"access of a user without rights", issuer.AccessToken, &auth.User{ID: "7"}, map[string]any{
			"token_type": "access", "exp": seconds(5 * time.Minute), "iat": seconds(0), "user_id": "7",
		}},
		{"refresh", issuer.RefreshToken, alice, map[string]any{
			"token_type": "refresh", "exp": seconds(24 * time.Hour), "iat": seconds(0), "user_id": "alice",
		}},
	}
	ids := map[string]bool{"old": true}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			token, err := test.sign(test.user)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(token, goldenHeader) {
				t.Errorf("header is not PyJWT's: %s", token)
			}
			claims := payloadOf(t, token)
			id, _ := claims["jti"].(string)
			if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(id) || ids[id] {
				t.Errorf("jti is %q", id)
			}
			ids[id] = true
			delete(claims, "jti")
			if diff := cmp.Diff(test.want, claims); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestIssuerAndVerifierAgree(t *testing.T) {
	issuer := auth.NewIssuer(secret, auth.IssuerConfig{Clock: at(start), AccessLifetime: time.Hour})
	alice := &auth.User{ID: "alice", Name: "Ålice", Permissions: auth.NewSet("p"), Groups: auth.NewSet("g")}
	access, err := issuer.AccessToken(alice)
	if err != nil {
		t.Fatal(err)
	}
	refresh, err := issuer.RefreshToken(alice)
	if err != nil {
		t.Fatal(err)
	}
	connection := auth.HS256(secret, auth.Clock(at(start)))
	exchange := auth.HS256(secret, auth.Clock(at(start)), auth.RefreshTokens())
	user, err := connection.Verify(t.Context(), access)
	if err != nil || !user.Same(alice) || !user.SamePolicy(alice) || user.Name != "Ålice" || !user.Expires.Equal(start.Add(time.Hour)) {
		t.Errorf("access token is of %+v, %v", user, err)
	}
	if user, err = exchange.Verify(t.Context(), refresh); err != nil || !user.Same(alice) || user.Permissions.Len() != 0 {
		t.Errorf("refresh token is of %+v, %v", user, err)
	}
	_, err = connection.Verify(t.Context(), refresh)
	wantRefusal(t, err, status.Unauthenticated, `it must be "access"`, refresh)
	_, err = exchange.Verify(t.Context(), access)
	wantRefusal(t, err, status.Unauthenticated, `it must be "refresh"`, access)
}

func TestIssuerRefuses(t *testing.T) {
	alice := &auth.User{ID: "alice"}
	many := make([]string, 500)
	for n := range many {
		many[n] = fmt.Sprintf("app.permission_%d", n)
	}
	good := auth.NewIssuer(secret, auth.IssuerConfig{})
	tests := []struct {
		name   string
		issuer *auth.Issuer
		user   *auth.User
		text   string
	}{
		{"anonymous", good, auth.Anonymous, "a token needs a user"},
		{"nobody", good, nil, "a token needs a user"},
		{"an id that JSON would change", good, &auth.User{ID: "a\xff"}, "invalid UTF-8"},
		{"more than verifiers take", good, &auth.User{ID: "alice", Permissions: auth.NewSet(many...)}, "too many permissions"},
		{"short secret", auth.NewIssuer(secret[:31], auth.IssuerConfig{}), alice, "tokens cannot be signed"},
		{"negative lifetime", auth.NewIssuer(secret, auth.IssuerConfig{AccessLifetime: -1}), alice, "tokens cannot be signed"},
		{"zero issuer", &auth.Issuer{}, alice, "tokens cannot be signed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			token, err := test.issuer.AccessToken(test.user)
			wantRefusal(t, err, status.Internal, test.text, "")
			if token != "" {
				t.Error("a token comes with the error")
			}
			if bad := test.issuer != good; bad != (test.issuer.Check() != nil) {
				t.Errorf("check says %v", test.issuer.Check())
			}
		})
	}
}
