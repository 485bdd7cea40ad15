package auth

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/protoway/protoway/status"
)

// Rotate exchanges a refresh token: it returns the user whom it names, and the
// refresh token to use next time. The user has the Family of the tokens; what the
// user may do is for [Users] to say.
//
// Without [IssuerConfig.Rotation] that is the same token again. With it, a refresh
// token is good for one use. Used again, it was stolen from a client or by one, and
// nobody can say which: all tokens of its family are revoked. Only within
// [IssuerConfig.ReuseGrace], and while the successor has not been used, a client that
// lost the answer gets that same successor again. Whoever stole the token and uses it
// within that time gets it too; the theft shows when the second of them goes on.
//
// Errors: Unauthenticated for a token that is not good, Unavailable if the store
// cannot be asked, in which case the token may be used again.
func (i *Issuer) Rotate(ctx context.Context, refreshToken string) (*User, string, error) {
	user, err := i.RefreshVerifier().Verify(ctx, refreshToken)
	if err != nil {
		return nil, "", err
	}
	if i.config.Rotation == nil {
		return user, TrimBearer(refreshToken), nil
	}
	if err := i.config.Rotation.Check(ctx, user); err != nil {
		return nil, "", err
	}
	if user.TokenID == "" {
		return nil, "", status.Unauthenticated.Errorf("the refresh token has no jti, so it cannot be told whether it was used: sign in again")
	}
	next, err := i.succeed(ctx, user)
	if err != nil {
		return nil, "", err
	}
	token, err := i.signAt(next.At, next.ID, user, jwt.MapClaims{
		claimTokenType: refreshType, claimExpires: next.At.Add(i.config.RefreshLifetime).Unix(), claimFamily: user.Family,
	})
	if err != nil {
		return nil, "", err
	}
	return user, token, nil
}

// successor is the refresh token that came of one that was used.
type successor struct {
	ID string    `json:"jti"`
	At time.Time `json:"at"`
}

// usedKey is where the successor of a refresh token is.
func usedKey(tokenID string) string { return "refresh.used." + keyDigest(tokenID) }

// succeed uses up the refresh token of u. Whoever writes first has used it.
func (i *Issuer) succeed(ctx context.Context, u *User) (successor, error) {
	now := i.config.Clock().Truncate(tokenTick)
	mine := successor{newTokenID(now), now}
	text, err := json.Marshal(mine)
	if err != nil {
		return successor{}, status.Mask(err)
	}
	store := i.config.Rotation.store
	first, err := store.SetIfAbsent(ctx, usedKey(u.TokenID), text, i.config.Rotation.ttl())
	if err != nil {
		return successor{}, cannotRotate(err)
	}
	if first {
		return mine, nil
	}
	made, err := i.successorOf(ctx, u)
	switch {
	case err != nil:
		return successor{}, cannotRotate(err)
	case made != nil:
		return *made, nil
	}
	if err := i.config.Rotation.Revoke(ctx, Revocation{Family: u.Family}); err != nil {
		return successor{}, cannotRotate(err)
	}
	return successor{}, status.Unauthenticated.Errorf("the refresh token was used before: all tokens of its sign-in are revoked, sign in again")
}

// successorOf returns the successor of a used token if it may be answered again.
func (i *Issuer) successorOf(ctx context.Context, u *User) (*successor, error) {
	store := i.config.Rotation.store
	text, found, err := store.Get(ctx, usedKey(u.TokenID))
	if err != nil {
		return nil, err
	}
	var made successor
	if !found || json.Unmarshal(text, &made) != nil {
		return nil, errors.New("the successor of a refresh token cannot be read from the store")
	}
	if i.config.ReuseGrace < 0 || i.config.Clock().Sub(made.At) > i.config.ReuseGrace {
		return nil, nil
	}
	if _, used, err := store.Get(ctx, usedKey(made.ID)); used || err != nil {
		return nil, err
	}
	return &made, nil
}

func cannotRotate(err error) error {
	return status.Unavailable.Wrap(err, "it cannot be found out whether the refresh token was used: try again later")
}
