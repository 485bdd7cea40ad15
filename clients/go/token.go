package client

import (
	"context"
	"errors"

	"github.com/protoway/protoway/status"
)

// errNoToken says that the source has none, so that nothing changes.
var errNoToken = errors.New("the token source returned no token")

// signIn gets a fresh token and signs in with it, one at a time. Nothing is sent
// from the outbox meanwhile: it would be sent as nobody.
func (s *session) signIn(ctx context.Context) {
	if s.signing {
		return // a fresh one is on its way
	}
	s.signing = true
	s.outbox.hold(holdToken)
	s.work.Go(func() {
		token, err := s.client.token(ctx)
		switch {
		case err != nil:
		case token == "":
			err = errNoToken
		default:
			err = s.conn.Authenticate(ctx, token)
		}
		s.signed <- err
	})
}

// signedIn goes on after an attempt to sign in. It returns an error if the session
// cannot.
func (s *session) signedIn(err error) error {
	s.signing = false
	switch {
	case err == nil:
	case errors.Is(err, errNoToken), status.CodeOf(err) == status.Unauthenticated && s.client.options.anonymous:
		s.client.options.logger.Warn("the server asked for a fresh token and did not get one", "error", err)
		s.outbox.useless()
	default:
		return err // to connect anew, or to end, as the code says
	}
	s.outbox.release(holdToken)
	return nil
}
