package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/config"
	"github.com/protoway/protoway/status"
)

// keyPair returns a private and a public key in PEM.
func keyPair(t *testing.T) (private, public string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secretDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	publicDER, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return text("PRIVATE KEY", secretDER), text("PUBLIC KEY", publicDER)
}

// verifies reports whether the verifier of a configuration accepts a token.
func verifies(t *testing.T, settings *config.Settings, issuer *auth.Issuer) error {
	t.Helper()
	made, err := settings.Server(protoway.Config{})
	if err != nil {
		t.Fatal(err)
	}
	token, err := issuer.AccessToken(&auth.User{ID: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = made.Verifier.Verify(t.Context(), token)
	return err
}

func TestPublicKeyFile(t *testing.T) {
	private, public := keyPair(t)
	issuer := func(name, audience string) *auth.Issuer {
		return auth.NewIssuer(nil, auth.IssuerConfig{Signer: auth.PEMSigner([]byte(private)), Name: name, Audience: []string{audience}})
	}
	settings := read(t, "", "PROTOWAY_AUTH_PUBLIC_KEY_FILE="+write(t, "key.pem", public), "PROTOWAY_AUTH_ALGORITHMS=ES256,RS256",
		"PROTOWAY_AUTH_ISSUER=me", "PROTOWAY_AUTH_AUDIENCE=a, b")
	if err := verifies(t, settings, issuer("me", "b")); err != nil {
		t.Error(err)
	}
	for _, other := range []*auth.Issuer{issuer("you", "a"), issuer("me", "c"), auth.NewIssuer([]byte(longSecret), auth.IssuerConfig{})} {
		if err := verifies(t, settings, other); status.CodeOf(err) != status.Unauthenticated {
			t.Errorf("another token: %v", err)
		}
	}
}

func TestSecretAndPublicKeys(t *testing.T) {
	private, public := keyPair(t)
	settings := read(t, "auth: {secret: '"+longSecret+"'}", "PROTOWAY_AUTH_PUBLIC_KEY_FILE="+write(t, "key.pem", public))
	for _, issuer := range []*auth.Issuer{
		auth.NewIssuer([]byte(longSecret), auth.IssuerConfig{}),
		auth.NewIssuer(nil, auth.IssuerConfig{Signer: auth.PEMSigner([]byte(private))}),
	} {
		if err := verifies(t, settings, issuer); err != nil {
			t.Error(err)
		}
	}
}

func TestClaimsOfSettings(t *testing.T) {
	settings := read(t, `auth: {secret: '`+longSecret+`', user_claims: [sub, jti], permissions_claim: iss, groups_claim: a.b, no_token_type: true}`)
	token, err := auth.NewIssuer([]byte(longSecret), auth.IssuerConfig{}).AccessToken(&auth.User{ID: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	user, err := settings.Verifier().Verify(t.Context(), token)
	if err != nil || user.ID != user.TokenID {
		t.Errorf("%+v, %v", user, err)
	}
}

func TestJWKSOfSettings(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	settings := read(t, fmt.Sprintf("auth: {jwks_url: %s, any_audience: true}", web.URL))
	private, _ := keyPair(t)
	err := verifies(t, settings, auth.NewIssuer(nil, auth.IssuerConfig{Signer: auth.PEMSigner([]byte(private))}))
	if status.CodeOf(err) != status.Unavailable {
		t.Errorf("a set that is not there: %v", err)
	}
}

func TestKeysThatDoNotFit(t *testing.T) {
	private, public := keyPair(t)
	publicFile := "public_key_file: " + write(t, "key.pem", public)
	for file, want := range map[string]string{
		"auth: {jwks_url: https://a.example/jwks}":                      "auth.jwks_url: needs auth.audience",
		"auth: {jwks_url: http://a.example/jwks, audience: a}":          "use https",
		"auth: {jwks_url: a.example, audience: a}":                      "auth.jwks_url: expected a URL",
		"auth: {algorithms: [none]}":                                    `expected some of HS256`,
		"auth: {algorithms: RS256, secret: '" + longSecret + "'}":       "auth.algorithms: none is for auth.secret",
		"auth: {algorithms: HS256, " + publicFile + "}":                 "auth.algorithms: none is for public keys",
		"auth: {algorithms: RS256, " + publicFile + "}":                 "a key for ES256, which is not among",
		"auth: {algorithms: HS512, secret: '" + longSecret + "'}":       "at least 64 are needed",
		"auth: {public_key_file: " + write(t, "key.pem", private) + "}": "a private key does not belong here",
		"auth: {public_key_file: /nowhere}":                             "there is no such file",
		"auth: {audience: [a, '']}":                                     "expected words without spaces",
	} {
		_, err := config.Read("protoway.yaml", strings.NewReader(file), nil)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "protoway.yaml:1:") {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestListsAreWrittenAndRead(t *testing.T) {
	settings := read(t, "auth: {issuer: me, audience: [a, b], user_claims: [sub, id]}")
	var out strings.Builder
	if err := settings.Write(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"  issuer: me #", "  audience: a, b #", "  user_claims: sub, id #"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
