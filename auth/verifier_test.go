package auth_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

// static accepts one token.
func static(good, id string) auth.Verifier {
	return auth.VerifierFunc(func(_ context.Context, token string) (*auth.User, error) {
		if token != good {
			return nil, status.Unauthenticated.Errorf("not the token of %s", id)
		}
		return &auth.User{ID: id}, nil
	})
}

func TestFirstAsksInOrder(t *testing.T) {
	down := auth.VerifierFunc(func(context.Context, string) (*auth.User, error) {
		return nil, errors.New("password of the database is x")
	})
	slow := auth.VerifierFunc(func(context.Context, string) (*auth.User, error) {
		return nil, status.Unavailable.Errorf("the directory is slow")
	})
	verifier := auth.First(static("1", "one"), slow, down, static("1", "shadowed"), static("2", "two"))
	for token, want := range map[string]string{"1": "one", "2": "two"} {
		user, err := verifier.Verify(t.Context(), token)
		if err != nil || user.ID != want {
			t.Errorf("token %q is of %v, %v, want %s", token, user, err, want)
		}
	}
	_, err := verifier.Verify(t.Context(), "3")
	wantRefusal(t, err, status.Unavailable, "the directory is slow", "")
	_, err = auth.First(down, slow).Verify(t.Context(), "3")
	wantRefusal(t, err, status.Internal, "internal error", "")
}

func TestFirstJoinsRefusals(t *testing.T) {
	_, err := auth.First(static("1", "one"), static("2", "two")).Verify(t.Context(), "3")
	wantRefusal(t, err, status.Unauthenticated, "not the token of one; not the token of two", "")
	_, err = auth.First().Verify(t.Context(), "3")
	wantRefusal(t, err, status.Unauthenticated, "there is no verifier", "")
}

func TestFirstChecksAll(t *testing.T) {
	check := func(verifiers ...auth.Verifier) error { return auth.First(verifiers...).(auth.Checker).Check() }
	if err := check(auth.HS256(secret), static("1", "one")); err != nil {
		t.Errorf("good verifiers are refused: %v", err)
	}
	if check() == nil {
		t.Error("no verifier passes")
	}
	err := check(auth.HS256(secret[:31]), nil)
	if err == nil || !strings.Contains(err.Error(), "31 bytes") || !strings.Contains(err.Error(), "verifier 2 of First is nil") {
		t.Errorf("check says %v", err)
	}
}
