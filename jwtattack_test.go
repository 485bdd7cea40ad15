package protoway_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/internal/testpeer"
	"github.com/protoway/protoway/status"
)

// issuerOfTokens is who signs: with an RSA key that it publishes, too.
type issuerOfTokens struct {
	key    *rsa.PrivateKey
	public []byte // PEM
	set    string // JWKS
	down   atomic.Bool
	url    string
}

func newIssuerOfTokens(t *testing.T) *issuerOfTokens {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	i := &issuerOfTokens{key: key, public: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})}
	i.set = fmt.Sprintf(`{"keys":[{"kty":"RSA","kid":"k1","use":"sig","alg":"RS256","n":%q,"e":"AQAB"}]}`,
		base64.RawURLEncoding.EncodeToString(key.N.Bytes()))
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if i.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write([]byte(i.set))
	}))
	t.Cleanup(web.Close)
	i.url = web.URL
	return i
}

// claims of alice, with more behind.
func claims(more string) string {
	now := time.Now()
	return fmt.Sprintf(`{"token_type":"access","exp":%d,"iat":%d,"jti":"1","iss":"me","aud":"gateway","user_id":"alice"%s}`,
		now.Add(time.Hour).Unix(), now.Unix(), more)
}

func unsigned(header, payload string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(header)) + "." + encode([]byte(payload))
}

func (i *issuerOfTokens) sign(t *testing.T, key *rsa.PrivateKey, header, payload string) string {
	t.Helper()
	token := unsigned(header, payload)
	sum := sha256.Sum256([]byte(token))
	signed, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return token + "." + base64.RawURLEncoding.EncodeToString(signed)
}

func maced(key []byte, header, payload string) string {
	token := unsigned(header, payload)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(token))
	return token + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// attacks are tokens that nobody signed who may, or not for here.
func (i *issuerOfTokens) attacks(t *testing.T) map[string]string {
	t.Helper()
	mine, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(unsigned(`{"alg":"ES256"}`, claims(""))))
	r, s, err := ecdsa.Sign(rand.Reader, curve, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	es := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	good := i.sign(t, i.key, `{"alg":"RS256","kid":"k1"}`, claims(""))
	parts := strings.Split(good, ".")
	jwk, err := json.Marshal(map[string]string{"kty": "RSA", "n": base64.RawURLEncoding.EncodeToString(mine.N.Bytes()), "e": "AQAB"})
	if err != nil {
		t.Fatal(err)
	}
	own := func(header string) string {
		return i.sign(t, mine, `{"alg":"RS256","kid":"k1"`+header+`}`, claims(""))
	}
	signed := func(header, more string) string {
		return i.sign(t, i.key, `{"alg":"RS256","kid":"k1"`+header+`}`, claims(more))
	}
	return map[string]string{
		"none":                     unsigned(`{"alg":"none"}`, claims("")) + ".",
		"None":                     unsigned(`{"alg":"None"}`, claims("")) + ".",
		"NONE, with a signature":   unsigned(`{"alg":"NONE"}`, claims("")) + "." + parts[2],
		"no algorithm":             unsigned(`{}`, claims("")) + ".",
		"RS to HS":                 maced(i.public, `{"alg":"HS256","kid":"k1"}`, claims("")),
		"empty secret":             maced(nil, `{"alg":"HS256"}`, claims("")),
		"kid of a file":            maced(nil, `{"alg":"HS256","kid":"/dev/null"}`, claims("")),
		"kid of SQL":               maced([]byte("1"), `{"alg":"HS256","kid":"x' UNION SELECT '1"}`, claims("")),
		"kid of nothing":           i.sign(t, mine, `{"alg":"RS256","kid":"nothing"}`, claims("")),
		"kid no text":              i.sign(t, mine, `{"alg":"RS256","kid":["k1"]}`, claims("")),
		"another key":              own(""),
		"jwk":                      own(`,"jwk":` + string(jwk)),
		"jku":                      own(`,"jku":"` + i.url + `"`),
		"x5u":                      own(`,"x5u":"` + i.url + `"`),
		"x5c":                      own(`,"x5c":["MIIB"]`),
		"ES256":                    unsigned(`{"alg":"ES256"}`, claims("")) + "." + base64.RawURLEncoding.EncodeToString(es),
		"crit":                     signed(`,"crit":["x"],"x":1`, ""),
		"payload changed":          parts[0] + "." + strings.Split(signed("", `,"is_superuser":true`), ".")[1] + "." + parts[2],
		"signature cut":            good[:len(good)-8],
		"expired":                  signed("", `,"exp":1700000000`),
		"never expires":            signed("", `,"exp":null`),
		"not yet":                  signed("", `,"nbf":4000000000`),
		"refresh token":            signed("", `,"token_type":"refresh"`),
		"another issuer":           signed("", `,"iss":"you"`),
		"for another":              signed("", `,"aud":"elsewhere"`),
		"too long":                 signed("", `,"x":"`+strings.Repeat("x", auth.MaxTokenBytes)+`"`),
		"five parts, as encrypted": good + ".." + parts[2],
	}
}

