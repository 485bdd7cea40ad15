package auth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

func TestRevocationCovers(t *testing.T) {
	alice := &auth.User{ID: "alice", TokenID: "t", Family: "f", IssuedAt: start}
	tests := []struct {
		name string
		what auth.Revocation
		user *auth.User
		want bool
	}{
		{"the token", auth.Revocation{TokenID: "t"}, alice, true},
		{"another token", auth.Revocation{TokenID: "T"}, alice, false},
		{"the family", auth.Revocation{Family: "f"}, alice, true},
		{"another family", auth.Revocation{Family: "t"}, alice, false},
		{"the user, a moment later", auth.Revocation{UserID: "alice", Before: start.Add(time.Microsecond)}, alice, true},
		{"the user, that moment", auth.Revocation{UserID: "alice", Before: start}, alice, false},
		{"the user, earlier", auth.Revocation{UserID: "alice", Before: start.Add(-time.Second)}, alice, false},
		{"another user", auth.Revocation{UserID: "bob", Before: start.Add(time.Hour)}, alice, false},
		{"everybody", auth.Revocation{Before: start.Add(time.Microsecond)}, alice, true},
		{"everybody, that moment", auth.Revocation{Before: start}, alice, false},
		{"somebody without a time", auth.Revocation{Before: start}, &auth.User{ID: "alice"}, true},
		{"somebody without a token", auth.Revocation{TokenID: "t"}, &auth.User{ID: "alice"}, false},
		{"anonymous", auth.Revocation{Before: start}, auth.Anonymous, false},
		{"nobody", auth.Revocation{Before: start}, nil, false},
		{"nothing said", auth.Revocation{}, &auth.User{ID: "alice"}, false},
		{"no moment said", auth.Revocation{UserID: "alice"}, alice, false},
		{"too much said", auth.Revocation{TokenID: "t", UserID: "alice", Before: start.Add(time.Hour)}, alice, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.what.Covers(test.user); got != test.want {
				t.Errorf("covers: %v", got)
			}
		})
	}
}

func TestRevokeRefuses(t *testing.T) {
	revocations := auth.NewRevocations(auth.NewMemoryStore(auth.MemoryConfig{}), auth.RevocationsConfig{Clock: at(start)})
	tests := []struct {
		name string
		what auth.Revocation
		text string
	}{
		{"nothing", auth.Revocation{}, "says nothing"},
		{"two things", auth.Revocation{TokenID: "t", UserID: "u"}, "more than one of TokenID, Family and UserID"},
		{"the future", auth.Revocation{Before: start.Add(2 * time.Minute)}, "is in the future"},
		{"before all computers", auth.Revocation{Before: time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)}, "before 1970"},
		{"an id longer than tokens", auth.Revocation{UserID: strings.Repeat("x", 9000)}, "9000 bytes, at most 8192"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantRefusal(t, revocations.Revoke(t.Context(), test.what), status.InvalidArgument, test.text, "")
		})
	}
	for _, bad := range []*auth.Revocations{nil, auth.NewRevocations(nil, auth.RevocationsConfig{})} {
		if bad != nil {
			wantRefusal(t, bad.Revoke(t.Context(), auth.Revocation{TokenID: "t"}), status.Internal, "cannot be revoked", "")
			bad.Watch(func(auth.Revocation) {})()
		}
		verifier := auth.Revoked(static("1", "one"), bad)
		if err := verifier.(auth.Checker).Check(); err == nil || !strings.Contains(err.Error(), "no store") {
			t.Errorf("check says %v", err)
		}
		_, err := verifier.Verify(t.Context(), "1")
		wantRefusal(t, err, status.Internal, "cannot be verified", "")
	}
}

// TestRevokedEndsTokens revokes in each way, and checks which tokens are good then.
func TestRevokedEndsTokens(t *testing.T) {
	now := &clock{}
	issuer := auth.NewIssuer(secret, auth.IssuerConfig{Clock: now.Now, AccessLifetime: time.Hour})
	tokens := map[string]string{}
	for _, id := range []string{"alice", "bob"} {
		for _, n := range []string{"1", "2"} {
			token, err := issuer.AccessToken(&auth.User{ID: id, Family: "family of " + id + n})
			if err != nil {
				t.Fatal(err)
			}
			tokens[id+n] = token
		}
	}
	alice1, err := issuer.Verifier().Verify(t.Context(), tokens["alice1"])
	if err != nil {
		t.Fatal(err)
	}
	now.Advance(time.Millisecond)
	tests := []struct {
		name string
		what auth.Revocation
		ends []string
	}{
		{"one token", auth.Revocation{TokenID: alice1.TokenID}, []string{"alice1"}},
		{"a family", auth.Revocation{Family: alice1.Family}, []string{"alice1"}},
		{"a user", auth.Revocation{UserID: "alice"}, []string{"alice1", "alice2"}},
		{"a user from before", auth.Revocation{UserID: "alice", Before: start}, nil},
		{"everybody", auth.Revocation{Before: now.Now()}, []string{"alice1", "alice2", "bob1", "bob2"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			store := auth.NewMemoryStore(auth.MemoryConfig{Clock: now.Now})
			here, there := auth.NewRevocations(store, auth.RevocationsConfig{Clock: now.Now}), auth.NewRevocations(store, auth.RevocationsConfig{Clock: now.Now})
			for range 2 { // it may be repeated
				if err := here.Revoke(t.Context(), test.what); err != nil {
					t.Fatal(err)
				}
			}
			verifier := auth.Revoked(issuer.Verifier(), there)
			for name, token := range tokens {
				user, err := verifier.Verify(t.Context(), token)
				if !strings.Contains(strings.Join(test.ends, " "), name) {
					if err != nil || !user.SignedIn() {
						t.Errorf("%s: %v", name, err)
					}
					continue
				}
				wantRefusal(t, err, status.Unauthenticated, "the token was revoked", token)
				if user != nil {
					t.Errorf("a user comes with the error")
				}
			}
		})
	}
}

