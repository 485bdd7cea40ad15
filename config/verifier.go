package config

import (
	"errors"
	"strings"

	"github.com/protoway/protoway/auth"
)

// algorithms are what auth.algorithms may have.
func algorithms() []string {
	return []string{
		"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
	}
}

// Verifier returns the verifier of the keys of auth, which refuses every token if
// there are none. [Settings.Server] uses it if the code has none; code that wraps it
// passes the result on.
func (s *Settings) Verifier() auth.Verifier {
	a := &s.Auth
	names := auth.ClaimNames{User: a.UserClaims, Permissions: a.PermissionsClaim, Groups: a.GroupsClaim}
	if len(names.User) == 0 && len(a.PublicKey) == 0 && a.JWKSURL == "" {
		names.User = []string{"user_id"} // of whoever has the secret
	}
	return auth.NewJWT(auth.JWTConfig{
		Keys: a.keys(), Issuer: a.Issuer, Audience: a.Audience, AnyAudience: a.AnyAudience,
		Leeway: a.Leeway, Claims: names, NoTokenType: a.NoTokenType,
	})
}

func (a *Auth) statesKeys() bool {
	return a.Secret.Set() || len(a.PublicKey) > 0 || a.JWKSURL != ""
}

func (a *Auth) keys() []auth.Key {
	var keys []auth.Key
	ofSecrets, ofPublic := a.split()
	for _, secret := range []Secret{a.Secret, a.OldSecret} {
		if secret.Set() {
			keys = append(keys, auth.SecretKey(secret.Bytes(), auth.Algorithms(ofSecrets...)))
		}
	}
	if len(a.PublicKey) > 0 {
		keys = append(keys, auth.PEMKey(a.PublicKey, auth.Algorithms(ofPublic...)))
	}
	if a.JWKSURL != "" {
		keys = append(keys, auth.JWKS(a.JWKSURL, auth.JWKSConfig{Algorithms: ofPublic}))
	}
	return keys
}

// split returns the algorithms of secrets and those of public keys.
func (a *Auth) split() (ofSecrets, ofPublic []string) {
	for _, name := range a.Algorithms {
		if strings.HasPrefix(name, "HS") {
			ofSecrets = append(ofSecrets, name)
		} else {
			ofPublic = append(ofPublic, name)
		}
	}
	return ofSecrets, ofPublic
}

// verifier reads the public keys, and checks what the keys of auth say together.
func (l *loader) verifier() {
	a := &l.settings.Auth
	if len(l.problems) > 0 || l.alone || !l.readPublicKey() {
		return
	}
	if err := a.checkAlgorithms(); err != nil {
		l.problem(l.settings.from["auth.algorithms"].place, "auth.algorithms: %s", err)
		return
	}
	if a.JWKSURL != "" && len(a.Audience) == 0 && !a.AnyAudience {
		l.problem(l.settings.from["auth.jwks_url"].place, "auth.jwks_url: needs auth.audience, which is in the tokens for this server, or else auth.any_audience")
		return
	}
	if !a.statesKeys() {
		return
	}
	if err := l.settings.Verifier().(auth.Checker).Check(); err != nil {
		l.problem(l.placeOf("auth.jwks_url", "auth.public_key_file", "auth.algorithms", "auth.secret", "auth.secret_file"), "%s", err)
	}
}

// placeOf returns where the first of some keys that is stated is.
func (l *loader) placeOf(names ...string) Place {
	for _, name := range names {
		if from, stated := l.settings.from[name]; stated {
			return from.place
		}
	}
	return Place{}
}

func (l *loader) readPublicKey() (ok bool) {
	a, at := &l.settings.Auth, l.settings.from["auth.public_key_file"].place
	if a.PublicKeyFile == "" {
		return true
	}
	read, err := ReadSecret(beside(at, a.PublicKeyFile))
	if err == nil {
		a.PublicKey = read.Bytes()
		err = auth.PEMKey(a.PublicKey).Check()
	}
	if err != nil {
		l.problem(at, "auth.public_key_file: %s", err)
	}
	return err == nil
}

// checkAlgorithms reports algorithms of which none is for a key that there is.
func (a *Auth) checkAlgorithms() error {
	ofSecrets, ofPublic := a.split()
	switch {
	case len(a.Algorithms) == 0:
		return nil
	case a.Secret.Set() && len(ofSecrets) == 0:
		return errors.New("none is for auth.secret, such as HS256")
	case (len(a.PublicKey) > 0 || a.JWKSURL != "") && len(ofPublic) == 0:
		return errors.New("none is for public keys, such as RS256")
	}
	return nil
}
