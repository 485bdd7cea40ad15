package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

// publisher is an issuer's server for its keys.
type publisher struct {
	*httptest.Server
	keys    atomic.Pointer[string]
	code    atomic.Int64
	fetches atomic.Int64
}

func publish(t *testing.T, keys string) *publisher {
	t.Helper()
	p := &publisher{}
	p.keys.Store(&keys)
	p.code.Store(http.StatusOK)
	p.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.fetches.Add(1)
		w.WriteHeader(int(p.code.Load()))
		_, _ = w.Write([]byte(*p.keys.Load()))
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *publisher) verifier(now *clock, config auth.JWKSConfig) *auth.JWT {
	config.Client, config.Clock = p.Client(), now.Now
	return auth.NewJWT(auth.JWTConfig{Keys: []auth.Key{auth.JWKS(p.URL, config)}, AnyAudience: true, Clock: at(start)})
}

func accepted(t *testing.T, verifier auth.Verifier, token string) {
	t.Helper()
	if user, err := verifier.Verify(t.Context(), token); err != nil || user.ID != "alice" {
		t.Fatalf("%v, %v", user, err)
	}
}

func (p *publisher) wantFetches(t *testing.T, want int64) {
	t.Helper()
	if got := p.fetches.Load(); got != want {
		t.Errorf("%d fetches, want %d", got, want)
	}
}

// eventually waits for what a fetch in the background brings.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline, tick := time.After(time.Minute), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

func TestJWKSVerifiesAllKinds(t *testing.T) {
	var keys []map[string]any
	for algorithm, key := range keyOf {
		keys = append(keys, jwkOf(key, algorithm, map[string]any{"alg": algorithm, "use": "sig"}))
	}
	p := publish(t, jwksOf(keys...))
	verifier := p.verifier(&clock{}, auth.JWKSConfig{})
	for algorithm, key := range keyOf {
		good := signed(t, algorithm, key, fmt.Sprintf(`,"kid":%q`, algorithm))
		accepted(t, verifier, good)
		accepted(t, verifier, signed(t, algorithm, key, "")) // no kid
		_, err := verifier.Verify(t.Context(), change(good))
		wantRefusal(t, err, status.Unauthenticated, "bad signature", good)
	}
	// Each key is pinned to its own algorithm, though RSA can do others.
	_, err := verifier.Verify(t.Context(), signed(t, "PS512", "rsa", `,"kid":"RS256"`))
	wantRefusal(t, err, status.Unauthenticated, "not known for its algorithm", "")
	p.wantFetches(t, 1)
}

