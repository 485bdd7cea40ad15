package auth_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

// FuzzVerifyKeys verifies arbitrary tokens, and arbitrary headers and claims signed
// with a private key, by keys of all kinds at once.
func FuzzVerifyKeys(f *testing.F) {
	for algorithm, key := range keyOf {
		f.Add(signed(f, algorithm, key, ""), `{"alg":"EdDSA","kid":"`+key+`"}`, claimsWith(`,"iss":"ed","aud":["a"]`))
	}
	f.Add(goldenNumber, `{"alg":"none"}`, claimsWith(`,"iss":null`))
	f.Add("a.e30.c", `{"alg":"HS256","jwk":{}}`, claimsWith(`,"iss":{},"user_id":{"a":{"b":"c"}},"a.b":{"c":[1]}`))
	f.Add("a.W10.c", `{"alg":"EdDSA","kid":7}`, `{"sub":"s","exp":1767225900,"token_type":"access","iat":1767225600,"jti":"019b7700000070008000000000000000"}`)
	keys := []auth.Key{auth.SecretKey(secret, auth.KeyID("secret"))}
	for _, name := range []string{"rsa", "p256", "p384", "p521", "ed25519"} {
		keys = append(keys, auth.PEMKey(publicPEM(name), auth.KeyID(name)))
	}
	all := auth.NewJWT(auth.JWTConfig{Keys: keys, Clock: at(start), Claims: auth.ClaimNames{User: []string{"user_id", "a.b.c", "sub"}, Groups: "a.b", Permissions: "scope"}})
	verifier := auth.ByIssuer(map[string]auth.Verifier{"": all, "ed": all})
	forged := auth.NewJWT(auth.JWTConfig{Keys: keys[:5], Clock: at(start)}) // without Ed25519
	f.Fuzz(func(t *testing.T, token, header, payload string) {
		for _, token := range []string{token, signWith(t, "EdDSA", header, payload, keyring()["ed25519"])} {
			for _, verifier := range []auth.Verifier{verifier, all} {
				user, err := verifier.Verify(t.Context(), token)
				switch {
				case err != nil && (user != nil || status.CodeOf(err) != status.Unauthenticated):
					t.Fatalf("refusal is %v with %+v", err, user)
				case err != nil && len(token) > 200 && strings.Contains(err.Error(), token):
					t.Fatalf("the refusal shows the token: %v", err)
				case err == nil && (!user.SignedIn() || user.Expired(start)):
					t.Fatalf("accepted %+v", user)
				}
			}
		}
		if user, err := forged.Verify(t.Context(), signWith(t, "EdDSA", header, payload, keyring()["ed25519"])); err == nil {
			t.Fatalf("accepted %+v with a key that is not known", user)
		}
	})
}

// answers is a transport that answers with fixed bytes.
type answers []byte

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Body: io.NopCloser(bytes.NewReader(a)), Request: r}, nil
}

// FuzzKeys reads arbitrary key sets and PEM texts: whatever they have, no token with
// a MAC is good.
func FuzzKeys(f *testing.F) {
	for _, key := range keyOf {
		f.Add([]byte(jwksOf(jwkOf(key, "k", nil))), `,"kid":"k"`)
		f.Add(publicPEM(key), "")
		f.Add(privatePEM(key), "")
	}
	f.Add([]byte(jwksOf(map[string]any{"kty": "oct", "k": "AAAA"})), "")
	f.Add(certificatePEM("p256"), "")
	f.Fuzz(func(t *testing.T, text []byte, header string) {
		mac := signWith(t, "HS256", `{"alg":"HS256"`+header+`}`, claimsWith(""), text)
		set := auth.JWKS("https://issuer.example", auth.JWKSConfig{Client: &http.Client{Transport: answers(text)}})
		for _, key := range []auth.Key{set, auth.PEMKey(text)} {
			verifier := auth.NewJWT(auth.JWTConfig{Keys: []auth.Key{key}, AnyAudience: true, Clock: at(start)})
			for _, token := range []string{mac, signed(t, "EdDSA", "ed25519", "")} {
				user, err := verifier.Verify(t.Context(), token)
				if (user == nil) == (err == nil) {
					t.Fatalf("%+v, %v", user, err)
				}
				if token == mac && err == nil {
					t.Fatal("a MAC is good")
				}
			}
		}
		if issuer := auth.NewIssuer(nil, auth.IssuerConfig{Signer: auth.PEMSigner(text)}); issuer.Check() == nil {
			if _, _, err := issuer.Tokens(&auth.User{ID: "alice"}); err != nil {
				t.Fatalf("a key that was checked does not sign: %v", err)
			}
		}
	})
}
