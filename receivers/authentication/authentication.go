// Package authentication signs clients in on their connection: login by password,
// refresh and verification of tokens.
//
//	issuer := auth.NewIssuer(secret, auth.IssuerConfig{})
//	protoway.Config{
//		Verifier: auth.Current(issuer.Verifier(), users),
//		Paths: map[string]protoway.Path{"/ws": {
//			Receivers: []receivers.Receiver{authentication.New(authentication.Config{Issuer: issuer, Users: users})},
//		}},
//	}
//
// The one idea: whoever logs in is, from that frame on, who a new connection with
// the token would be, until the token expires.
package authentication

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
)

// Config is what signing in needs. Both fields are required.
type Config struct {
	// Issuer signs the tokens.
	Issuer *auth.Issuer
	// Users checks passwords, and whether a user may still sign in.
	Users auth.Users
}

// Authentication handles login, refresh-token and verify-token.
type Authentication struct {
	issuer *auth.Issuer
	users  auth.Users
	access auth.Verifier // of the issuer's own tokens
	renew  auth.Verifier // of its refresh tokens
}

var _ receivers.Receiver = (*Authentication)(nil)

// New returns the receiver of authentication. A bad configuration is reported
// when the server starts.
func New(config Config) *Authentication {
	a := &Authentication{issuer: config.Issuer, users: config.Users}
	if a.issuer != nil && a.users != nil {
		a.access = auth.Current(a.issuer.Verifier(), a.users)
		a.renew = auth.Current(a.issuer.RefreshVerifier(), a.users)
	}
	return a
}

// Routes returns what it handles.
func (a *Authentication) Routes() ([]consumer.Route, error) {
	if a.access == nil {
		return nil, errors.New("authentication.Config needs Issuer and Users")
	}
	if err := a.issuer.Check(); err != nil {
		return nil, err
	}
	return receivers.Discover(a).Routes()
}

// What clients of Proto Socket know a failed login by.
const (
	loginText = "Invalid login details."
	loginCode = "login-error"
)

// Login signs the connection in with a password.
func (a *Authentication) Login(ctx context.Context, in *protowayv1.Login) (*protowayv1.LoginToken, error) {
	user, err := a.users.Login(ctx, in.GetUsername(), in.GetPassword())
	if err != nil {
		return nil, refused(err, loginText, &protowayv1.LoginError{ErrorText: loginText, ErrorCode: loginCode})
	}
	refresh, err := a.issuer.RefreshToken(user)
	if err != nil {
		return nil, err
	}
	return a.signIn(ctx, user, refresh)
}

// RefreshToken signs the connection in with the refresh token of a login, which
// is answered again.
func (a *Authentication) RefreshToken(ctx context.Context, in *protowayv1.RefreshToken) (*protowayv1.LoginToken, error) {
	user, err := a.renew.Verify(ctx, in.GetRefreshToken())
	if err != nil {
		return nil, refused(err, "the refresh token is not accepted: log in", &protowayv1.RefreshTokenInvalid{})
	}
	return a.signIn(ctx, user, auth.TrimBearer(in.GetRefreshToken()))
}

// VerifyToken has succeeded when the rules of its message have.
func (a *Authentication) VerifyToken(context.Context, *protowayv1.VerifyToken) error { return nil }

// signIn makes the connection the user of a fresh access token.
func (a *Authentication) signIn(ctx context.Context, user *auth.User, refresh string) (*protowayv1.LoginToken, error) {
	token, err := a.issuer.AccessToken(user)
	if err != nil {
		return nil, err
	}
	signed, err := a.access.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	if err := consumer.From(ctx).SignIn(ctx, signed); err != nil {
		return nil, err
	}
	return &protowayv1.LoginToken{Token: token, Refresh: refresh}, nil
}

// refused returns an error as the client is told it: by a message if nobody is
// signed in by what was sent, as it is if that could not be found out.
func refused(err error, text string, m proto.Message) error {
	if status.CodeOf(err) != status.Unauthenticated {
		return err
	}
	return consumer.RefuseWith(m, status.Unauthenticated.Wrap(err, text))
}