// TestJWKSKeys reads sets with keys that must not be used beside one that may.
func TestJWKSKeys(t *testing.T) {
	good := jwkOf("p256", "good", nil)
	tests := map[string]map[string]any{
		"for encryption":     jwkOf("rsa", "k", map[string]any{"use": "enc"}),
		"for signing only":   jwkOf("rsa", "k", map[string]any{"key_ops": []string{"sign"}}),
		"another algorithm":  jwkOf("rsa", "k", map[string]any{"alg": "RSA-OAEP"}),
		"HS256 on RSA":       jwkOf("rsa", "k", map[string]any{"alg": "HS256"}),
		"none":               jwkOf("rsa", "k", map[string]any{"alg": "none"}),
		"1024 bits":          jwkOf("rsa 1024", "k", nil),
		"no modulus":         jwkOf("rsa", "k", map[string]any{"n": ""}),
		"even exponent":      jwkOf("rsa", "k", map[string]any{"e": "Ag"}),
		"huge exponent":      jwkOf("rsa", "k", map[string]any{"e": strings.Repeat("A", 4) + strings.Repeat("_", 40)}),
		"another curve":      jwkOf("p224", "k", nil),
		"not on the curve":   jwkOf("p256", "k", map[string]any{"x": strings.Repeat("A", 43)}),
		"short coordinate":   jwkOf("p256", "k", map[string]any{"x": "AAAA"}),
		"curve of another":   jwkOf("p256", "k", map[string]any{"crv": "P-384"}),
		"short Ed25519":      jwkOf("ed25519", "k", map[string]any{"x": "AAAA"}),
		"Ed448":              jwkOf("ed25519", "k", map[string]any{"crv": "Ed448"}),
		"a published secret": {"kty": "oct", "kid": "k", "k": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
		"types mixed up":     {"kty": 7},
	}
	for name, bad := range tests {
		t.Run(name, func(t *testing.T) {
			verifier := publish(t, jwksOf(bad, good)).verifier(&clock{}, auth.JWKSConfig{})
			accepted(t, verifier, signed(t, "ES256", "p256", `,"kid":"good"`))
			for _, token := range []string{
				signed(t, "RS256", "rsa", `,"kid":"k"`), signed(t, "EdDSA", "ed25519", `,"kid":"k"`),
				sign(`{"alg":"HS256","kid":"k"}`, claimsWith(""), hashes["256"].New, make([]byte, 33)),
			} {
				if user, err := verifier.Verify(t.Context(), token); status.CodeOf(err) != status.Unauthenticated {
					t.Errorf("%v, %v", user, err)
				}
			}
			alone := publish(t, jwksOf(bad)).verifier(&clock{}, auth.JWKSConfig{})
			_, err := alone.Verify(t.Context(), signed(t, "RS256", "rsa", `,"kid":"k"`))
			wantRefusal(t, err, status.Unavailable, "cannot be fetched", "")
			if cause := errors.Unwrap(err); cause == nil || !strings.Contains(cause.Error(), "no key that verifies tokens") {
				t.Errorf("the cause is %v", cause)
			}
		})
	}
}

// TestJWKSRotation replaces the key of the issuer while tokens come.
func TestJWKSRotation(t *testing.T) {
	now := &clock{}
	p := publish(t, jwksOf(jwkOf("rsa", "1", nil)))
	verifier := p.verifier(now, auth.JWKSConfig{})
	first, second := signed(t, "RS256", "rsa", `,"kid":"1"`), signed(t, "ES256", "p256", `,"kid":"2"`)
	accepted(t, verifier, first)
	both := jwksOf(jwkOf("rsa", "1", nil), jwkOf("p256", "2", nil))
	p.keys.Store(&both)
	now.Advance(auth.DefaultJWKSCooldown)
	accepted(t, verifier, second) // an unknown kid has the keys fetched at once
	accepted(t, verifier, first)
	p.wantFetches(t, 2)
	only := jwksOf(jwkOf("p256", "2", nil))
	p.keys.Store(&only)
	accepted(t, verifier, first) // the old set is not old yet
	now.Advance(auth.DefaultJWKSMaxAge)
	accepted(t, verifier, first) // used once more while the new one is fetched
	eventually(t, "the withdrawn key is refused", func() bool {
		_, err := verifier.Verify(t.Context(), first)
		return status.CodeOf(err) == status.Unauthenticated
	})
	accepted(t, verifier, second)
	p.wantFetches(t, 3)
}

// TestJWKSUnknownKeysAreLimited sends kids at will: the URL is called once in a while.
func TestJWKSUnknownKeysAreLimited(t *testing.T) {
	now := &clock{}
	p := publish(t, jwksOf(jwkOf("rsa", "1", nil)))
	verifier := p.verifier(now, auth.JWKSConfig{})
	for range 3 {
		var running sync.WaitGroup
		for n := range 100 {
			token := signed(t, "EdDSA", "ed25519", fmt.Sprintf(`,"kid":"guess %d"`, n))
			running.Go(func() {
				_, err := verifier.Verify(t.Context(), token)
				if code := status.CodeOf(err); code != status.Unauthenticated {
					t.Errorf("code %s", code)
				}
			})
		}
		running.Wait()
		now.Advance(auth.DefaultJWKSCooldown)
	}
	p.wantFetches(t, 3)
}

// TestJWKSOutage has the URL down from the start, and later with keys fetched.
func TestJWKSOutage(t *testing.T) {
	now := &clock{}
	p := publish(t, jwksOf(jwkOf("rsa", "1", nil)))
	p.code.Store(http.StatusBadGateway)
	verifier := p.verifier(now, auth.JWKSConfig{})
	if err := verifier.Check(); err != nil {
		t.Fatalf("a server cannot start while the URL is down: %v", err)
	}
	good, unknown := signed(t, "RS256", "rsa", `,"kid":"1"`), signed(t, "EdDSA", "ed25519", `,"kid":"2"`)
	unsure := func(token string) {
		t.Helper()
		_, err := verifier.Verify(t.Context(), token)
		wantRefusal(t, err, status.Unavailable, "cannot be fetched: try again later", token)
		if status.From(err).RetryAfter < time.Second {
			t.Errorf("retry after %s", status.From(err).RetryAfter)
		}
	}
	for range 10 { // the pause grows
		unsure(good)
		now.Advance(time.Second)
	}
	p.wantFetches(t, 4) // after 0, 1, 3, 7 seconds
	p.code.Store(http.StatusOK)
	now.Advance(8 * time.Second)
	accepted(t, verifier, good)
	p.wantFetches(t, 5)

	p.code.Store(http.StatusInternalServerError)
	now.Advance(auth.DefaultJWKSMaxAge)
	accepted(t, verifier, good)                         // the old keys do
	eventually(t, "the fetch has failed", func() bool { // whether this kid is good cannot be told
		_, err := verifier.Verify(t.Context(), unknown)
		return status.CodeOf(err) == status.Unavailable
	})
	accepted(t, verifier, good)
	now.Advance(auth.DefaultJWKSMaxStale)
	unsure(good)
	p.code.Store(http.StatusOK)
	now.Advance(time.Minute)
	accepted(t, verifier, good)
}

func TestJWKSBadAnswers(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	var many []map[string]any
	for n := range 101 {
		many = append(many, jwkOf("p256", fmt.Sprint(n), nil))
	}
	tests := map[string]struct {
		answer http.HandlerFunc
		cause  string
	}{
		"HTML":        {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, "no JSON Web Key Set"},
		"no keys":     {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }, "no key that verifies"},
		"too many":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(jwksOf(many...))) }, "101 keys, at most 100"},
		"too long":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 2000)) }, "more than 1000 bytes"},
		"not found":   {http.NotFound, "404"},
		"never":       {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "deadline exceeded"},
		"to http":     {http.RedirectHandler("http://evil.example/", http.StatusFound).ServeHTTP, "use https"},
		"to a file":   {http.RedirectHandler("file:///etc/passwd", http.StatusFound).ServeHTTP, "use https"},
		"in a circle": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, "too many redirects"},
		"connection":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewTLSServer(test.answer)
			t.Cleanup(server.Close)
			config := auth.JWKSConfig{Client: server.Client(), MaxBytes: 1000, Timeout: 2 * time.Second}
			if name == "too many" {
				config.MaxBytes = 0
			}
			verifier := auth.NewJWT(auth.JWTConfig{Keys: []auth.Key{auth.JWKS(server.URL, config)}, AnyAudience: true, Clock: at(start)})
			_, err := verifier.Verify(t.Context(), signed(t, "RS256", "rsa", ""))
			wantRefusal(t, err, status.Unavailable, "cannot be fetched", "")
			if cause := errors.Unwrap(err); cause == nil || !strings.Contains(cause.Error(), test.cause) {
				t.Errorf("the cause is %v", cause)
			}
		})
	}
}

