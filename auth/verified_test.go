package auth

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"
)

// TestVerifiedIsBounded: of many tokens those that came last are remembered, and
// those that come again and again.
func TestVerifiedIsBounded(t *testing.T) {
	var v verified
	now := time.Unix(1000, 0)
	user := &User{ID: "ada", Expires: now.Add(time.Minute)}
	hash := func(n int) tokenHash { return sha256.Sum256(fmt.Append(nil, n)) }
	const many = 5 * maxVerified
	for n := range many {
		v.keep(hash(n), user)
		if v.find(hash(0), now) != user {
			t.Fatalf("the token that comes again and again was forgotten after %d", n)
		}
	}
	if kept := len(v.young) + len(v.old); kept > 2*maxVerified {
		t.Errorf("%d tokens are remembered, at most %d should be", kept, 2*maxVerified)
	}
	if v.find(hash(many-1), now) != user {
		t.Error("the last token was forgotten")
	}
	if v.find(hash(1), now) != nil {
		t.Error("a token that came once, long ago, is remembered")
	}
}

// TestVerifiedForgetsExpired: what has expired is forgotten when it is asked for.
func TestVerifiedForgetsExpired(t *testing.T) {
	var v verified
	expires := time.Unix(1000, 0)
	token := tokenHash{1}
	v.keep(token, &User{ID: "ada", Expires: expires})
	if v.find(token, expires.Add(-1)) == nil {
		t.Error("a token was forgotten before it expired")
	}
	if v.find(token, expires) != nil || len(v.young)+len(v.old) != 0 {
		t.Error("a token is remembered when it has expired")
	}
}
