package consumer

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

// verify checks a token. The errors of a verifier that say nothing of the token
// become Unavailable.
func (n *Node) verify(ctx context.Context, token string) (*auth.User, *status.Error) {
	if token == "" {
		return nil, nil
	}
	token = auth.TrimBearer(token)
	user, err := n.guardedVerify(ctx, token)
	if err == nil {
		return user, nil
	}
	return nil, n.unverified(withoutToken(err, token))
}

// session checks the user of an upgrade request, as verify does that of a token.
func (n *Node) session(ctx context.Context, user *auth.User) (*auth.User, *status.Error) {
	if err := n.checkRevoked(ctx, user); err != nil {
		return nil, n.unverified(err)
	}
	return user, nil
}

// unverified returns what a client is told about a token that was not accepted.
func (n *Node) unverified(err error) *status.Error {
	failure := status.From(err)
	if failure.Code != status.Unauthenticated {
		n.logger.Error("a token could not be verified", "error", err)
		failure = status.Unavailable.Wrap(err, "the token cannot be verified now: try again")
	}
	return failure
}

// withoutToken returns the error of a verifier, whose text must not have the token
// in it, since it is logged or told.
func withoutToken(err error, token string) error {
	const shortest = 6 // a shorter one is no secret, and may be part of any word
	text := err.Error()
	if len(token) < shortest || !strings.Contains(text, token) {
		return err
	}
	cleared := errors.New(strings.ReplaceAll(text, token, "[token]"))
	if coded, ok := errors.AsType[*status.Error](err); ok {
		return coded.Code.Wrap(cleared, strings.ReplaceAll(coded.Text, token, "[token]"))
	}
	return cleared
}

// guardedVerify calls the verifier; a panic is an error.
func (n *Node) guardedVerify(ctx context.Context, token string) (user *auth.User, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			n.observer.Panicked("verifier")
			user, err = nil, fmt.Errorf("the verifier panicked: %v\n%s", reason, debug.Stack())
		}
	}()
	return n.verifier.Verify(ctx, token)
}
