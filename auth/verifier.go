package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/protoway/protoway/status"
)

// Verifier says who a token belongs to.
//
// It returns a user, or an error and no user. A status.Unauthenticated error
// means that the token is bad; its text says what is wrong with it, is shown to
// the client, and never contains the token. Any other code means that the
// verifier could not tell, say because a database is down, and that the token
// may be good. The token may carry a "Bearer " prefix; [TrimBearer] removes it.
//
// A verifier is used by many goroutines at once.
type Verifier interface {
	Verify(ctx context.Context, token string) (*User, error)
}

// Checker is a [Verifier], or another part of the configuration, that can be
// configured wrongly. The server asks at start, and refuses to run.
type Checker interface {
	Check() error
}

// VerifierFunc is a function that is a [Verifier].
type VerifierFunc func(ctx context.Context, token string) (*User, error)

var (
	_ Verifier = VerifierFunc(nil)
	_ Verifier = (*JWT)(nil)
	_ Verifier = firstOf(nil)
	_ Checker  = (*JWT)(nil)
	_ Checker  = (*Issuer)(nil)
	_ Checker  = firstOf(nil)
)

// Verify calls f.
func (f VerifierFunc) Verify(ctx context.Context, token string) (*User, error) {
	return f(ctx, token)
}

// First asks one verifier after the other: the first that knows the token wins.
// If none does, the texts of all refusals are joined; if one of them could not
// tell, its error is the answer, since the token may be good.
func First(verifiers ...Verifier) Verifier { return firstOf(verifiers) }

type firstOf []Verifier

func (f firstOf) Verify(ctx context.Context, token string) (*User, error) {
	var unsure error
	refusals := make([]string, 0, len(f))
	for _, verifier := range f {
		user, err := verifier.Verify(ctx, token)
		if err == nil {
			return user, nil
		}
		refusal := status.From(err)
		if refusal.Code == status.Unauthenticated {
			refusals = append(refusals, refusal.Text)
		} else if unsure == nil {
			unsure = refusal
		}
	}
	if unsure != nil {
		return nil, unsure
	}
	if len(refusals) == 0 {
		return nil, status.Unauthenticated.Errorf("no token is accepted: there is no verifier")
	}
	return nil, status.Unauthenticated.Errorf("%s", strings.Join(refusals, "; "))
}

func (f firstOf) Check() error {
	var problems []error
	if len(f) == 0 {
		problems = append(problems, errors.New("auth: First has no verifier"))
	}
	for at, verifier := range f {
		if verifier == nil {
			problems = append(problems, fmt.Errorf("auth: verifier %d of First is nil", at+1))
		} else if checker, ok := verifier.(Checker); ok {
			problems = append(problems, checker.Check())
		}
	}
	return errors.Join(problems...)
}
