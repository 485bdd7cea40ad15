package auth

import "time"

// User says who a connection is. It is a snapshot: once a verifier or a login
// has handed one over, it is shared by goroutines and must not be changed. A
// change of identity is another User.
//
// A nil *User is [Anonymous].
type User struct {
	// ID is the subject: what tokens call user_id. Empty: anonymous, whatever
	// the other fields say.
	ID string
	// Name is for people; nothing is decided by it.
	Name string
	// Permissions are the names that a [Policy] asks for, "chat.add_room".
	Permissions Set
	// Groups are the user's groups of the application. They have nothing to do
	// with the groups that a connection joins.
	Groups Set
	// Superuser passes every policy.
	Superuser bool
	// Expires is when the user stops counting as signed in, the verifier's
	// leeway included. Zero: never.
	Expires time.Time
	// TokenID is the jti of the token that said who this is; empty if there was
	// none. Revocation goes by it.
	TokenID string
	// Family is what all tokens of one sign-in have in common: the access tokens
	// that refresh tokens were exchanged for included. Empty if the token has none.
	Family string
	// IssuedAt is when that token was made; zero if it did not say.
	IssuedAt time.Time
}

// Anonymous is who a connection is before it signs in.
var Anonymous = &User{}

// SignedIn reports whether u is anybody. Whether that is still so at some time
// is for [User.Expired] to say.
func (u *User) SignedIn() bool { return u != nil && u.ID != "" }

// Has reports whether u has the permission. A superuser has all of them.
func (u *User) Has(permission string) bool {
	return u.SignedIn() && (u.Superuser || u.Permissions.Has(permission))
}

// In reports whether u is in the user group. It states a fact: a superuser is in
// the groups that it was put in, and in no other.
func (u *User) In(group string) bool { return u.SignedIn() && u.Groups.Has(group) }

// Expired reports whether u no longer counts as signed in at now. Whoever never
// expires, and whoever is anonymous, is not expired.
func (u *User) Expired(now time.Time) bool {
	return u.SignedIn() && !u.Expires.IsZero() && !now.Before(u.Expires)
}

// Same reports whether both are the same subject, with whatever rights. All
// anonymous users are the same.
func (u *User) Same(other *User) bool {
	if !u.SignedIn() || !other.SignedIn() {
		return u.SignedIn() == other.SignedIn()
	}
	return u.ID == other.ID
}

// SamePolicy reports whether every [Policy] gives both the same answer, expiry
// aside. The subjects may differ.
func (u *User) SamePolicy(other *User) bool {
	if !u.SignedIn() || !other.SignedIn() {
		return u.SignedIn() == other.SignedIn()
	}
	return u.Superuser == other.Superuser &&
		u.Permissions.Equal(other.Permissions) && u.Groups.Equal(other.Groups)
}
