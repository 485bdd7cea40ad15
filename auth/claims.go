package auth

import (
	"encoding/json"
	"slices"
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
	claimSubject     = "sub"
	claimIssuer      = "iss"
	claimAudience    = "aud"
)

// maxSeconds is the last second of the year 9999. Later times overflow somewhere,
// and a nbf that overflows would be in the past.
const maxSeconds = 253402300799

// user reads a token whose signature is good.
func (v *JWT) user(of jwt.Claims) (*User, error) {
	values, _ := of.(jwt.MapClaims)
	c := &claims{values: values}
	expires := c.valid(v.config.Clock(), v.config.Leeway)
	v.checkClaims(c)
	names := v.config.Claims
	user := &User{
		ID:          c.subject(names.User),
		Name:        c.text(names.Name),
		Permissions: c.names(names.Permissions),
		Groups:      c.names(names.Groups),
		Superuser:   c.flag(names.Superuser),
		Expires:     expires,
		TokenID:     c.text(claimTokenID),
		IssuedAt:    c.at(claimIssuedAt),
	}
	user.Family, _ = c.values[claimFamily].(string) // another issuer may mean anything by it
	if user.Family == "" && v.tokenType == refreshType {
		user.Family = user.TokenID // the first of its family
	}
	if c.err != nil {
		return nil, c.err
	}
	return user, nil
}

// checkClaims refuses a token that was not made for this server.
func (v *JWT) checkClaims(c *claims) {
	if kind := c.text(claimTokenType); kind != v.tokenType && (kind != "" || !v.config.NoTokenType) {
		c.refuse("wrong token_type: it must be %q", v.tokenType)
	}
	if want := v.config.Issuer; want != "" && c.text(claimIssuer) != want {
		c.refuse("wrong iss: the token must be of the issuer %q", want)
	}
	if want := v.config.Audience; len(want) > 0 && !slices.ContainsFunc(c.audience(), func(name string) bool { return slices.Contains(want, name) }) {
		c.refuse("wrong aud: the token must be for %s", strings.Join(want, " or "))
	}
	for _, name := range v.config.Required {
		if c.find(name) == nil {
			c.refuse("%s is missing", name)
		}
	}
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

// subject reads the user's id from the first of the claims that is there. A number
// keeps its digits; one that is written with a point or an exponent is refused, since
// 1e6 and 1000000 are one user under two names.
func (c *claims) subject(names []string) string {
	name := names[0]
	for _, other := range names {
		if c.find(other) != nil {
			name = other
			break
		}
	}
	switch id := c.find(name).(type) {
	case nil:
		c.refuse("%s is missing", strings.Join(names, " or "))
	case string:
		if id == "" {
			c.refuse("%s is empty", name)
		}
		return id
	case json.Number:
		if !strings.ContainsAny(id.String(), ".eE") {
			return id.String()
		}
		c.refuse("%s is a number but not an integer", name)
	default:
		c.refuse("%s is neither a string nor an integer", name)
	}
	return ""
}

// find returns the value of a claim. A name with points that no claim bears is the
// way to one within objects.
func (c *claims) find(name string) any {
	if value := c.values[name]; value != nil || !strings.Contains(name, ".") {
		return value
	}
	var value any = map[string]any(c.values)
	for step := range strings.SplitSeq(name, ".") {
		within, _ := value.(map[string]any) // nil has no values
		value = within[step]
	}
	return value
}

func (c *claims) text(name string) string {
	value := c.find(name)
	text, ok := value.(string)
	if !ok && value != nil {
		c.refuse("%s is not a string", name)
	}
	return text
}

func (c *claims) flag(name string) bool {
	value := c.find(name)
	flag, ok := value.(bool)
	if !ok && value != nil {
		c.refuse("%s is not a bool", name)
	}
	return flag
}

func (c *claims) names(name string) Set {
	value := c.find(name)
	if text, ok := value.(string); ok && (name == "scope" || name == "scp") {
		return NewSet(strings.Fields(text)...) // RFC 8693 section 4.2
	}
	return NewSet(c.list(name, value)...)
}

func (c *claims) list(name string, value any) []string {
	list, ok := value.([]any)
	if !ok && value != nil {
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
	return names
}

// audience reads aud, one string or several (RFC 7519 section 4.1.3).
func (c *claims) audience() []string {
	value := c.values[claimAudience]
	if one, ok := value.(string); ok {
		return []string{one}
	}
	return c.list(claimAudience, value)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
