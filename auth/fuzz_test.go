package auth_test

import (
	"crypto/sha256"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

// FuzzVerify verifies arbitrary tokens, and arbitrary claims well signed.
func FuzzVerify(f *testing.F) {
	for _, payload := range []string{
		claimsWith(""), claimsWith(`,"user_id":12,"nbf":0,"permissions":["a","\ud800"],"groups":["g"],"is_superuser":true`),
		`{"exp":1e300}`, `null`, `[]`, `{"user_id":{"a":[1]}}`, claimsWith(`,"exp":1767225600.5,"username":null`),
	} {
		f.Add(signHS256(payload), headerHS256, payload)
	}
	f.Add(goldenNumber, `{"alg":"none"}`, "")
	f.Add("Bearer a.b.c", `{"alg":"HS256","crit":[]}`, "{}")
	verifier := auth.HS256(secret, auth.Clock(at(start)))
	issuer := auth.NewIssuer(secret, auth.IssuerConfig{Clock: at(start)})
	f.Fuzz(func(t *testing.T, token, header, payload string) {
		for _, token := range []string{token, sign(header, payload, sha256.New, secret)} {
			user, err := verifier.Verify(t.Context(), token)
			switch {
			case err != nil && (user != nil || status.CodeOf(err) != status.Unauthenticated):
				t.Fatalf("refusal is %v with %+v", err, user)
			case err != nil && len(token) > 200 && strings.Contains(err.Error(), token):
				t.Fatalf("the refusal shows the token: %v", err)
			case err == nil:
				checkAccepted(t, verifier, issuer, user)
			}
		}
	})
}

// checkAccepted asserts that an accepted user is somebody, and that a token
// issued for that user is verified to be the same.
func checkAccepted(t *testing.T, verifier auth.Verifier, issuer *auth.Issuer, user *auth.User) {
	t.Helper()
	if !user.SignedIn() || user.Expired(start) || user.Expires.IsZero() || user.IssuedAt.After(start) {
		t.Fatalf("accepted %+v", user)
	}
	token, err := issuer.AccessToken(user)
	if err != nil {
		if !strings.Contains(err.Error(), "too long") {
			t.Fatal(err)
		}
		return
	}
	again, err := verifier.Verify(t.Context(), token)
	if err != nil || !again.Same(user) || !again.SamePolicy(user) || again.Name != user.Name {
		t.Fatalf("%+v became %+v, %v", user, again, err)
	}
}

// FuzzTokenFromRequest reads arbitrary headers and queries, and checks that no
// token is left in what may be echoed or logged.
func FuzzTokenFromRequest(f *testing.F) {
	f.Add("Bearer abc", "token=abc", "protoway.v1, protoway.token.abc")
	f.Add("basic x", "a=b;token=x&%zz=1?to%6ben=y", "Protoway.Token.x y")
	f.Add("bearer", "token=Bearer+abc&token", ",,")
	f.Fuzz(func(t *testing.T, authorization, query, protocol string) {
		r := &http.Request{URL: &url.URL{Path: "/ws", RawQuery: query}, Header: http.Header{
			"Authorization": {authorization}, wsProtocol: {protocol},
		}}
		token, err := auth.TokenFromRequest(r)
		if err != nil && (token != "" || status.CodeOf(err) != status.InvalidArgument) {
			t.Fatalf("token %q, error %v", token, err)
		}
		for _, entry := range auth.Subprotocols(r) {
			if strings.HasPrefix(strings.ToLower(entry), auth.SubprotocolPrefix) || strings.TrimSpace(entry) != entry || entry == "" {
				t.Fatalf("subprotocol %q is offered", entry)
			}
		}
		shown := auth.Redact(r)
		parsed, err := url.Parse(shown)
		if err != nil {
			return // control characters, which net/http refuses before
		}
		for _, value := range parsed.Query()["token"] {
			if value != "redacted" {
				t.Fatalf("%q is shown as %q", query, shown)
			}
		}
	})
}