// TestAttacksOnTokens brings each forged token over a WebSocket, at Hello and on an
// open connection, to servers whose keys are a PEM and a JWKS.
func TestAttacksOnTokens(t *testing.T) {
	issuer := newIssuerOfTokens(t)
	attacks := issuer.attacks(t)
	good := issuer.sign(t, issuer.key, `{"alg":"RS256","kid":"k1"}`, claims(""))
	for name, key := range map[string]auth.Key{
		"PEM":  auth.PEMKey(issuer.public, auth.KeyID("k1")),
		"JWKS": auth.JWKS(issuer.url, auth.JWKSConfig{}),
	} {
		t.Run(name, func(t *testing.T) {
			verifier := auth.NewJWT(auth.JWTConfig{Keys: []auth.Key{key}, Issuer: "me", Audience: []string{"gateway"}})
			_, url := start(t, protoway.Config{Verifier: verifier}, whoAmI())
			p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
			id := uint64(1000)
			for attack, token := range attacks {
				id += 2
				ok(t, authenticate(p, id, good))
				ack := authenticate(p, id+1, token)
				if ack.Code() != status.Unauthenticated || len(token) > 100 && strings.Contains(fmt.Sprint(ack.Ack), token[len(token)-50:]) {
					t.Errorf("%s: %v", attack, ack.Ack)
				}
				mustBe(t, p, "")
				if len(token) > auth.MaxTokenBytes {
					continue // no header is that long
				}
				header := http.Header{"Authorization": {"Bearer " + token}}
				mustBe(t, testpeer.Dial(t, url, testpeer.Options{Header: header}, fromServer...), "")
			}
			ok(t, authenticate(p, 999, good))
			mustBe(t, p, "alice")
		})
	}
}

// TestJWKSDown: whose token cannot be checked is not called a stranger.
func TestJWKSDown(t *testing.T) {
	issuer := newIssuerOfTokens(t)
	issuer.down.Store(true)
	var ahead atomic.Int64
	clock := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	verifier := auth.NewJWT(auth.JWTConfig{
		Keys: []auth.Key{auth.JWKS(issuer.url, auth.JWKSConfig{Clock: clock})}, Audience: []string{"gateway"},
	})
	_, url := start(t, protoway.Config{Verifier: auth.First(auth.HS256(secret), verifier)}, whoAmI())
	p := testpeer.Dial(t, url, as(t, auth.User{ID: "bob"}), fromServer...)
	good := issuer.sign(t, issuer.key, `{"alg":"RS256","kid":"k1"}`, claims(""))
	fails(t, authenticate(p, 1, good), status.Unavailable)
	mustBe(t, p, "bob") // nothing has changed
	issuer.down.Store(false)
	ahead.Store(int64(time.Minute))
	ok(t, authenticate(p, 2, good))
	mustBe(t, p, "alice")
}
