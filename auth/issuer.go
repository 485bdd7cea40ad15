package auth

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"github.com/protoway/protoway/status"
)

// The lifetimes of tokens if an [IssuerConfig] states none.
const (
	DefaultAccessLifetime  = 5 * time.Minute
	DefaultRefreshLifetime = 24 * time.Hour
)

// IssuerConfig says how long tokens live. The zero value is fine.
type IssuerConfig struct {
	// AccessLifetime is how long an access token is good, and with it whatever
	// it says about the user. Default: [DefaultAccessLifetime].
	AccessLifetime time.Duration
	// RefreshLifetime is how long a user may stay away without signing in
	// again. Default: [DefaultRefreshLifetime].
	RefreshLifetime time.Duration
	// Clock says what time it is. Default: time.Now.
	Clock func() time.Time
}

// Issuer signs tokens that [HS256] with the same secret verifies, and that
// djangorestframework-simplejwt accepts.
type Issuer struct {
	secret []byte
	config IssuerConfig
}

// NewIssuer makes an issuer. A bad configuration is reported by [Issuer.Check]
// and by every attempt to sign.
func NewIssuer(secret []byte, config IssuerConfig) *Issuer {
	if config.AccessLifetime == 0 {
		config.AccessLifetime = DefaultAccessLifetime
	}
	if config.RefreshLifetime == 0 {
		config.RefreshLifetime = DefaultRefreshLifetime
	}
	if config.Clock == nil {
		config.Clock = time.Now
	}
	return &Issuer{secret: slices.Clone(secret), config: config}
}

// Check reports what is wrong with the configuration.
func (i *Issuer) Check() error {
	problems := []error{checkSecret("secret", i.secret)}
	if i.config.AccessLifetime < time.Second || i.config.RefreshLifetime < time.Second {
		problems = append(problems, fmt.Errorf("auth: token lifetimes %s and %s: at least a second is needed",
			i.config.AccessLifetime, i.config.RefreshLifetime))
	}
	return errors.Join(problems...)
}

// Verifier returns what verifies the access tokens of this issuer.
func (i *Issuer) Verifier(opts ...Option) *JWT {
	return HS256(i.secret, append([]Option{Clock(i.config.Clock)}, opts...)...)
}

// RefreshVerifier returns what verifies the refresh tokens of this issuer. It is
// for the receiver that exchanges them, and never for a connection.
func (i *Issuer) RefreshVerifier(opts ...Option) *JWT {
	return i.Verifier(append(opts, RefreshTokens())...)
}

// AccessToken signs who the user is and what the user may do, for the access
// lifetime. Expires, TokenID and IssuedAt of the user are not read: the token
// has its own.
func (i *Issuer) AccessToken(u *User) (string, error) {
	extra := jwt.MapClaims{}
	if u.SignedIn() {
		addNames(extra, claimPermissions, u.Permissions)
		addNames(extra, claimGroups, u.Groups)
		if u.Name != "" {
			extra[claimName] = u.Name
		}
		if u.Superuser {
			extra[claimSuperuser] = true
		}
		if u.Family != "" {
			extra[claimFamily] = u.Family
		}
	}
	return i.sign(u, accessType, i.config.AccessLifetime, extra)
}

// RefreshToken signs who the user is, and nothing else: what the user may do is
// looked up when the token is exchanged, so that it is never older than an
// access token.
func (i *Issuer) RefreshToken(u *User) (string, error) {
	return i.sign(u, refreshType, i.config.RefreshLifetime, jwt.MapClaims{})
}

func (i *Issuer) sign(u *User, tokenType string, lifetime time.Duration, claims jwt.MapClaims) (string, error) {
	if err := i.Check(); err != nil {
		return "", status.Internal.Wrap(err, "tokens cannot be signed")
	}
	// JSON would turn invalid bytes into U+FFFD: another user's id.
	if !u.SignedIn() || !utf8.ValidString(u.ID) {
		return "", status.Internal.Errorf("a token needs a user whose id is neither empty nor invalid UTF-8")
	}
	now := i.config.Clock()
	claims[claimTokenType] = tokenType
	claims[claimExpires] = now.Add(lifetime).Unix()
	claims[claimIssuedAt] = now.Unix()
	claims[claimTokenID] = newTokenID(now)
	claims[claimUserID] = u.ID
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(i.secret)
	if err != nil {
		return "", status.Internal.Wrap(err, "tokens cannot be signed")
	}
	if len(token) > MaxTokenBytes {
		return "", status.Internal.Errorf("token is too long: %d bytes, at most %d; it has too many permissions or groups",
			len(token), MaxTokenBytes)
	}
	return token, nil
}

func addNames(claims jwt.MapClaims, name string, set Set) {
	if set.Len() > 0 {
		claims[name] = set.Names()
	}
}
