package auth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"
)

// keyring are keys of each type, made once.
var keyring = sync.OnceValue(func() map[string]crypto.Signer {
	ring := map[string]crypto.Signer{}
	for name, bits := range map[string]int{"rsa": 2048, "other rsa": 2048, "rsa 1024": 1024} {
		ring[name] = must(rsa.GenerateKey(rand.Reader, bits))
	}
	for name, curve := range map[string]elliptic.Curve{
		"p256": elliptic.P256(), "other p256": elliptic.P256(), "p384": elliptic.P384(), "p521": elliptic.P521(), "p224": elliptic.P224(),
	} {
		ring[name] = must(ecdsa.GenerateKey(curve, rand.Reader))
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	ring["ed25519"] = must(ed, err)
	return ring
})

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// publicPEM returns the public half of a key of the ring.
func publicPEM(name string) []byte {
	return pemOf("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(keyring()[name].Public())))
}

func privatePEM(name string) []byte {
	return pemOf("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(keyring()[name])))
}

func certificatePEM(name string) []byte {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: start.Add(-time.Hour)} // dates are not looked at
	key := keyring()[name]
	return pemOf("CERTIFICATE", must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)))
}

var hashes = map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}

// signWith makes a token without the library that reads it: key is a name of the
// ring, or the secret.
func signWith(t testing.TB, algorithm, header, payload string, key any) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(header)) + "." + encode([]byte(payload))
	return signed + "." + encode(signature(t, algorithm, []byte(signed), key))
}

func signature(t testing.TB, algorithm string, signed []byte, key any) []byte {
	t.Helper()
	if algorithm == "EdDSA" {
		return ed25519.Sign(key.(ed25519.PrivateKey), signed)
	}
	hash := hashes[algorithm[2:]]
	digest := hash.New()
	digest.Write(signed)
	sum := digest.Sum(nil)
	switch algorithm[:2] {
	case "HS":
		mac := hmac.New(hash.New, key.([]byte))
		mac.Write(signed)
		return mac.Sum(nil)
	case "RS":
		return must(rsa.SignPKCS1v15(rand.Reader, key.(*rsa.PrivateKey), hash, sum))
	case "PS":
		return must(rsa.SignPSS(rand.Reader, key.(*rsa.PrivateKey), hash, sum, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}))
	case "ES":
		private := key.(*ecdsa.PrivateKey)
		r, s, err := ecdsa.Sign(rand.Reader, private, sum)
		if err != nil {
			t.Fatal(err)
		}
		size := (private.Curve.Params().BitSize + 7) / 8
		return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	}
	t.Fatalf("algorithm %q", algorithm)
	return nil
}

// signed makes a good token with a key of the ring. More is added to its header.
func signed(t testing.TB, algorithm, key, more string) string {
	t.Helper()
	return signWith(t, algorithm, fmt.Sprintf(`{"alg":%q,"typ":"JWT"%s}`, algorithm, more), claimsWith(""), any(keyring()[key]))
}

// jwkOf returns the public half of a key as a JSON Web Key, with more members.
func jwkOf(name, id string, more map[string]any) map[string]any {
	encode := base64.RawURLEncoding.EncodeToString
	k := map[string]any{"kid": id}
	switch public := keyring()[name].Public().(type) {
	case *rsa.PublicKey:
		k["kty"], k["n"], k["e"] = "RSA", encode(public.N.Bytes()), encode(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		point := must(public.Bytes())[1:]
		k["kty"], k["crv"] = "EC", public.Curve.Params().Name
		k["x"], k["y"] = encode(point[:len(point)/2]), encode(point[len(point)/2:])
	case ed25519.PublicKey:
		k["kty"], k["crv"], k["x"] = "OKP", "Ed25519", encode(public)
	}
	maps.Copy(k, more)
	return k
}

func jwksOf(keys ...map[string]any) string {
	return string(must(json.Marshal(map[string]any{"keys": keys})))
}

// change flips a bit in the middle of the signature, so that no unused bits are hit.
func change(token string) string {
	at := strings.LastIndexByte(token, '.') + 11
	other := byte('A')
	if token[at] == other {
		other = 'B'
	}
	return token[:at] + string(other) + token[at+1:]
}