// TestSignInRightAfterRevocation is what happens when a password is changed: the
// old tokens end, and the one of the same instant does not.
func TestSignInRightAfterRevocation(t *testing.T) {
	for name, clock := range map[string]func() time.Time{"a real clock": time.Now, "a clock that stands": at(start.Add(1234567 * time.Nanosecond))} {
		t.Run(name, func(t *testing.T) {
			revocations := auth.NewRevocations(auth.NewMemoryStore(auth.MemoryConfig{}), auth.RevocationsConfig{Clock: clock})
			if err := revocations.Revoke(t.Context(), auth.Revocation{UserID: "alice"}); err != nil {
				t.Fatal(err)
			}
			issuer := auth.NewIssuer(secret, auth.IssuerConfig{Clock: clock})
			token, err := issuer.AccessToken(&auth.User{ID: "alice"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := auth.Revoked(issuer.Verifier(), revocations).Verify(t.Context(), token); err != nil {
				t.Errorf("the new token: %v", err)
			}
		})
	}
}

// TestForeignTokensOfTheSecond states what happens to tokens with whole seconds.
func TestForeignTokensOfTheSecond(t *testing.T) {
	now := at(start.Add(500 * time.Millisecond))
	for before, good := range map[time.Time]bool{now(): false, now().Truncate(time.Second): true} {
		revocations := auth.NewRevocations(auth.NewMemoryStore(auth.MemoryConfig{}), auth.RevocationsConfig{Clock: now})
		if err := revocations.Revoke(t.Context(), auth.Revocation{UserID: "alice", Before: before}); err != nil {
			t.Fatal(err)
		}
		_, err := auth.Revoked(auth.HS256(secret, auth.Clock(now)), revocations).Verify(t.Context(), signHS256(claimsWith("")))
		if (err == nil) != good {
			t.Errorf("before %s: %v", before, err)
		}
	}
}

func TestRevocationsAreKeptAsLongAsTokens(t *testing.T) {
	now := &clock{}
	store := auth.NewMemoryStore(auth.MemoryConfig{Clock: now.Now})
	revocations := auth.NewRevocations(store, auth.RevocationsConfig{Clock: now.Now, Lifetime: time.Hour})
	alice := &auth.User{ID: "alice", TokenID: "t", IssuedAt: start.Add(-time.Second)}
	for n := range 100 {
		if err := revocations.Revoke(t.Context(), auth.Revocation{UserID: "alice", Before: start}); err != nil {
			t.Fatal(err)
		}
		now.Advance(time.Hour - time.Second)
		wantRefusal(t, revocations.Check(t.Context(), alice), status.Unauthenticated, "revoked", "")
		now.Advance(time.Hour)
		if err := revocations.Check(t.Context(), alice); err != nil {
			t.Errorf("it is kept for too long: %v", err)
		}
		if kept := store.Len(); kept > 5 {
			t.Fatalf("%d values are kept after %d revocations", kept, n+1)
		}
	}
}

// TestTheLaterMomentCounts revokes again with an earlier moment, which frees nobody.
func TestTheLaterMomentCounts(t *testing.T) {
	revocations := auth.NewRevocations(auth.NewMemoryStore(auth.MemoryConfig{}), auth.RevocationsConfig{Clock: at(start)})
	for _, before := range []time.Duration{-time.Hour, 0, -time.Minute} {
		if err := revocations.Revoke(t.Context(), auth.Revocation{UserID: "alice", Before: start.Add(before)}); err != nil {
			t.Fatal(err)
		}
	}
	for issued, good := range map[time.Duration]bool{0: true, -time.Second: false, -2 * time.Hour: false} {
		err := revocations.Check(t.Context(), &auth.User{ID: "alice", IssuedAt: start.Add(issued)})
		if (err == nil) != good {
			t.Errorf("a token of %s: %v", issued, err)
		}
	}
}
