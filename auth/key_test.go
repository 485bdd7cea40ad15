package auth_test

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

// keyOf is the key of the ring that an algorithm is tried with.
var keyOf = map[string]string{
	"RS256": "rsa", "RS384": "rsa", "RS512": "rsa", "PS256": "rsa", "PS384": "rsa", "PS512": "rsa",
	"ES256": "p256", "ES384": "p384", "ES512": "p521", "EdDSA": "ed25519",
}

func verifierOf(keys ...auth.Key) *auth.JWT {
	return auth.NewJWT(auth.JWTConfig{Keys: keys, Clock: at(start)})
}

// TestAlgorithms signs with each algorithm, and checks that a key pinned to it
// accepts that and no other.
func TestAlgorithms(t *testing.T) {
	for algorithm, key := range keyOf {
		t.Run(algorithm, func(t *testing.T) {
			verifier := verifierOf(auth.PEMKey(publicPEM(key), auth.Algorithms(algorithm)))
			good := signed(t, algorithm, key, "")
			user, err := verifier.Verify(t.Context(), good)
			if err != nil || user.ID != "alice" {
				t.Fatalf("%v, %v", user, err)
			}
			_, err = verifier.Verify(t.Context(), change(good))
			wantRefusal(t, err, status.Unauthenticated, "bad signature", good)
			for other, key := range keyOf {
				if other != algorithm {
					_, err = verifier.Verify(t.Context(), signed(t, other, key, ""))
					wantRefusal(t, err, status.Unauthenticated, "algorithm is not accepted: tokens are signed with "+algorithm, "")
				}
			}
		})
	}
	long := []byte(strings.Repeat("long enough. ", 5))
	for _, algorithm := range []string{"HS256", "HS384", "HS512"} {
		verifier := verifierOf(auth.SecretKey(long, auth.Algorithms(algorithm)))
		for _, signedWith := range []string{"HS256", "HS384", "HS512"} {
			_, err := verifier.Verify(t.Context(), signWith(t, signedWith, fmt.Sprintf(`{"alg":%q}`, signedWith), claimsWith(""), long))
			if (err == nil) != (signedWith == algorithm) {
				t.Errorf("%s with a key for %s: %v", signedWith, algorithm, err)
			}
		}
	}
}

