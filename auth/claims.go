package auth

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/protoway/protoway/status"
)

// The claims of a token, named as in djangorestframework-simplejwt and in
// Django's user model.
const (
	claimTokenType   = "token_type"
	claimExpires     = "exp"
	claimNotBefore   = "nbf"
	claimIssuedAt    = "iat"
	claimTokenID     = "jti"
	claimUserID      = "user_id"
	claimName        = "username"
	claimPermissions = "permissions"
	claimGroups      = "groups"
	claimSuperuser   = "is_superuser"
	claimFamily      = "family" // of this package: [User.Family]
)

// maxSeconds is the last second of the year 9999. Later times overflow somewhere,
// and a nbf that overflows would be in the past.
const maxSeconds = 253402300799

// user reads a token whose signature is good.
func (v *JWT) user(of jwt.Claims) (*User, error) {
	values, _ := of.(jwt.MapClaims)
	c := &claims{values: values}
	expires := c.valid(v.now(), v.leeway)
	if kind := c.text(claimTokenType); kind != v.tokenType {
		c.refuse("wrong token_type: it must be %q", v.tokenType)
	}
	user := &User{
		ID:          c.subject(),
		Name:        c.text(claimName),
		Permissions: c.names(claimPermissions),
		Groups:      c.names(claimGroups),
		Superuser:   c.flag(claimSuperuser),
		Expires:     expires,
		TokenID:     c.text(claimTokenID),
	}
	user.Family, _ = c.values[claimFamily].(string) // another issuer may mean anything by it
	user.IssuedAt = tokenTime(user.TokenID, c.at(claimIssuedAt))
	if c.err != nil {
		return nil, c.err
	}
	return user, nil
}

// claims reads typed values out of a token and keeps the first thing that is
// wrong. A null is an absent claim, as Python writes it.
type claims struct {
	values jwt.MapClaims
	err    error
}

func (c *claims) refuse(format string, args ...any) {
	if c.err == nil {
		c.err = status.Unauthenticated.Errorf(format, args...)
	}
}

// valid refuses a token that is not valid at now and returns when it stops to be.
func (c *claims) valid(now time.Time, leeway time.Duration) time.Time {
	expires, notBefore, issued := c.at(claimExpires), c.at(claimNotBefore), c.at(claimIssuedAt)
	switch {
	case expires.IsZero():
		c.refuse("exp is missing: the token would never expire")
	case !now.Before(expires.Add(leeway)):
		c.refuse("token expired at %s", stamp(expires))
	case now.Before(notBefore.Add(-leeway)):
		c.refuse("token is not valid before %s", stamp(notBefore))
	case now.Before(issued.Add(-leeway)):
		c.refuse("token is issued in the future, at %s: a clock is wrong", stamp(issued))
	}
	return expires.Add(leeway)
}

// at reads a time in seconds since the epoch; zero if absent. Fractions are cut
// off, as in PyJWT.
func (c *claims) at(name string) time.Time {
	value := c.values[name]
	if value == nil {
		return time.Time{}
	}
	number, ok := value.(json.Number)
	if !ok {
		c.refuse("%s is not a number", name)
		return time.Time{}
	}
	seconds, err := number.Float64()
	if err != nil || seconds < 0 || seconds > maxSeconds {
		c.refuse("%s is out of range", name)
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0)
}

// subject reads the user's id. A number keeps its digits; one that is written
// with a point or an exponent is refused, since 1e6 and 1000000 are one user
// under two names.
func (c *claims) subject() string {
	switch id := c.values[claimUserID].(type) {
	case nil:
		c.refuse("user_id is missing")
	case string:
		if id == "" {
			c.refuse("user_id is empty")
		}
		return id
	case json.Number:
		if !strings.ContainsAny(id.String(), ".eE") {
			return id.String()
		}
		c.refuse("user_id is a number but not an integer")
	default:
		c.refuse("user_id is neither a string nor an integer")
	}
	return ""
}

func (c *claims) text(name string) string {
	text, ok := c.values[name].(string)
	if !ok && c.values[name] != nil {
		c.refuse("%s is not a string", name)
	}
	return text
}

func (c *claims) flag(name string) bool {
	flag, ok := c.values[name].(bool)
	if !ok && c.values[name] != nil {
		c.refuse("%s is not a bool", name)
	}
	return flag
}

func (c *claims) names(name string) Set {
	list, ok := c.values[name].([]any)
	if !ok && c.values[name] != nil {
		c.refuse("%s is not a list", name)
	}
	names := make([]string, 0, len(list))
	for _, value := range list {
		text, ok := value.(string)
		if !ok {
			c.refuse("%s is not a list of strings", name)
		}
		names = append(names, text)
	}
	return NewSet(names...)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
