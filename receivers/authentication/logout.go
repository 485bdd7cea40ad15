package authentication

import (
	"context"
	"errors"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
)

// Logout signs the connection out and ends its tokens. It is signed out in any
// case; an error says that the tokens could not be ended, and sending the refresh
// token along makes it possible to try again.
func (a *Authentication) Logout(ctx context.Context, in *protowayv1.Logout) error {
	me := consumer.From(ctx)
	// First, so that the revocation does not find the connection and ask it for a token.
	if err := me.SignIn(ctx, nil); err != nil {
		return err
	}
	if a.revocations == nil {
		return nil
	}
	return errors.Join(a.end(ctx, me.User()), a.endRefresh(ctx, in.GetRefreshToken()))
}

// end revokes the token of a user, with all others of the same sign-in.
func (a *Authentication) end(ctx context.Context, user *auth.User) error {
	switch {
	case !user.SignedIn():
		return nil
	case user.Family != "":
		return a.revocations.Revoke(ctx, auth.Revocation{Family: user.Family})
	case user.TokenID != "":
		return a.revocations.Revoke(ctx, auth.Revocation{TokenID: user.TokenID})
	}
	return nil
}

// endRefresh revokes a refresh token. One that is not good need not be ended.
func (a *Authentication) endRefresh(ctx context.Context, token string) error {
	if token == "" {
		return nil
	}
	user, err := a.issuer.RefreshVerifier().Verify(ctx, token)
	if status.CodeOf(err) == status.Unauthenticated {
		return nil
	}
	if err != nil {
		return err
	}
	return a.end(ctx, user)
}

// WhoAmI says who the connection is.
func (a *Authentication) WhoAmI(ctx context.Context, _ *protowayv1.WhoAmI) (*protowayv1.Identity, error) {
	user := consumer.From(ctx).User()
	if !user.SignedIn() {
		return &protowayv1.Identity{}, nil
	}
	identity := &protowayv1.Identity{
		Id: user.ID, Name: user.Name, Superuser: user.Superuser,
		Permissions: user.Permissions.Names(), Groups: user.Groups.Names(),
	}
	if !user.Expires.IsZero() {
		identity.Expires = timestamppb.New(user.Expires)
	}
	return identity, nil
}
