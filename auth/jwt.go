package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/protoway/protoway/status"
)

const (
	// MaxTokenBytes is the longest token that is looked at. Proxies refuse
	// longer headers anyway.
	MaxTokenBytes = 8 << 10
	// MinSecretBytes is the shortest HS256 secret: the size of the hash, which
	// RFC 7518 section 3.2 requires.
	MinSecretBytes = 32
)

// The values of token_type, which keep one kind of token from being used as the
// other. They are those of djangorestframework-simplejwt.
const (
	accessType  = "access"
	refreshType = "refresh"
)

// JWT verifies tokens like those of djangorestframework-simplejwt. The claims
// user_id (a string or an integer), token_type and exp are required; nbf and iat
// are honoured; jti, username, permissions, groups and is_superuser are optional.
// Other claims are ignored.
//
// The zero value, and one that is configured wrongly, refuses every token.
type JWT struct {
	keys      jwt.VerificationKeySet
	tokenType string
	leeway    time.Duration
	now       func() time.Time
	parser    *jwt.Parser
	problems  []error
}

// Option changes how tokens are verified.
type Option func(*JWT)

// HS256 verifies tokens signed with this secret, of at least [MinSecretBytes],
// and no other algorithm. A bad configuration is reported by [JWT.Check], so
// that this call fits a struct literal.
func HS256(secret []byte, opts ...Option) *JWT {
	v := &JWT{
		tokenType: accessType,
		now:       time.Now,
		// Strict, since otherwise the unused bits of the last character make
		// several strings of one token. Claim times are checked in claims.go.
		parser: jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Name}),
			jwt.WithJSONNumber(), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation()),
	}
	v.addSecret("secret", secret)
	for _, opt := range opts {
		opt(v)
	}
	return v
}

// OldSecret also accepts tokens signed with a secret that is being replaced. It
// may be given several times.
func OldSecret(secret []byte) Option {
	return func(v *JWT) { v.addSecret("old secret", secret) }
}

// Leeway accepts tokens this long before nbf and iat and after exp, for clocks
// that differ: with one node's issuer ahead of another's verifier, a token is
// "issued in the future" for that long. Default: 0, as in simplejwt.
func Leeway(d time.Duration) Option {
	return func(v *JWT) {
		if d < 0 {
			v.problems = append(v.problems, fmt.Errorf("auth: leeway %s is negative", d))
		}
		v.leeway = d
	}
}

// Clock says what time it is. Default, also for nil: time.Now.
func Clock(now func() time.Time) Option {
	return func(v *JWT) {
		if now != nil {
			v.now = now
		}
	}
}

// RefreshTokens accepts refresh tokens instead of access tokens. It is for the
// receiver that exchanges them, and never for a connection's verifier.
func RefreshTokens() Option { return func(v *JWT) { v.tokenType = refreshType } }

func (v *JWT) addSecret(what string, secret []byte) {
	if err := checkSecret(what, secret); err != nil {
		v.problems = append(v.problems, err)
		return
	}
	v.keys.Keys = append(v.keys.Keys, slices.Clone(secret))
}

func checkSecret(what string, secret []byte) error {
	if len(secret) < MinSecretBytes {
		return fmt.Errorf("auth: the HS256 %s has %d bytes, at least %d are needed", what, len(secret), MinSecretBytes)
	}
	return nil
}

// Check reports what is wrong with the configuration.
func (v *JWT) Check() error {
	if v.parser == nil {
		return errors.New("auth: a JWT verifier is made by HS256")
	}
	return errors.Join(v.problems...)
}

// Verify returns the user whom the token names.
func (v *JWT) Verify(_ context.Context, token string) (*User, error) {
	if err := v.Check(); err != nil {
		return nil, status.Internal.Wrap(err, "tokens cannot be verified")
	}
	token = TrimBearer(token)
	switch {
	case token == "":
		return nil, status.Unauthenticated.Errorf("token is empty")
	case len(token) > MaxTokenBytes:
		return nil, status.Unauthenticated.Errorf("token is too long: %d bytes, at most %d", len(token), MaxTokenBytes)
	}
	parsed, err := v.parser.Parse(token, v.key)
	if err != nil {
		return nil, refusal(parsed, err)
	}
	return v.user(parsed.Claims)
}

// errCritical refuses a token whose header asks for an extension: RFC 7515
// section 4.1.11 says that whoever does not understand one must.
var errCritical = errors.New("critical extension")

func (v *JWT) key(parsed *jwt.Token) (any, error) {
	if _, ok := parsed.Header["crit"]; ok {
		return nil, errCritical
	}
	return v.keys, nil
}

// refusal says what is wrong with a token of unknown origin. It quotes nothing
// of the token and does not wrap the parser's error, which may.
func refusal(parsed *jwt.Token, err error) error {
	switch {
	case parsed == nil, errors.Is(err, jwt.ErrTokenMalformed):
		return status.Unauthenticated.Errorf("not a token: a JSON Web Token is three base64url parts with dots between")
	case parsed.Header["alg"] != jwt.SigningMethodHS256.Name:
		return status.Unauthenticated.Errorf("algorithm is not accepted: tokens are signed with HS256")
	case errors.Is(err, errCritical):
		return status.Unauthenticated.Errorf("token asks for an extension (crit), and none is known")
	default:
		return status.Unauthenticated.Errorf("bad signature: the token was signed with another secret, or changed")
	}
}
