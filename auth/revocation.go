package auth

import (
	"encoding/json"
	"time"

	"github.com/protoway/protoway/status"
)

// Revocation ends tokens before their time. One of its first three fields says
// which: the token with an id, the family of tokens of one sign-in, or all that a
// user has from before a moment. With Before alone it is everybody's.
//
// The id of a token of [Issuer] says when it was made to the microsecond, so whoever
// signs in again right after a revocation has a good token. Of any other token iat is taken
// as it stands: one with whole seconds, made in the second of Before, counts as made
// at the beginning of that second, so it ends, also if it was made a little later.
// A program that would rather spare it states Before.Truncate(time.Second). A user
// who has no such time counts as from before.
type Revocation struct {
	// TokenID is the jti of one token.
	TokenID string `json:"jti,omitempty"`
	// Family is the [User.Family] of all tokens of one sign-in.
	Family string `json:"family,omitempty"`
	// UserID is the [User.ID] whose tokens from before Before end.
	UserID string `json:"user,omitempty"`
	// Before is the moment. Default, with UserID: now. It does not count with
	// TokenID and Family.
	Before time.Time `json:"before,omitzero"`
}

// Covers reports whether r ends the token of u. It says so of no anonymous user.
func (r Revocation) Covers(u *User) bool {
	switch {
	case !u.SignedIn() || r.check() != nil:
		return false
	case r.TokenID != "":
		return r.TokenID == u.TokenID
	case r.Family != "":
		return r.Family == u.Family
	case r.UserID != "" && r.UserID != u.ID:
		return false
	default:
		return tokenTime(u.TokenID, u.IssuedAt).Before(r.Before.Truncate(tokenTick))
	}
}

// check says what is wrong with r.
func (r Revocation) check() error {
	said := 0
	for _, id := range []string{r.TokenID, r.Family, r.UserID} {
		if id != "" {
			said++
		}
		if len(id) > MaxTokenBytes { // longer than any token that was verified
			return status.InvalidArgument.Errorf("a revocation has an id of %d bytes, at most %d", len(id), MaxTokenBytes)
		}
	}
	switch {
	case said > 1:
		return status.InvalidArgument.Errorf("a revocation has more than one of TokenID, Family and UserID: make several")
	case said == 0 && r.Before.IsZero():
		return status.InvalidArgument.Errorf("a revocation says nothing: state TokenID, Family, UserID, or Before for everybody")
	case !r.Before.IsZero() && (r.Before.Unix() < 0 || r.Before.Unix() > maxSeconds):
		return status.InvalidArgument.Errorf("a revocation has a moment before 1970 or after 9999")
	}
	return nil
}

// logged is a revocation in the log, with the time at which it was made.
type logged struct {
	Revocation
	At time.Time `json:"at"`
}

func (l logged) encode() []byte {
	text, err := json.Marshal(l)
	if err != nil {
		panic(err) // strings and times between 1970 and 9999 can be marshalled
	}
	return text
}
