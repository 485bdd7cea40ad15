package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// maxJWKs is how many keys of one set are looked at.
const maxJWKs = 100

// jwk is a JSON Web Key, RFC 7517 and RFC 8037. What else it may have is not looked
// at: neither certificates nor addresses of such.
type jwk struct {
	Type       string   `json:"kty"`
	Use        string   `json:"use"`
	Operations []string `json:"key_ops"`
	Algorithm  string   `json:"alg"`
	ID         string   `json:"kid"`
	Curve      string   `json:"crv"`
	N          string   `json:"n"`
	E          string   `json:"e"`
	X          string   `json:"x"`
	Y          string   `json:"y"`
}

// parseJWKs reads a set of keys. Those that cannot be used to verify tokens are left
// out, since sets have others too; that none is left is an error, which says why.
func parseJWKs(text []byte, algorithms []string) ([]localKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, errors.New("the answer is no JSON Web Key Set")
	}
	if len(set.Keys) > maxJWKs {
		return nil, fmt.Errorf("the set has %d keys, at most %d", len(set.Keys), maxJWKs)
	}
	var (
		keys     []localKey
		problems []error
	)
	for at, raw := range set.Keys {
		key, err := parseJWK(raw, algorithms)
		if err != nil {
			problems = append(problems, fmt.Errorf("key %d: %w", at+1, err))
			continue
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("the set has no key that verifies tokens: %w", errors.Join(problems...))
	}
	return keys, nil
}

func parseJWK(raw []byte, algorithms []string) (localKey, error) {
	var k jwk
	if err := json.Unmarshal(raw, &k); err != nil {
		return localKey{}, errors.New("it is no JSON Web Key")
	}
	if k.Use != "" && k.Use != "sig" || k.Operations != nil && !slices.Contains(k.Operations, "verify") {
		return localKey{}, errors.New("it is not for verifying signatures")
	}
	public, err := k.public()
	if err != nil {
		return localKey{}, err
	}
	if k.Algorithm != "" { // the key's own word, as far as it is allowed
		if len(algorithms) > 0 && !slices.Contains(algorithms, k.Algorithm) {
			return localKey{}, errors.New("its algorithm is not among those stated")
		}
		algorithms = []string{k.Algorithm}
	}
	pinned, err := pin(public, algorithms)
	if err != nil {
		return localKey{}, fmt.Errorf("it is %w", err)
	}
	return localKey{k.ID, pinned, public}, nil
}

func (k *jwk) public() (any, error) {
	switch k.Type {
	case "RSA":
		return k.rsa()
	case "EC":
		return k.ecdsa()
	case "OKP":
		x, err := decodeJWK(k.X)
		if err != nil || k.Curve != "Ed25519" || len(x) != ed25519.PublicKeySize {
			return nil, errors.New("it is no Ed25519 key")
		}
		return ed25519.PublicKey(x), nil
	default: // oct is a secret, and one that is published is none
		return nil, errors.New("its kty is neither RSA, EC nor OKP")
	}
}

func (k *jwk) rsa() (any, error) {
	n, errN := decodeJWK(k.N)
	e, errE := decodeJWK(k.E)
	exponent := new(big.Int).SetBytes(e)
	if errN != nil || errE != nil || len(n) == 0 || exponent.BitLen() > 31 {
		return nil, errors.New("its n or e is wrong")
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}, nil
}

func (k *jwk) ecdsa() (any, error) {
	curves := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}
	curve, known := curves[k.Curve]
	if !known {
		return nil, errors.New("its crv is neither P-256, P-384 nor P-521")
	}
	size := (curve.Params().BitSize + 7) / 8
	x, errX := decodeJWK(k.X)
	y, errY := decodeJWK(k.Y)
	if errX != nil || errY != nil || len(x) != size || len(y) != size {
		return nil, errors.New("its x or y is wrong")
	}
	public, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil, errors.New("its point is not on the curve")
	}
	return public, nil
}

// decodeJWK also takes padding, which some write against RFC 7515.
func decodeJWK(text string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
}
