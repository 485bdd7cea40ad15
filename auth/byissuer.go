package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/protoway/protoway/status"
)

// ByIssuer returns a verifier for tokens of several issuers: the iss of a token says
// which verifier is asked, and no other is. The name "" is for tokens without iss,
// as those of djangorestframework-simplejwt.
//
// The user ids of two issuers are one set of names: if both can name a user "7", this
// is one user.
func ByIssuer(verifiers map[string]Verifier) Verifier { return byIssuer(maps.Clone(verifiers)) }

type byIssuer map[string]Verifier

var (
	_ Verifier = byIssuer(nil)
	_ Checker  = byIssuer(nil)
)

// Check reports what is wrong with the configuration of the verifiers.
func (b byIssuer) Check() error {
	var problems []error
	if len(b) == 0 {
		problems = append(problems, errors.New("auth: ByIssuer has no verifier"))
	}
	for _, issuer := range slices.Sorted(maps.Keys(b)) {
		switch verifier := b[issuer].(type) {
		case nil:
			problems = append(problems, fmt.Errorf("auth: the verifier of the issuer %q is nil", issuer))
		case *JWT:
			if stated := verifier.config.Issuer; stated != "" && stated != issuer {
				problems = append(problems, fmt.Errorf("auth: the verifier of the issuer %q accepts only those of %q", issuer, stated))
			}
			problems = append(problems, verifier.Check())
		case Checker:
			problems = append(problems, verifier.Check())
		}
	}
	return errors.Join(problems...)
}

// Verify asks the verifier of the issuer that the token names.
func (b byIssuer) Verify(ctx context.Context, token string) (*User, error) {
	token, err := trimToken(token)
	if err != nil {
		return nil, err
	}
	issuer, err := issuerOf(token)
	if err != nil {
		return nil, err
	}
	verifier, known := b[issuer]
	if !known || verifier == nil {
		return nil, status.Unauthenticated.Errorf("wrong iss: tokens of this issuer are not accepted")
	}
	return verifier.Verify(ctx, token)
}

// issuerOf reads iss from a token that nobody has verified. It decodes into a map
// since the fields of a struct are found in any case, and those of [JWT] are not.
func issuerOf(token string) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) == 3 {
		payload, err := base64.RawURLEncoding.Strict().DecodeString(parts[1])
		var claims map[string]any
		if err == nil && json.Unmarshal(payload, &claims) == nil {
			issuer, ok := claims[claimIssuer].(string)
			if ok || claims[claimIssuer] == nil {
				return issuer, nil
			}
			return "", status.Unauthenticated.Errorf("iss is not a string")
		}
	}
	return "", status.Unauthenticated.Errorf("not a token: a JSON Web Token is three base64url parts with dots between")
}
