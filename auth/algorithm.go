package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The bounds of keys, in bits. 2048 is what RFC 7518 sections 3.3 and 3.5 require;
// longer ones than the greatest only cost time.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// hmacBytes is the least length of a secret by algorithm: the size of its hash, as
// RFC 7518 section 3.2 requires.
var hmacBytes = map[string]int{"HS256": MinSecretBytes, "HS384": 48, "HS512": 64}

// algorithmsOf returns what a public key may be used with, the usual one first, or
// why it is not good enough.
func algorithmsOf(public any) ([]string, error) {
	switch k := public.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return nil, fmt.Errorf("an RSA key of %d bits: it must have %d to %d", bits, minRSABits, maxRSABits)
		}
		if k.E < 3 || k.E%2 == 0 {
			return nil, errors.New("an RSA key whose exponent is even or less than 3")
		}
		return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}, nil
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return []string{"ES256"}, nil
		case elliptic.P384():
			return []string{"ES384"}, nil
		case elliptic.P521():
			return []string{"ES512"}, nil
		}
		return nil, errors.New("a key on a curve other than P-256, P-384 and P-521")
	case ed25519.PublicKey:
		return []string{"EdDSA"}, nil
	default:
		return nil, fmt.Errorf("a key of type %T: only RSA, ECDSA and Ed25519 keys can be used", public)
	}
}

// pin returns which of the stated algorithms a public key is used with; with none
// stated, the usual one of its type.
func pin(public any, stated []string) ([]string, error) {
	possible, err := algorithmsOf(public)
	if err != nil {
		return nil, err
	}
	if len(stated) == 0 {
		return possible[:1], nil
	}
	pinned := slices.DeleteFunc(slices.Clone(possible), func(name string) bool { return !slices.Contains(stated, name) })
	if len(pinned) == 0 {
		return nil, fmt.Errorf("a key for %s, which is not among the algorithms stated: %s",
			strings.Join(possible, ", "), strings.Join(stated, ", "))
	}
	return pinned, nil
}

// asymmetric are the algorithms of public keys.
var asymmetric = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// checkAsymmetric reports algorithms that no public key has. HS256 among them is how
// a public key becomes a secret that everybody knows; none is no signature at all.
func checkAsymmetric(stated []string) error {
	for _, name := range stated {
		if !slices.Contains(asymmetric, name) {
			return fmt.Errorf("auth: %q is no algorithm of public keys: they are %s", name, strings.Join(asymmetric, ", "))
		}
	}
	return nil
}
