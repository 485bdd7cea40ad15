package auth

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/golang-jwt/jwt/v5"
)

// PEMKey verifies tokens signed with the private half of a public key: RSA of at
// least 2048 bits, ECDSA on P-256, P-384 or P-521, or Ed25519. The text has one or
// several blocks PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE; a certificate is taken
// for its key, its dates and its issuer are not looked at. With several keys, as
// while one is being replaced, each is good; [KeyID] is then that of all.
func PEMKey(text []byte, opts ...KeyOption) Key {
	o := newKeyOptions(opts)
	k := &localKeys{}
	if err := checkAsymmetric(o.algorithms); err != nil {
		k.problems = append(k.problems, err)
		return k
	}
	publics, err := publicKeys(text)
	if err != nil {
		k.problems = append(k.problems, fmt.Errorf("auth: PEM: %w", err))
	}
	for at, public := range publics {
		pinned, err := pin(public, o.algorithms)
		if err != nil {
			k.problems = append(k.problems, fmt.Errorf("auth: PEM: key %d is %w", at+1, err))
			continue
		}
		k.keys = append(k.keys, localKey{o.id, pinned, public})
	}
	return k
}

// publicKeys reads all blocks of a PEM text.
func publicKeys(text []byte) ([]any, error) {
	var keys []any
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		text = rest
		key, err := publicKey(block)
		if err != nil {
			return nil, fmt.Errorf("block %d, %q: %w", len(keys)+1, block.Type, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no block, such as -----BEGIN PUBLIC KEY-----")
	}
	return keys, nil
}

func publicKey(block *pem.Block) (any, error) {
	switch block.Type {
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return certificate.PublicKey, nil
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("a private key does not belong here: `openssl pkey -pubout` makes the public one")
	default:
		return nil, errors.New("neither a public key nor a certificate")
	}
}

// Signer is a private key with which an [Issuer] signs. It is made by [PEMSigner].
type Signer struct {
	id      string
	method  jwt.SigningMethod
	private crypto.Signer
	problem error
}

// PEMSigner signs with a private key: one block PRIVATE KEY, RSA PRIVATE KEY or EC
// PRIVATE KEY, not encrypted, with the same bounds as [PEMKey]. At most one of
// [Algorithms] may be stated. With [KeyID], tokens name it in kid. A bad key is
// reported by [Issuer.Check].
func PEMSigner(text []byte, opts ...KeyOption) *Signer {
	o := newKeyOptions(opts)
	s := &Signer{id: o.id}
	if s.problem = s.read(text, o.algorithms); s.problem != nil {
		s.problem = fmt.Errorf("auth: signing key: %w", s.problem)
	}
	return s
}

func (s *Signer) read(text []byte, algorithms []string) error {
	if len(algorithms) > 1 {
		return errors.New("it signs with one algorithm")
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return errors.New("there is no block, such as -----BEGIN PRIVATE KEY-----")
	}
	private, err := privateKey(block)
	if err != nil {
		return err
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return fmt.Errorf("a key of type %T cannot sign", private)
	}
	pinned, err := pin(signer.Public(), algorithms)
	if err != nil {
		return err
	}
	s.private, s.method = signer, jwt.GetSigningMethod(pinned[0])
	return nil
}

// privateKey reads one block. Errors quote nothing of it.
func privateKey(block *pem.Block) (any, error) {
	var (
		key any
		err error
	)
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("the block is %q, which is no private key that is not encrypted", block.Type)
	}
	if err != nil {
		return nil, errors.New("the private key cannot be read")
	}
	return key, nil
}

// public verifies what s signs.
func (s *Signer) public() Key {
	if s.problem != nil {
		return &localKeys{problems: []error{s.problem}}
	}
	return &localKeys{keys: []localKey{{s.id, slices.Clip([]string{s.method.Alg()}), s.private.Public()}}}
}
