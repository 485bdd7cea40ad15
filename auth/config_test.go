package auth_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

func TestJWTConfigClaims(t *testing.T) {
	strict := auth.JWTConfig{Issuer: "https://issuer.example", Audience: []string{"gateway", "other"}, Required: []string{"jti", "nonce"}}
	full := `,"iss":"https://issuer.example","aud":["x","gateway"],"nonce":"n"`
	open := auth.JWTConfig{NoTokenType: true}
	tests := []struct {
		name   string
		config auth.JWTConfig
		more   string
		text   string // empty: accepted
	}{
		{"all there", strict, full, ""},
		{"aud one string", strict, full + `,"aud":"other"`, ""},
		{"no iss", strict, full + `,"iss":null`, `wrong iss: the token must be of the issuer "https://issuer.example"`},
		{"another iss", strict, full + `,"iss":"https://issuer.example/"`, "wrong iss"},
		{"iss a list", strict, full + `,"iss":["https://issuer.example"]`, "iss is not a string"},
		{"no aud", strict, full + `,"aud":null`, "wrong aud: the token must be for gateway or other"},
		{"empty aud", strict, full + `,"aud":[]`, "wrong aud"},
		{"another aud", strict, full + `,"aud":"gateway2"`, "wrong aud"},
		{"aud a number", strict, full + `,"aud":7`, "aud is not a list"},
		{"required missing", strict, full + `,"nonce":null`, "nonce is missing"},
		{"no token_type", auth.JWTConfig{}, `,"token_type":null`, `wrong token_type: it must be "access"`},
		{"no token_type, allowed", open, `,"token_type":null`, ""},
		{"refresh token all the same", open, `,"token_type":"refresh"`, "wrong token_type"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.config.Keys, test.config.Clock = []auth.Key{auth.SecretKey(secret)}, at(start)
			token := signHS256(claimsWith(test.more))
			user, err := auth.NewJWT(test.config).Verify(t.Context(), token)
			if test.text != "" {
				wantRefusal(t, err, status.Unauthenticated, test.text, token)
			} else if err != nil || user.ID != "alice" {
				t.Errorf("%v, %v", user, err)
			}
		})
	}
}

func TestClaimNames(t *testing.T) {
	names := auth.ClaimNames{
		User: []string{"ext.uid", "sub"}, Name: "preferred_username", Permissions: "scope",
		Groups: "realm_access.roles", Superuser: "https://a.example/admin",
	}
	const who = `,"user_id":null,"sub":"s","preferred_username":"Al","scope":"b a  b","realm_access":{"roles":["r"]},"https://a.example/admin":true`
	tests := []struct{ name, more, id, text string }{
		{"all there", who, "s", ""},
		{"first id", who + `,"ext":{"uid":7}`, "7", ""},
		{"no id", who + `,"sub":null`, "", "ext.uid or sub is missing"},
		{"a claim with a point goes first", who + `,"ext.uid":"pointed","ext":{"uid":7}`, "pointed", ""},
		{"roles no list", who + `,"realm_access":{"roles":"r"}`, "", "realm_access.roles is not a list"},
		{"way through a string", who + `,"realm_access":"x"`, "s", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			verifier := auth.NewJWT(auth.JWTConfig{Keys: []auth.Key{auth.SecretKey(secret)}, Claims: names, Clock: at(start)})
			user, err := verifier.Verify(t.Context(), signHS256(claimsWith(test.more)))
			if test.text != "" {
				wantRefusal(t, err, status.Unauthenticated, test.text, "")
				return
			}
			if err != nil || user.ID != test.id || user.Name != "Al" || !user.Superuser || !slices.Equal(user.Permissions.Names(), []string{"a", "b"}) {
				t.Fatalf("%+v, %v", user, err)
			}
			if user.Groups.Has("r") == strings.Contains(test.name, "string") {
				t.Errorf("groups are %q", user.Groups.Names())
			}
		})
	}
	byDefault := auth.NewJWT(auth.JWTConfig{Keys: []auth.Key{auth.SecretKey(secret)}, Clock: at(start)})
	for more, id := range map[string]string{``: "alice", `,"user_id":null,"sub":"s","id":"i"`: "s", `,"user_id":null,"id":9`: "9"} {
		user, err := byDefault.Verify(t.Context(), signHS256(claimsWith(more)))
		if err != nil || user.ID != id {
			t.Errorf("%s: %v, %v", more, user, err)
		}
	}
}

func TestByIssuer(t *testing.T) {
	asked := ""
	spy := func(name string, verifier auth.Verifier) auth.Verifier {
		return auth.VerifierFunc(func(ctx context.Context, token string) (*auth.User, error) {
			asked += name
			return verifier.Verify(ctx, token)
		})
	}
	of := func(issuer string, key auth.Key) *auth.JWT {
		return auth.NewJWT(auth.JWTConfig{Keys: []auth.Key{key}, Issuer: issuer, Clock: at(start)})
	}
	verifier := auth.ByIssuer(map[string]auth.Verifier{
		"a": spy("a", of("a", auth.PEMKey(publicPEM("rsa")))), "b": spy("b", of("b", auth.SecretKey(other))),
		"": spy("-", auth.HS256(secret, auth.Clock(at(start)))),
	})
	rs := func(more string) string {
		return signWith(t, "RS256", `{"alg":"RS256"}`, claimsWith(more), keyring()["rsa"])
	}
	hs := func(key []byte, more string) string { return signWith(t, "HS256", headerHS256, claimsWith(more), key) }
	tests := []struct{ name, token, asked, text string }{
		{"a", rs(`,"iss":"a"`), "a", ""},
		{"b", "Bearer " + hs(other, `,"iss":"b"`), "b", ""},
		{"none", hs(secret, ``), "-", ""},
		{"null", hs(secret, `,"iss":null`), "-", ""},
		{"a signs for b", rs(`,"iss":"b"`), "b", "algorithm is not accepted"},
		{"b signs for a", hs(other, `,"iss":"a"`), "a", "algorithm is not accepted"},
		{"b signs for none", hs(other, ``), "-", "bad signature"},
		{"two claims", hs(other, `,"iss":"b","iss":"a"`), "a", "algorithm is not accepted"},
		{"another case", hs(other, `,"ISS":"b"`), "-", "bad signature"},
		{"unknown", hs(other, `,"iss":"c"`), "", "tokens of this issuer are not accepted"},
		{"a number", hs(other, `,"iss":7`), "", "iss is not a string"},
		{"garbage", "a.b.c", "", "not a token"},
		{"two parts", "a.b", "", "not a token"},
		{"empty", "", "", "token is empty"},
		{"long", strings.Repeat("x", 9000), "", "token is too long"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			asked = ""
			user, err := verifier.Verify(t.Context(), test.token)
			if asked != test.asked {
				t.Errorf("asked %q", asked)
			}
			if test.text != "" {
				wantRefusal(t, err, status.Unauthenticated, test.text, test.token)
			} else if err != nil || user.ID != "alice" {
				t.Errorf("%v, %v", user, err)
			}
		})
	}
	bad := auth.ByIssuer(map[string]auth.Verifier{"a": of("b", auth.SecretKey(secret)), "n": nil, "s": auth.HS256(nil), "c": auth.First()})
	for _, text := range []string{`of the issuer "a" accepts only those of "b"`, `issuer "n" is nil`, "0 bytes", "First has no verifier"} {
		if err := bad.(auth.Checker).Check(); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("check says %v", err)
		}
	}
	if auth.ByIssuer(nil).(auth.Checker).Check() == nil {
		t.Error("no issuers pass")
	}
}
