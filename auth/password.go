package auth

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
)

const (
	// DefaultIterations is how often [HashPassword] hashes, as Django 5.2 does.
	DefaultIterations = 1_000_000
	// MaxPasswordBytes is the length of the longest password that is checked, as in
	// the forms of Django. A longer one is nobody's.
	MaxPasswordBytes = 4096
)

// unusable starts a hash that no password has. Django lets random text follow.
const unusable = "!"

// HashPassword returns a password as Django keeps it:
// pbkdf2_sha256$iterations$salt$hash, with [DefaultIterations] if iterations is 0.
// It takes some tenths of a second, which is its purpose.
func HashPassword(password string, iterations int) string {
	if iterations <= 0 {
		iterations = DefaultIterations
	}
	made := pbkdf2Hash{digest: sha256Digest, iterations: iterations, salt: rand.Text()[:22]} // 110 bits; Django takes 128
	return fmt.Sprintf("%s$%d$%s$%s", pbkdf2SHA256, iterations, made.salt,
		base64.StdEncoding.EncodeToString(made.compute(password, iterations)))
}

// CheckPassword reports whether password has this hash, which may have any of the
// forms that Django 5.2 writes: pbkdf2_sha256, pbkdf2_sha1, argon2 (argon2id and
// argon2i), bcrypt_sha256, bcrypt and scrypt. Nobody's are a hash of another form,
// one that starts with "!" as Django's unusable ones do, and one that takes more
// than some seconds or 256 MiB to check.
//
// It uses a processor for some tenths of a second, and up to 100 MiB with the
// settings of Django. [Passwords] bounds how many checks do so at once.
func CheckPassword(password, hash string) bool {
	parsed, err := parseHash(hash)
	return err == nil && len(password) <= MaxPasswordBytes && parsed.has(password)
}

// checkHash says what is wrong with a hash.
func checkHash(hash string) error {
	if usable(hash) {
		_, err := parseHash(hash)
		return err
	}
	return nil
}

// usable reports whether a hash may be that of a password.
func usable(hash string) bool { return !strings.HasPrefix(hash, unusable) }