// TestJWKSCallerGivesUp checks that one caller's end is not that of the others.
func TestJWKSCallerGivesUp(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-answer
		_, _ = w.Write([]byte(jwksOf(jwkOf("rsa", "1", nil))))
	}))
	t.Cleanup(server.Close)
	verifier := auth.NewJWT(auth.JWTConfig{
		Keys: []auth.Key{auth.JWKS(server.URL, auth.JWKSConfig{Client: server.Client()})}, AnyAudience: true, Clock: at(start),
	})
	token := signed(t, "RS256", "rsa", "")
	ctx, cancel := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { _, err := verifier.Verify(ctx, token); first <- err }()
	<-asked
	go func() { _, err := verifier.Verify(t.Context(), token); second <- err }()
	cancel()
	wantRefusal(t, <-first, status.Canceled, "", token)
	close(answer)
	if err := <-second; err != nil {
		t.Error(err)
	}
}

func TestJWKSAlgorithmsStated(t *testing.T) {
	keys := jwksOf(jwkOf("rsa", "free", nil), jwkOf("other rsa", "pinned", map[string]any{"alg": "RS512"}), jwkOf("p256", "ec", nil))
	verifier := publish(t, keys).verifier(&clock{}, auth.JWKSConfig{Algorithms: []string{"RS256", "PS256"}})
	accepted(t, verifier, signed(t, "RS256", "rsa", `,"kid":"free"`))
	accepted(t, verifier, signed(t, "PS256", "rsa", `,"kid":"free"`))
	for _, token := range []string{signed(t, "RS512", "other rsa", `,"kid":"pinned"`), signed(t, "ES256", "p256", `,"kid":"ec"`)} {
		_, err := verifier.Verify(t.Context(), token)
		wantRefusal(t, err, status.Unauthenticated, "algorithm is not accepted: tokens are signed with PS256, RS256", token)
	}
}
