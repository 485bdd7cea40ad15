// Package authentication signs clients in on their connection: login by password,
// refresh and verification of tokens, logout. [Authentication.Handler] serves tokens
// over HTTP.
//
//	issuer := auth.NewIssuer(secret, auth.IssuerConfig{})
//	protoway.Config{
//		Verifier: issuer.Verifier(),
//		Users:    users,
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

// Config is what signing in needs. Issuer and Users are required.
type Config struct {
	// Issuer signs the tokens.
	Issuer *auth.Issuer
	// Users checks passwords, and whether a user may still sign in.
	Users auth.Users
	// Revocations are where Logout ends tokens; the same as in protoway.Config.
	// Default: Logout signs the connection out, and its tokens stay good.
	Revocations *auth.Revocations
	// Attempts bound how often somebody may try. Default: they are bounded.
	Attempts Attempts
}

// Authentication handles login, refresh-token, verify-token, logout and who-am-i.
type Authentication struct {
	issuer      *auth.Issuer
	users       auth.Users
	revocations *auth.Revocations
	attempts    *attempts
	access      auth.Verifier // of the issuer's own tokens
	renew       auth.Verifier // of its refresh tokens
}

var _ receivers.Receiver = (*Authentication)(nil)

// New returns the receiver of authentication. A bad configuration is reported
// when the server starts.
func New(config Config) *Authentication {
	a := &Authentication{issuer: config.Issuer, users: config.Users, revocations: config.Revocations, attempts: newAttempts(config.Attempts)}
	if a.issuer != nil && a.users != nil {
		a.access, a.renew = a.checked(a.issuer.Verifier()), a.checked(a.issuer.RefreshVerifier())
	}
	return a
}

// checked returns a verifier that asks who may be signed in now.
func (a *Authentication) checked(verifier auth.Verifier) auth.Verifier {
	verifier = auth.Current(verifier, a.users)
	if a.revocations == nil {
		return verifier
	}
	return auth.Revoked(verifier, a.revocations)
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
	user, tokens, err := a.login(ctx, in.GetUsername(), in.GetPassword(), addressOf(consumer.From(ctx).RemoteAddr()))
	if err != nil {
		return nil, refusedLogin(err)
	}
	return tokens, consumer.From(ctx).SignIn(ctx, user)
}

// RefreshToken signs the connection in with the refresh token of a login.
func (a *Authentication) RefreshToken(ctx context.Context, in *protowayv1.RefreshToken) (*protowayv1.LoginToken, error) {
	user, tokens, err := a.refresh(ctx, in.GetRefreshToken(), addressOf(consumer.From(ctx).RemoteAddr()))
	if err != nil {
		return nil, refused(err, "the refresh token is not accepted: log in", &protowayv1.RefreshTokenInvalid{})
	}
	return tokens, consumer.From(ctx).SignIn(ctx, user)
}

// VerifyToken has succeeded when the rules of its message have.
func (a *Authentication) VerifyToken(context.Context, *protowayv1.VerifyToken) error { return nil }

// refusedLogin returns an error of a login as the client is told it.
func refusedLogin(err error) error {
	if failure := status.From(err); failure.Code == status.ResourceExhausted {
		return consumer.RefuseWith(&protowayv1.LoginError{ErrorText: failure.Text, ErrorCode: loginCode}, failure)
	}
	return refused(err, loginText, &protowayv1.LoginError{ErrorText: loginText, ErrorCode: loginCode})
}

// refused returns an error as the client is told it: by a message if nobody is
// signed in by what was sent, as it is if that could not be found out.
func refused(err error, text string, m proto.Message) error {
	if status.CodeOf(err) != status.Unauthenticated {
		return err
	}
	return consumer.RefuseWith(m, status.Unauthenticated.Wrap(err, text))
}
