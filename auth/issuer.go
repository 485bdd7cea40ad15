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

// The times of tokens if an [IssuerConfig] states none.
const (
	DefaultAccessLifetime  = 5 * time.Minute
	DefaultRefreshLifetime = 24 * time.Hour
	DefaultReuseGrace      = 10 * time.Second
)

// IssuerConfig says how tokens are made. The zero value is fine.
type IssuerConfig struct {
	// AccessLifetime is how long an access token is good, and with it whatever
	// it says about the user. Default: [DefaultAccessLifetime].
	AccessLifetime time.Duration
	// RefreshLifetime is how long a user may stay away without signing in
	// again. Default: [DefaultRefreshLifetime].
	RefreshLifetime time.Duration
	// Signer signs instead of the secret, which is nil then. Whoever verifies needs
	// only the public key.
	Signer *Signer
	// Name is the iss of the tokens. Default: they have none.
	Name string
	// Audience is the aud of the tokens. Default: they have none.
	Audience []string
	// Rotation makes every refresh token good for one use, see [Issuer.Rotate]. It
	// is where used ones are remembered, and where the tokens of one that was used
	// twice are revoked. Default: refresh tokens are good until they expire.
	Rotation *Revocations
	// ReuseGrace is how long after its first use a refresh token is answered again,
	// with the same successor: for a client that lost the answer. Default:
	// [DefaultReuseGrace]. Negative: none.
	ReuseGrace time.Duration
	// Clock says what time it is. Default: time.Now.
	Clock func() time.Time
}

// Issuer signs tokens that [HS256] with the same secret verifies, and that
// djangorestframework-simplejwt accepts; or, with a [Signer], [PEMKey] with the
// public half of its key.
type Issuer struct {
	key    any // what the library takes
	method jwt.SigningMethod
	public Key
	config IssuerConfig
	err    error // the problem of the configuration
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
	if config.ReuseGrace == 0 {
		config.ReuseGrace = DefaultReuseGrace
	}
	if config.Clock == nil {
		config.Clock = time.Now
	}
	i := &Issuer{config: config}
	if signer := config.Signer; signer != nil {
		i.key, i.method, i.public = signer.private, signer.method, signer.public()
	} else {
		i.key, i.method, i.public = slices.Clone(secret), jwt.SigningMethodHS256, SecretKey(secret)
	}
	i.err = i.check(secret)
	return i
}

// Check reports what is wrong with the configuration.
func (i *Issuer) Check() error {
	if i.public == nil {
		return errors.New("auth: an issuer is made by NewIssuer")
	}
	return i.err
}

func (i *Issuer) check(secret []byte) error {
	problems := []error{i.public.Check()}
	if i.config.Signer != nil && len(secret) > 0 {
		problems = append(problems, errors.New("auth: an issuer has a secret and a Signer: it signs with one of them"))
	}
	if i.config.AccessLifetime < time.Second || i.config.RefreshLifetime < time.Second {
		problems = append(problems, fmt.Errorf("auth: token lifetimes %s and %s: at least a second is needed",
			i.config.AccessLifetime, i.config.RefreshLifetime))
	}
	if r := i.config.Rotation; r != nil {
		problems = append(problems, r.usable())
		if r.config.Lifetime < i.config.RefreshLifetime {
			problems = append(problems, fmt.Errorf("auth: revocations are kept for %s and refresh tokens live for %s: state RevocationsConfig.Lifetime",
				r.config.Lifetime, i.config.RefreshLifetime))
		}
	}
	return errors.Join(problems...)
}

// Verifier returns what verifies the access tokens of this issuer.
func (i *Issuer) Verifier(opts ...Option) *JWT {
	v := &JWT{tokenType: accessType, config: JWTConfig{
		Keys: []Key{i.public}, Clock: i.config.Clock, Issuer: i.config.Name, Audience: i.config.Audience,
		Claims: ClaimNames{User: []string{claimUserID}},
	}}
	return v.with(opts)
}

