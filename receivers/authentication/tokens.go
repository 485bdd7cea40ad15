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
	refresh, err := a.issuer.RefreshToken(user)
	if err != nil {
		return nil, nil, err
	}
	// The refresh token begins the family of the sign-in.
	named, err := a.issuer.RefreshVerifier().Verify(ctx, refresh)
	if err != nil {
		return nil, nil, err
	}
	return a.grant(ctx, user, named.Family, refresh)
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
	return a.grant(ctx, user, user.Family, next)
}

// rotate exchanges a refresh token. Who may not sign in is refused before the token
// counts as used.
func (a *Authentication) rotate(ctx context.Context, token string) (*auth.User, string, error) {
	user, err := a.renew.Verify(ctx, token)
	if err != nil {
		return nil, "", err
	}
	return user, auth.TrimBearer(token), nil
}

// grant returns the user of a fresh access token, and the tokens.
func (a *Authentication) grant(ctx context.Context, user *auth.User, family, refresh string) (*auth.User, *protowayv1.LoginToken, error) {
	signing := *user
	signing.Family = family
	token, err := a.issuer.AccessToken(&signing)
	if err != nil {
		return nil, nil, err
	}
	signed, err := a.access.Verify(ctx, token)
	if err != nil {
		return nil, nil, err
	}
	return signed, &protowayv1.LoginToken{Token: token, Refresh: refresh}, nil
}
