package auth

import (
	"context"
	"errors"
)

// Revoked returns a verifier that also refuses tokens which were revoked. Put it
// around [Current], not inside: what is cheap is asked first.
func Revoked(verifier Verifier, revocations *Revocations) Verifier {
	return revoked{verifier, revocations}
}

type revoked struct {
	verifier    Verifier
	revocations *Revocations
}

var (
	_ Verifier = revoked{}
	_ Checker  = revoked{}
)

// Check reports what is wrong with the configuration.
func (r revoked) Check() error {
	if r.verifier == nil {
		return errors.Join(errors.New("auth: Revoked has no verifier"), r.revocations.usable())
	}
	if checker, ok := r.verifier.(Checker); ok {
		return errors.Join(checker.Check(), r.revocations.usable())
	}
	return r.revocations.usable()
}

// Verify returns the user whom the token names, unless it was revoked.
func (r revoked) Verify(ctx context.Context, token string) (*User, error) {
	user, err := r.verifier.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	if err := r.revocations.Check(ctx, user); err != nil {
		return nil, err
	}
	return user, nil
}
