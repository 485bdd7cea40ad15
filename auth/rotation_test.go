package auth_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

// rotating makes an issuer whose refresh tokens are good once.
func rotating(store auth.Store, now func() time.Time, grace time.Duration) *auth.Issuer {
	return auth.NewIssuer(secret, auth.IssuerConfig{
		Clock: now, ReuseGrace: grace, Rotation: auth.NewRevocations(store, auth.RevocationsConfig{Clock: now}),
	})
}

func signIn(t testing.TB, issuer *auth.Issuer) (access, refresh string) {
	t.Helper()
	access, refresh, err := issuer.Tokens(&auth.User{ID: "alice", Groups: auth.NewSet("g")})
	if err != nil {
		t.Fatal(err)
	}
	return access, refresh
}

func rotate(t testing.TB, issuer *auth.Issuer, token string) (*auth.User, string) {
	t.Helper()
	user, next, err := issuer.Rotate(context.Background(), token)
	if err != nil || user.ID != "alice" || user.Family == "" {
		t.Fatalf("%+v, %v", user, err)
	}
	return user, next
}

func TestRotateWithoutStore(t *testing.T) {
	issuer := auth.NewIssuer(secret, auth.IssuerConfig{Clock: at(start)})
	access, refresh := signIn(t, issuer)
	for range 3 {
		if _, again := rotate(t, issuer, "Bearer "+refresh); again != refresh {
			t.Error("the token is replaced")
		}
	}
	_, _, err := issuer.Rotate(t.Context(), access)
	wantRefusal(t, err, status.Unauthenticated, `it must be "refresh"`, access)
}

// TestRotateKeepsTheFamily exchanges tokens and revokes what came of them.
func TestRotateKeepsTheFamily(t *testing.T) {
	now := &clock{}
	store := auth.NewMemoryStore(auth.MemoryConfig{Clock: now.Now})
	issuer := rotating(store, now.Now, 0)
	revocations := auth.NewRevocations(store, auth.RevocationsConfig{Clock: now.Now})
	verifier := auth.Revoked(issuer.Verifier(), revocations)
	access, refresh := signIn(t, issuer)
	family := ""
	var tokens []string
	for range 5 {
		now.Advance(time.Minute)
		user, next := rotate(t, issuer, refresh)
		if family == "" {
			family = user.Family
		}
		if user.Family != family || next == refresh {
			t.Fatalf("family %q, not %q", user.Family, family)
		}
		again, err := issuer.AccessToken(user)
		if err != nil {
			t.Fatal(err)
		}
		tokens, refresh = append(tokens, again), next
	}
	first, err := issuer.Verifier(auth.Leeway(time.Hour)).Verify(t.Context(), access)
	if err != nil || first.Family != family || !first.In("g") {
		t.Fatalf("the access token of the sign-in: %+v, %v", first, err)
	}
	_, elsewhere := signIn(t, issuer)
	if err := revocations.Revoke(t.Context(), auth.Revocation{Family: family}); err != nil {
		t.Fatal(err)
	}
	_, err = verifier.Verify(t.Context(), tokens[4])
	wantRefusal(t, err, status.Unauthenticated, "revoked", tokens[4])
	_, _, err = issuer.Rotate(t.Context(), refresh)
	wantRefusal(t, err, status.Unauthenticated, "revoked", refresh)
	rotate(t, issuer, elsewhere) // another sign-in of the same user goes on
}

// TestReuseRevokesTheFamily is a stolen refresh token, used by thief and client in
// either order, and an old one.
func TestReuseRevokesTheFamily(t *testing.T) {
	for _, generation := range []int{1, 3} {
		now := &clock{}
		issuer := rotating(auth.NewMemoryStore(auth.MemoryConfig{Clock: now.Now}), now.Now, 0)
		_, stolen := signIn(t, issuer)
		newest := stolen
		for range generation {
			_, newest = rotate(t, issuer, newest)
			now.Advance(time.Minute)
		}
		_, _, err := issuer.Rotate(t.Context(), stolen)
		wantRefusal(t, err, status.Unauthenticated, "was used before: all tokens of its sign-in are revoked", stolen)
		for _, token := range []string{newest, stolen} {
			_, _, err = issuer.Rotate(t.Context(), token)
			wantRefusal(t, err, status.Unauthenticated, "revoked", token)
		}
	}
}

func TestReuseGrace(t *testing.T) {
	tests := []struct {
		name  string
		grace time.Duration
		after time.Duration
		used  bool // the successor, meanwhile
		good  bool
	}{
		{"at once", 0, 0, false, true},
		{"at the end", 0, auth.DefaultReuseGrace, false, true},
		{"too late", 0, auth.DefaultReuseGrace + time.Microsecond, false, false},
		{"successor used", 0, time.Second, true, false},
		{"longer", time.Minute, 50 * time.Second, false, true},
		{"none", -1, 0, false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			now := &clock{}
			issuer := rotating(auth.NewMemoryStore(auth.MemoryConfig{Clock: now.Now}), now.Now, test.grace)
			_, refresh := signIn(t, issuer)
			now.Advance(time.Second)
			_, next := rotate(t, issuer, refresh)
			if test.used {
				rotate(t, issuer, next)
			}
			now.Advance(test.after)
			_, again, err := issuer.Rotate(t.Context(), refresh)
			if test.good && (err != nil || again != next) {
				t.Errorf("another successor: %v", err)
			} else if !test.good {
				wantRefusal(t, err, status.Unauthenticated, "used before", refresh)
			}
		})
	}
}

