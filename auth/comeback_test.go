package auth_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

// TestTokenComesBack: a token that was good is good again, by its hash, until it
// expires; one that differs in a single character is not.
func TestTokenComesBack(t *testing.T) {
	now := start
	verifier := auth.HS256(secret, auth.Clock(func() time.Time { return now }), auth.Leeway(time.Second))
	token := signHS256(fmt.Sprintf(`{"user_id":"ada","token_type":"access","exp":%d}`, start.Add(time.Minute).Unix()))
	first, err := verifier.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	again, err := verifier.Verify(t.Context(), "Bearer "+token)
	if err != nil || again != first {
		t.Errorf("when it comes back it is of %v, %v", again, err)
	}
	forged := []byte(token)
	forged[len(forged)-2] ^= 1
	_, err = verifier.Verify(t.Context(), string(forged))
	wantRefusal(t, err, status.Unauthenticated, "signature", string(forged))
	if _, err := auth.HS256(other).Verify(t.Context(), token); err == nil {
		t.Error("another verifier takes what this one has seen")
	}
	now = start.Add(time.Minute + time.Second - 1)
	if _, err := verifier.Verify(t.Context(), token); err != nil {
		t.Errorf("within the leeway: %v", err)
	}
	now = now.Add(1)
	_, err = verifier.Verify(t.Context(), token)
	wantRefusal(t, err, status.Unauthenticated, "token expired", token)
}

// BenchmarkVerify compares a token that is new with one that comes back. The new
// one is verified by a verifier that has not seen it.
func BenchmarkVerify(b *testing.B) {
	token := signHS256(`{"user_id":"ada","token_type":"access","exp":4000000000,"jti":"01a201a53867714ab7ba8b5a02203e12"}`)
	seen := auth.HS256(secret)
	for name, verifier := range map[string]func() *auth.JWT{
		"new":  func() *auth.JWT { return auth.HS256(secret) },
		"back": func() *auth.JWT { return seen },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				v := verifier()
				b.StartTimer()
				if _, err := v.Verify(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
