package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
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

// JWTConfig says whose tokens are accepted. Keys are required.
type JWTConfig struct {
	// Keys are what tokens are verified with: the first that fits is enough.
	Keys []Key
	// Issuer is what iss must be. Default: iss is not looked at.
	Issuer string
	// Audience are names of this server, one of which must be in aud. Default: aud
	// is not looked at, which with [JWKS] has to be said by AnyAudience.
	Audience []string
	// AnyAudience says that tokens which the issuer of a [JWKS] made for other
	// servers are good here too.
	AnyAudience bool
	// Leeway is for clocks that differ, see [Leeway]. Default: none.
	Leeway time.Duration
	// Required are claims that a token must have besides those of the user and exp.
	Required []string
	// Claims are where a token says who the user is.
	Claims ClaimNames
	// NoTokenType also accepts tokens without token_type, as those of OpenID Connect
	// have none. One that is stated must be "access" still.
	NoTokenType bool
	// Clock says what time it is. Default: time.Now.
	Clock func() time.Time
}

// JWT verifies JSON Web Tokens. Without a [JWTConfig] that says otherwise they are
// like those of djangorestframework-simplejwt: the claims user_id (a string or an
// integer), token_type and exp are required; nbf and iat are honoured; jti, username,
// permissions, groups and is_superuser are optional. Other claims are ignored.
//
// A token that brings a key or the address of one (jwk, jku, x5c, x5u), or asks for
// an extension (crit), is refused.
//
// Of access tokens that were good, those that came last are remembered by their
// hash until they expire, unless their key comes from a [JWKS], which may take it
// back. What ends tokens before their time ([Revocations]) or their users
// ([Current]) is asked each time.
//
// The zero value, and one that is configured wrongly, refuses every token.
type JWT struct {
	config    JWTConfig
	tokenType string
	parser    *jwt.Parser
	problems  []error
	accepted  string    // the algorithms, for people
	good      *verified // nil: each token is verified whenever it comes
}

// Option changes how tokens are verified.
type Option func(*JWT)

// NewJWT verifies tokens with keys of any kind. A bad configuration is reported by
// [JWT.Check].
func NewJWT(config JWTConfig, opts ...Option) *JWT {
	config.Keys, config.Audience = slices.Clone(config.Keys), slices.Clone(config.Audience)
	v := &JWT{config: config, tokenType: accessType}
	if len(v.config.Claims.User) == 0 {
		v.config.Claims.User = []string{claimUserID, claimSubject, "id"}
	}
	return v.with(opts)
}

// HS256 verifies tokens signed with this secret, of at least [MinSecretBytes],
// and no other algorithm. A bad configuration is reported by [JWT.Check], so
// that this call fits a struct literal.
func HS256(secret []byte, opts ...Option) *JWT {
	v := &JWT{tokenType: accessType, config: JWTConfig{
		Keys: []Key{SecretKey(secret)}, Claims: ClaimNames{User: []string{claimUserID}},
	}}
	return v.with(opts)
}

// with applies the options and makes the parser.
func (v *JWT) with(opts []Option) *JWT {
	for _, opt := range opts {
		opt(v)
	}
	if v.config.Clock == nil {
		v.config.Clock = time.Now
	}
	v.config.Claims = v.config.Claims.withDefaults()
	v.check()
	var algorithms []string
	for _, key := range v.config.Keys {
		if key != nil {
			algorithms = append(algorithms, key.algorithms()...)
		}
	}
	algorithms = distinct(algorithms)
	v.accepted = strings.Join(algorithms, ", ")
	// Strict, since otherwise the unused bits of the last character make several
	// strings of one token. Claim times are checked in claims.go.
	v.parser = jwt.NewParser(jwt.WithValidMethods(algorithms),
		jwt.WithJSONNumber(), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation())
	if v.tokenType == accessType && !slices.ContainsFunc(v.config.Keys, isRemote) {
		v.good = &verified{}
	}
	return v
}

// isRemote reports whether a key may be taken back while the server runs.
func isRemote(key Key) bool {
	_, remote := key.(*jwks)
	return remote
}

// OldSecret also accepts tokens signed with a secret that is being replaced. It
// may be given several times.
func OldSecret(secret []byte) Option { return OldKey(SecretKey(secret, called("old secret"))) }

// OldKey also accepts tokens signed with a key that is being replaced.
func OldKey(key Key) Option {
	return func(v *JWT) { v.config.Keys = append(v.config.Keys, key) }
}

// Leeway accepts tokens this long before nbf and iat and after exp, for clocks
// that differ: with one node's issuer ahead of another's verifier, a token is
// "issued in the future" for that long. Default: 0, as in simplejwt.
func Leeway(d time.Duration) Option { return func(v *JWT) { v.config.Leeway = d } }

// Clock says what time it is. Default, also for nil: time.Now.
func Clock(now func() time.Time) Option {
	return func(v *JWT) {
		if now != nil {
			v.config.Clock = now
		}
	}
}

// RefreshTokens accepts refresh tokens instead of access tokens. It is for the
// receiver that exchanges them, and never for a connection's verifier.
func RefreshTokens() Option { return func(v *JWT) { v.tokenType = refreshType } }