// TestConcurrentRotation uses one token many times at once: without grace one use
// wins, with it all get the same successor.
func TestConcurrentRotation(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		uses := rapid.IntRange(2, 12).Draw(rt, "uses")
		grace := rapid.SampledFrom([]time.Duration{-1, 0}).Draw(rt, "grace")
		store := auth.NewMemoryStore(auth.MemoryConfig{})
		_, refresh := signIn(t, rotating(store, time.Now, grace))
		var (
			mu      sync.Mutex
			got     []string
			refused int
			running sync.WaitGroup
		)
		for range uses {
			issuer := rotating(store, time.Now, grace) // each on a node of its own
			running.Go(func() {
				_, next, err := issuer.Rotate(context.Background(), refresh)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					got = append(got, next)
				} else if status.CodeOf(err) == status.Unauthenticated {
					refused++
				}
			})
		}
		running.Wait()
		distinct := map[string]bool{}
		for _, token := range got {
			distinct[token] = true
		}
		wins := uses
		if grace < 0 {
			wins = 1
		}
		if len(got) != wins || refused != uses-wins || len(distinct) != 1 {
			rt.Fatalf("%d of %d uses won %d tokens, %d were refused", len(got), uses, len(distinct), refused)
		}
	})
}

func TestRotateNeedsItsStore(t *testing.T) {
	store := &flaky{Store: auth.NewMemoryStore(auth.MemoryConfig{})}
	issuer := rotating(store, time.Now, 0)
	_, refresh := signIn(t, issuer)
	store.down.Store(true)
	_, _, err := issuer.Rotate(t.Context(), refresh)
	wantRefusal(t, err, status.Unavailable, "try again later", refresh)
	store.down.Store(false)
	rotate(t, issuer, refresh) // it was not used up

	withoutID := auth.NewIssuer(secret, auth.IssuerConfig{Clock: at(start), Rotation: auth.NewRevocations(store, auth.RevocationsConfig{})})
	_, _, err = withoutID.Rotate(t.Context(), signHS256(claimsWith(`,"token_type":"refresh","jti":null`)))
	wantRefusal(t, err, status.Unauthenticated, "has no jti", "")

	long := auth.NewIssuer(secret, auth.IssuerConfig{RefreshLifetime: 48 * time.Hour, Rotation: auth.NewRevocations(store, auth.RevocationsConfig{})})
	if err := long.Check(); err == nil || !strings.Contains(err.Error(), "state RevocationsConfig.Lifetime") {
		t.Errorf("check says %v", err)
	}
}

// TestSigners issues with each private key, and verifies with the public half.
func TestSigners(t *testing.T) {
	for algorithm, key := range keyOf {
		t.Run(algorithm, func(t *testing.T) {
			issuer := auth.NewIssuer(nil, auth.IssuerConfig{
				Signer: auth.PEMSigner(privatePEM(key), auth.KeyID("k1"), auth.Algorithms(algorithm)),
				Clock:  at(start), Name: "me", Audience: []string{"gateway"},
			})
			access, refresh := signIn(t, issuer)
			outside := auth.NewJWT(auth.JWTConfig{
				Keys:   []auth.Key{auth.PEMKey(publicPEM(key), auth.KeyID("k1"), auth.Algorithms(algorithm))},
				Issuer: "me", Audience: []string{"gateway"}, Clock: at(start),
			})
			for _, verifier := range []auth.Verifier{issuer.Verifier(), outside} {
				if user, err := verifier.Verify(t.Context(), access); err != nil || user.ID != "alice" || !user.In("g") {
					t.Errorf("%+v, %v", user, err)
				}
			}
			rotate(t, issuer, refresh)
			another := auth.NewJWT(auth.JWTConfig{Keys: []auth.Key{auth.PEMKey(publicPEM(key), auth.KeyID("k2"), auth.Algorithms(algorithm))}})
			_, err := another.Verify(t.Context(), access)
			wantRefusal(t, err, status.Unauthenticated, "names a key (kid) that is not known", access)
		})
	}
}

func TestSignersAreChecked(t *testing.T) {
	tests := []struct {
		name   string
		secret []byte
		signer *auth.Signer
		text   string
	}{
		{"a secret besides", secret, auth.PEMSigner(privatePEM("rsa")), "signs with one of them"},
		{"public key", nil, auth.PEMSigner(publicPEM("rsa")), `the block is "PUBLIC KEY"`},
		{"no PEM", nil, auth.PEMSigner([]byte("x")), "there is no block"},
		{"broken", nil, auth.PEMSigner(pemOf("PRIVATE KEY", []byte("secret stuff"))), "the private key cannot be read"},
		{"1024 bits", nil, auth.PEMSigner(privatePEM("rsa 1024")), "an RSA key of 1024 bits"},
		{"two algorithms", nil, auth.PEMSigner(privatePEM("rsa"), auth.Algorithms("RS256", "PS256")), "it signs with one algorithm"},
		{"wrong algorithm", nil, auth.PEMSigner(privatePEM("p256"), auth.Algorithms("RS256")), "not among the algorithms stated"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			issuer := auth.NewIssuer(test.secret, auth.IssuerConfig{Signer: test.signer})
			err := issuer.Check()
			if err == nil || !strings.Contains(err.Error(), test.text) || strings.Contains(err.Error(), "secret stuff") {
				t.Errorf("check says %v", err)
			}
			_, _, err = issuer.Tokens(&auth.User{ID: "alice"})
			wantRefusal(t, err, status.Internal, "cannot be signed", "")
		})
	}
	var zero auth.Issuer
	if _, _, err := zero.Rotate(t.Context(), "x"); status.CodeOf(err) != status.Internal {
		t.Errorf("the zero value: %v", err)
	}
	if _, _, err := zero.Tokens(&auth.User{ID: "alice"}); status.CodeOf(err) != status.Internal {
		t.Errorf("the zero value: %v", err)
	}
}