func TestPEMForms(t *testing.T) {
	public := keyring()["rsa"].Public().(*rsa.PublicKey)
	forms := map[string][]byte{
		"PUBLIC KEY":     publicPEM("rsa"),
		"RSA PUBLIC KEY": pemOf("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(public)),
		"CERTIFICATE":    certificatePEM("rsa"),
		"several":        slices.Concat(publicPEM("other rsa"), []byte("text between\n"), publicPEM("rsa"), publicPEM("p256")),
	}
	for name, text := range forms {
		t.Run(name, func(t *testing.T) {
			verifier := verifierOf(auth.PEMKey(text))
			if err := verifier.Check(); err != nil {
				t.Fatal(err)
			}
			if _, err := verifier.Verify(t.Context(), signed(t, "RS256", "rsa", "")); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestKeysAreChecked(t *testing.T) {
	tests := []struct {
		name string
		key  auth.Key
		text string
	}{
		{"no secret", auth.SecretKey(nil), "HS256 secret has 0 bytes, at least 32"},
		{"short secret for HS384", auth.SecretKey(secret[:47%len(secret)], auth.Algorithms("HS384")), "at least 48"},
		{"short secret for HS512", auth.SecretKey(secret, auth.Algorithms("HS256", "HS512")), "HS512 secret has 32 bytes, at least 64"},
		{"a secret with RS256", auth.SecretKey(secret, auth.Algorithms("RS256")), `"RS256" is no algorithm of secrets`},
		{"a secret with none", auth.SecretKey(secret, auth.Algorithms("none")), `"none" is no algorithm of secrets`},
		{"a public key as a secret", auth.SecretKey(publicPEM("rsa")), "whoever has the public half could sign"},
		{"PEM with HS256", auth.PEMKey(publicPEM("rsa"), auth.Algorithms("HS256")), `"HS256" is no algorithm of public keys`},
		{"PEM with none", auth.PEMKey(publicPEM("rsa"), auth.Algorithms("none")), `"none" is no algorithm of public keys`},
		{"RSA with ES256", auth.PEMKey(publicPEM("rsa"), auth.Algorithms("ES256")), "not among the algorithms stated: ES256"},
		{"P-256 with ES384", auth.PEMKey(publicPEM("p256"), auth.Algorithms("ES384")), "a key for ES256, which is not among"},
		{"P-224", auth.PEMKey(publicPEM("p224")), "curve other than"},
		{"RSA of 1024 bits", auth.PEMKey(publicPEM("rsa 1024")), "an RSA key of 1024 bits: it must have 2048"},
		{"RSA of 1024 bits in a certificate", auth.PEMKey(certificatePEM("rsa 1024")), "an RSA key of 1024 bits"},
		{"private key", auth.PEMKey(privatePEM("rsa")), "a private key does not belong here"},
		{"no PEM", auth.PEMKey([]byte("ssh-rsa AAAA")), "there is no block"},
		{"empty", auth.PEMKey(nil), "there is no block"},
		{"broken block", auth.PEMKey(pemOf("PUBLIC KEY", []byte("x"))), `block 1, "PUBLIC KEY"`},
		{"another block", auth.PEMKey(pemOf("OPENSSH PRIVATE KEY", []byte("x"))), "neither a public key nor a certificate"},
		{"JWKS over http", auth.JWKS("http://issuer.example/jwks", auth.JWKSConfig{}), "use https"},
		{"JWKS with file", auth.JWKS("file://host/etc/passwd", auth.JWKSConfig{}), `URL with "file"`},
		{"JWKS without host", auth.JWKS("/jwks.json", auth.JWKSConfig{}), "it looks like https://"},
		{"JWKS with HS256", auth.JWKS("https://issuer.example", auth.JWKSConfig{Algorithms: []string{"HS256"}}), `"HS256" is no algorithm of public keys`},
		{"nil", nil, "key 1 of JWTConfig is nil"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			verifier := auth.NewJWT(auth.JWTConfig{Keys: []auth.Key{test.key}, AnyAudience: true, Clock: at(start)})
			if err := verifier.Check(); err == nil || !strings.Contains(err.Error(), test.text) {
				t.Errorf("check says %v", err)
			}
			_, err := verifier.Verify(t.Context(), signHS256(claimsWith("")))
			wantRefusal(t, err, status.Internal, "tokens cannot be verified", "")
		})
	}
	err := auth.NewJWT(auth.JWTConfig{Keys: []auth.Key{auth.JWKS("https://issuer.example", auth.JWKSConfig{})}}).Check()
	if err == nil || !strings.Contains(err.Error(), "no Audience") {
		t.Errorf("a JWKS without audience: %v", err)
	}
	if err := auth.NewJWT(auth.JWTConfig{}).Check(); err == nil || !strings.Contains(err.Error(), "no Keys") {
		t.Errorf("no keys: %v", err)
	}
}

// TestAttacks are the known ways to have a token accepted that nobody signed.
func TestAttacks(t *testing.T) {
	public := publicPEM("rsa")
	none := func(spelling string) string {
		return strings.TrimRight(sign(fmt.Sprintf(`{"alg":%q,"typ":"JWT"}`, spelling), claimsWith(""), sha256.New, nil), "-_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
	}
	confused := func(key []byte, more string) string {
		return sign(`{"alg":"HS256","typ":"JWT"`+more+`}`, claimsWith(""), sha256.New, key)
	}
	mine := jwkOf("other rsa", "mine", nil)
	own := func(header string) string { return signed(t, "RS256", "other rsa", header) }
	jwkJSON := strings.TrimSuffix(strings.TrimPrefix(jwksOf(mine), `{"keys":[`), `]}`)
	tests := []struct{ name, token, text string }{
		{"public key as HMAC secret", confused(public, ""), "bad signature"},
		{"the same without the last line end", confused(public[:len(public)-1], ""), "bad signature"},
		{"public key as HMAC secret, with its kid", confused(public, `,"kid":"rsa"`), "bad signature"},
		{"public key in DER as HMAC secret", confused(x509.MarshalPKCS1PublicKey(keyring()["rsa"].Public().(*rsa.PublicKey)), ""), "bad signature"},
		{"empty secret", confused(nil, ""), "bad signature"},
		{"kid of a path", confused(nil, `,"kid":"../../../../dev/null"`), "bad signature"},
		{"kid of SQL", confused([]byte("x"), `,"kid":"' UNION SELECT 'x' --"`), "bad signature"},
		{"kid of a URL", own(`,"kid":"https://evil.example/key"`), "not known for its algorithm"},
		{"kid of nothing", own(`,"kid":"no such key"`), "not known for its algorithm"},
		{"kid of another key", own(`,"kid":"ed"`), "not known for its algorithm"},
		{"kid no string", own(`,"kid":{"$ne":null}`), "kid in its header is not a string"},
		{"the right kid, the wrong key", own(`,"kid":"rsa"`), "bad signature"},
		{"jku", own(`,"kid":"mine","jku":"https://evil.example/jwks.json"`), "brings a key or the address of one"},
		{"x5u", own(`,"x5u":"https://evil.example/cert.pem"`), "brings a key or the address of one"},
		{"jwk", own(`,"jwk":` + jwkJSON), "brings a key or the address of one"},
		{"x5c", own(`,"x5c":["MIIB"]`), "brings a key or the address of one"},
		{"jwk of null", own(`,"jwk":null`), "brings a key or the address of one"},
		{"crit", signed(t, "RS256", "rsa", `,"crit":["exp"]`), "extension (crit)"},
		{"ECDSA of another curve", signWith(t, "ES256", `{"alg":"ES384"}`, claimsWith(""), keyring()["p256"]), "algorithm is not accepted"},
		{"ECDSA of zeros", zeroSignature(`{"alg":"ES256"}`, 64), "bad signature"},
		{"Ed25519 of zeros", zeroSignature(`{"alg":"EdDSA"}`, 64), "bad signature"},
		{"RSA of zeros", zeroSignature(`{"alg":"RS256"}`, 256), "bad signature"},
		{"too long", own(`,"x":"` + strings.Repeat("x", auth.MaxTokenBytes) + `"`), "token is too long"},
	}
	for _, spelling := range []string{"none", "None", "NONE", "nOnE", "", "none ", "no\u017fe"} {
		for _, token := range []string{none(spelling), none(spelling) + "AAAA"} {
			tests = append(tests, struct{ name, token, text string }{"alg " + spelling, token, "algorithm is not accepted"})
		}
	}
	verifier := verifierOf(auth.SecretKey(secret, auth.KeyID("secret")), auth.PEMKey(public, auth.KeyID("rsa")),
		auth.PEMKey(publicPEM("p256"), auth.KeyID("ec")), auth.PEMKey(publicPEM("ed25519"), auth.KeyID("ed")))
	for _, good := range []string{signHS256(claimsWith("")), signed(t, "RS256", "rsa", `,"kid":"rsa"`), signed(t, "ES256", "p256", ""), signed(t, "EdDSA", "ed25519", `,"kid":"ed"`)} {
		if _, err := verifier.Verify(t.Context(), good); err != nil {
			t.Fatalf("a good token is refused: %v", err)
		}
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			user, err := verifier.Verify(t.Context(), test.token)
			wantRefusal(t, err, status.Unauthenticated, test.text, test.token)
			if user != nil {
				t.Errorf("a user comes with the error: %+v", user)
			}
		})
	}
}

// zeroSignature is what CVE-2022-21449 accepted.
func zeroSignature(header string, size int) string {
	token := sign(header, claimsWith(""), sha256.New, nil)
	return token[:strings.LastIndexByte(token, '.')+1] + strings.Repeat("A", (size*8+5)/6)
}

// TestKeyRotation replaces keys of each kind: both are accepted meanwhile.
func TestKeyRotation(t *testing.T) {
	verifier := verifierOf(auth.PEMKey(publicPEM("rsa"), auth.KeyID("new")), auth.PEMKey(publicPEM("other rsa"), auth.KeyID("old")))
	for _, token := range []string{
		signed(t, "RS256", "rsa", `,"kid":"new"`), signed(t, "RS256", "other rsa", `,"kid":"old"`),
		signed(t, "RS256", "rsa", ""), signed(t, "RS256", "other rsa", ""),
	} {
		if _, err := verifier.Verify(t.Context(), token); err != nil {
			t.Error(err)
		}
	}
	_, err := verifier.Verify(t.Context(), signed(t, "RS256", "rsa", `,"kid":"old"`))
	wantRefusal(t, err, status.Unauthenticated, "signed with another key, or changed", "")
	retired := auth.NewJWT(auth.JWTConfig{Keys: []auth.Key{auth.SecretKey(secret)}, Clock: at(start)}, auth.OldKey(auth.PEMKey(publicPEM("p256"))))
	for _, token := range []string{signHS256(claimsWith("")), signed(t, "ES256", "p256", "")} {
		if _, err := retired.Verify(t.Context(), token); err != nil {
			t.Error(err)
		}
	}
}