func (v *JWT) check() {
	problem := func(format string, args ...any) { v.problems = append(v.problems, fmt.Errorf(format, args...)) }
	if len(v.config.Keys) == 0 {
		problem("auth: JWTConfig has no Keys: every token would be refused")
	}
	for at, key := range v.config.Keys {
		if key == nil {
			problem("auth: key %d of JWTConfig is nil", at+1)
			continue
		}
		if err := key.Check(); err != nil {
			v.problems = append(v.problems, err)
		}
		if isRemote(key) && len(v.config.Audience) == 0 && !v.config.AnyAudience {
			problem("auth: JWTConfig has a JWKS and no Audience: tokens that the issuer made for others would be good here; AnyAudience says that they may")
		}
	}
	if v.config.Leeway < 0 {
		problem("auth: leeway %s is negative", v.config.Leeway)
	}
}

// Check reports what is wrong with the configuration.
func (v *JWT) Check() error {
	if v.parser == nil {
		return errors.New("auth: a JWT verifier is made by HS256 or NewJWT")
	}
	return errors.Join(v.problems...)
}

// Verify returns the user whom the token names.
func (v *JWT) Verify(ctx context.Context, token string) (*User, error) {
	if err := v.Check(); err != nil {
		return nil, status.Internal.Wrap(err, "tokens cannot be verified")
	}
	token, err := trimToken(token)
	if err != nil {
		return nil, err
	}
	if v.good == nil {
		return v.verify(ctx, token)
	}
	hash := tokenHash(sha256.Sum256([]byte(token)))
	if user := v.good.find(hash, v.config.Clock()); user != nil {
		return user, nil
	}
	user, err := v.verify(ctx, token)
	if err == nil {
		v.good.keep(hash, user)
	}
	return user, err
}

// verify looks at a token whole.
func (v *JWT) verify(ctx context.Context, token string) (*User, error) {
	var unsure error // a key could not be asked: not even a bad signature is certain
	parsed, err := v.parser.Parse(token, func(parsed *jwt.Token) (any, error) {
		keys, failed, err := v.keys(ctx, parsed)
		unsure = failed
		return keys, err
	})
	switch {
	case err == nil:
		return v.user(parsed.Claims)
	case unsure != nil:
		return nil, unsure
	default:
		return nil, v.refusal(parsed, err)
	}
}

// trimToken refuses what is not worth a look.
func trimToken(token string) (string, error) {
	token = TrimBearer(token)
	switch {
	case token == "":
		return "", status.Unauthenticated.Errorf("token is empty")
	case len(token) > MaxTokenBytes:
		return "", status.Unauthenticated.Errorf("token is too long: %d bytes, at most %d", len(token), MaxTokenBytes)
	}
	return token, nil
}

var (
	// errCritical refuses a token whose header asks for an extension: RFC 7515
	// section 4.1.11 says that whoever does not understand one must.
	errCritical = errors.New("critical extension")
	// errForeignKey refuses a token that says itself what it is verified with.
	errForeignKey = errors.New("key in the header")
	errKeyID      = errors.New("kid is no string")
	errNoKey      = errors.New("no key")
)

// keys returns what may have signed the token. unsure says that there may be others.
func (v *JWT) keys(ctx context.Context, parsed *jwt.Token) (found jwt.VerificationKeySet, unsure, err error) {
	if _, ok := parsed.Header["crit"]; ok {
		return found, nil, errCritical
	}
	for _, name := range []string{"jwk", "jku", "x5c", "x5u"} {
		if _, ok := parsed.Header[name]; ok {
			return found, nil, errForeignKey
		}
	}
	id, ok := parsed.Header["kid"].(string)
	if !ok && parsed.Header["kid"] != nil {
		return found, nil, errKeyID
	}
	for _, key := range v.config.Keys {
		if !slices.Contains(key.algorithms(), parsed.Method.Alg()) {
			continue
		}
		keys, err := key.find(ctx, parsed.Method.Alg(), id)
		if err != nil {
			unsure = err
		}
		for _, material := range keys {
			found.Keys = append(found.Keys, material)
		}
	}
	if len(found.Keys) == 0 {
		return found, unsure, errNoKey
	}
	return found, unsure, nil
}

// refusal says what is wrong with a token of unknown origin. It quotes nothing
// of the token and does not wrap the parser's error, which may.
func (v *JWT) refusal(parsed *jwt.Token, err error) error {
	switch {
	case parsed == nil, errors.Is(err, jwt.ErrTokenMalformed):
		return status.Unauthenticated.Errorf("not a token: a JSON Web Token is three base64url parts with dots between")
	case parsed.Method == nil || !slices.Contains(strings.Split(v.accepted, ", "), parsed.Method.Alg()):
		return status.Unauthenticated.Errorf("algorithm is not accepted: tokens are signed with %s", v.accepted)
	case errors.Is(err, errCritical):
		return status.Unauthenticated.Errorf("token asks for an extension (crit), and none is known")
	case errors.Is(err, errForeignKey):
		return status.Unauthenticated.Errorf("token brings a key or the address of one (jwk, jku, x5c, x5u), and none of these is used")
	case errors.Is(err, errKeyID):
		return status.Unauthenticated.Errorf("not a token: kid in its header is not a string")
	case errors.Is(err, errNoKey):
		return status.Unauthenticated.Errorf("bad signature: the token names a key (kid) that is not known for its algorithm")
	default:
		return status.Unauthenticated.Errorf("bad signature: the token was signed with another %s, or changed", v.signedWith())
	}
}

// signedWith is what signs tokens, for people.
func (v *JWT) signedWith() string {
	if strings.ContainsAny(v.accepted, "RPE") { // of RS256, PS256, ES256 and EdDSA
		return "key"
	}
	return "secret"
}