// RefreshVerifier returns what verifies the refresh tokens of this issuer. It is
// for the receiver that exchanges them, and never for a connection.
func (i *Issuer) RefreshVerifier(opts ...Option) *JWT {
	return i.Verifier(append(opts, RefreshTokens())...)
}

// AccessToken signs who the user is and what the user may do, for the access
// lifetime. Expires, TokenID and IssuedAt of the user are not read: the token
// has its own. Family is: the token belongs to it.
func (i *Issuer) AccessToken(u *User) (string, error) {
	extra := familyClaim(u)
	if u.SignedIn() {
		addNames(extra, claimPermissions, u.Permissions)
		addNames(extra, claimGroups, u.Groups)
		if u.Name != "" {
			extra[claimName] = u.Name
		}
		if u.Superuser {
			extra[claimSuperuser] = true
		}
	}
	return i.sign(u, accessType, i.config.AccessLifetime, extra)
}

// RefreshToken signs who the user is, and nothing else: what the user may do is
// looked up when the token is exchanged, so that it is never older than an
// access token. Without a Family the token begins one.
func (i *Issuer) RefreshToken(u *User) (string, error) {
	return i.sign(u, refreshType, i.config.RefreshLifetime, familyClaim(u))
}

// Tokens signs both tokens of one sign-in: a refresh token that begins a family, and
// an access token that belongs to it, so that revoking the family ends both.
func (i *Issuer) Tokens(u *User) (access, refresh string, err error) {
	now := i.now()
	begun := newTokenID(now)
	if refresh, err = i.signAt(now, begun, u, jwt.MapClaims{claimTokenType: refreshType, claimExpires: now.Add(i.config.RefreshLifetime).Unix()}); err != nil {
		return "", "", err
	}
	member := *u
	member.Family = begun
	if access, err = i.AccessToken(&member); err != nil {
		return "", "", err
	}
	return access, refresh, nil
}

func familyClaim(u *User) jwt.MapClaims {
	if !u.SignedIn() || u.Family == "" {
		return jwt.MapClaims{}
	}
	return jwt.MapClaims{claimFamily: u.Family}
}

func (i *Issuer) sign(u *User, tokenType string, lifetime time.Duration, claims jwt.MapClaims) (string, error) {
	now := i.now()
	claims[claimTokenType] = tokenType
	claims[claimExpires] = now.Add(lifetime).Unix()
	return i.signAt(now, newTokenID(now), u, claims)
}

// signAt signs the claims and those that every token has.
func (i *Issuer) signAt(now time.Time, id string, u *User, claims jwt.MapClaims) (string, error) {
	if err := i.Check(); err != nil {
		return "", status.Internal.Wrap(err, "tokens cannot be signed")
	}
	// JSON would turn invalid bytes into U+FFFD: another user's id.
	if !u.SignedIn() || !utf8.ValidString(u.ID) {
		return "", status.Internal.Errorf("a token needs a user whose id is neither empty nor invalid UTF-8")
	}
	claims[claimIssuedAt] = now.Unix()
	claims[claimTokenID] = id
	claims[claimUserID] = u.ID
	if i.config.Name != "" {
		claims[claimIssuer] = i.config.Name
	}
	if len(i.config.Audience) > 0 {
		claims[claimAudience] = i.config.Audience
	}
	made := jwt.NewWithClaims(i.method, claims)
	if i.config.Signer != nil && i.config.Signer.id != "" {
		made.Header["kid"] = i.config.Signer.id
	}
	token, err := made.SignedString(i.key)
	if err != nil {
		return "", status.Internal.Wrap(err, "tokens cannot be signed")
	}
	if len(token) > MaxTokenBytes {
		return "", status.Internal.Errorf("token is too long: %d bytes, at most %d; it has too many permissions or groups",
			len(token), MaxTokenBytes)
	}
	return token, nil
}

func (i *Issuer) now() time.Time {
	if i.config.Clock == nil { // the zero value, which signs nothing
		return time.Now()
	}
	return i.config.Clock()
}

func addNames(claims jwt.MapClaims, name string, set Set) {
	if set.Len() > 0 {
		claims[name] = set.Names()
	}
}
