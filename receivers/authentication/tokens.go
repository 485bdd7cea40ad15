package authentication

import (
	"context"
	"net/netip"

	"github.com/protoway/protoway/auth"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

// login returns the user who has a name and a password, and tokens of theirs.
func (a *Authentication) login(ctx context.Context, name, password string, from netip.Addr) (*auth.User, *protowayv1.LoginToken, error) {
	attempt, err := a.attempts.take(name, from)
	if err != nil {
		return nil, nil, err
	}
	user, err := a.users.Login(ctx, name, password)
	attempt.end(err)
	if err != nil {
		return nil, nil, err
	}
	access, refresh, err := a.issuer.Tokens(user)
	if err != nil {
		return nil, nil, err
	}
	return a.grant(ctx, access, refresh)
}

// refresh returns the user whom a refresh token names, and their next tokens.
func (a *Authentication) refresh(ctx context.Context, token string, from netip.Addr) (*auth.User, *protowayv1.LoginToken, error) {
	attempt, err := a.attempts.take("", from)
	if err != nil {
		return nil, nil, err
	}
	user, next, err := a.rotate(ctx, token)
	attempt.end(err)
	if err != nil {
		return nil, nil, err
	}
	access, err := a.issuer.AccessToken(user) // of the same family
	if err != nil {
		return nil, nil, err
	}
	return a.grant(ctx, access, next)
}

// rotate exchanges a refresh token. Who may not sign in is refused before the token
// counts as used.
func (a *Authentication) rotate(ctx context.Context, token string) (*auth.User, string, error) {
	user, err := a.renew.Verify(ctx, token)
	if err != nil {
		return nil, "", err
	}
	_, next, err := a.issuer.Rotate(ctx, token)
	return user, next, err
}

// grant returns the user whom a fresh access token names, and the tokens.
func (a *Authentication) grant(ctx context.Context, access, refresh string) (*auth.User, *protowayv1.LoginToken, error) {
	user, err := a.access.Verify(ctx, access)
	if err != nil {
		return nil, nil, err
	}
	return user, &protowayv1.LoginToken{Token: access, Refresh: refresh}, nil
}
