package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
)

// Key is what signatures are verified with: [SecretKey], [PEMKey] or [JWKS]. Each is
// pinned to its algorithms; what the header of a token says only chooses among them.
type Key interface {
	Checker
	// algorithms are those of any token that this key may verify.
	algorithms() []string
	// find returns the keys for a token with this algorithm and kid, "" for none.
	// An error means that it could not be found out.
	find(ctx context.Context, algorithm, id string) ([]any, error)
}

// KeyOption says more about a [SecretKey], a [PEMKey] or a [PEMSigner].
type KeyOption func(*keyOptions)

type keyOptions struct {
	id         string
	algorithms []string
	what       string
}

// KeyID is the kid of a key. A token that names another kid is not verified with it;
// one that names none is. Without this option the kid of tokens is not looked at.
func KeyID(id string) KeyOption { return func(o *keyOptions) { o.id = id } }

// Algorithms are what a key is used with, such as "RS512", instead of the usual one:
// HS256 for a secret, RS256 for RSA, the one of its curve for ECDSA, and EdDSA.
func Algorithms(names ...string) KeyOption {
	return func(o *keyOptions) { o.algorithms = append(o.algorithms, names...) }
}

func called(what string) KeyOption { return func(o *keyOptions) { o.what = what } }

func newKeyOptions(opts []KeyOption) keyOptions {
	var o keyOptions
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// localKey is a key that is known from the start.
type localKey struct {
	id       string
	pinned   []string
	material any // what the library takes
}

// localKeys are those of one secret or PEM file.
type localKeys struct {
	keys     []localKey
	problems []error
}

var _ Key = (*localKeys)(nil)

func (k *localKeys) Check() error { return errors.Join(k.problems...) }

func (k *localKeys) algorithms() []string {
	var names []string
	for _, key := range k.keys {
		names = append(names, key.pinned...)
	}
	return names
}

func (k *localKeys) find(_ context.Context, algorithm, id string) ([]any, error) {
	var found []any
	for _, key := range k.keys {
		if slices.Contains(key.pinned, algorithm) && (key.id == "" || id == "" || key.id == id) {
			found = append(found, key.material)
		}
	}
	return found, nil
}

// SecretKey verifies tokens signed with a secret: HS256, or the algorithms stated,
// of HS256, HS384 and HS512. The secret has at least as many bytes as the hash: 32,
// 48 or 64.
func SecretKey(secret []byte, opts ...KeyOption) Key {
	o := newKeyOptions(append([]KeyOption{called("secret")}, opts...))
	if len(o.algorithms) == 0 {
		o.algorithms = []string{"HS256"}
	}
	k := &localKeys{}
	for _, name := range o.algorithms {
		if err := checkSecret(name, o.what, secret); err != nil {
			k.problems = append(k.problems, err)
		}
	}
	if len(k.problems) == 0 {
		k.keys = []localKey{{o.id, o.algorithms, slices.Clone(secret)}}
	}
	return k
}

func checkSecret(algorithm, what string, secret []byte) error {
	least, known := hmacBytes[algorithm]
	switch {
	case !known:
		return fmt.Errorf("auth: %q is no algorithm of secrets: they are HS256, HS384, HS512", algorithm)
	case len(secret) < least:
		return fmt.Errorf("auth: the %s %s has %d bytes, at least %d are needed", algorithm, what, len(secret), least)
	case bytes.Contains(secret, []byte("-----BEGIN ")):
		return fmt.Errorf("auth: the %s %s is a key or certificate in PEM: whoever has the public half could sign; use PEMKey", algorithm, what)
	}
	return nil
}
