package auth

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// DefaultIterations is how often [HashPassword] hashes, as Django 5.2 does.
const DefaultIterations = 1_000_000

const (
	pbkdf2Name = "pbkdf2_sha256"
	// unusable is the hash that no password has.
	unusable = "!"
	// maxIterations bounds what a hash may cost to check, some seconds.
	maxIterations = 20_000_000
)

// HashPassword returns a password as Django keeps it:
// pbkdf2_sha256$iterations$salt$hash, with [DefaultIterations] if iterations is 0.
// It takes some tenths of a second, which is its purpose.
func HashPassword(password string, iterations int) string {
	if iterations <= 0 {
		iterations = DefaultIterations
	}
	salt := rand.Text()[:22] // 110 bits; Django takes 128
	return fmt.Sprintf("%s$%d$%s$%s", pbkdf2Name, iterations, salt,
		base64.StdEncoding.EncodeToString(pbkdf2Sum(password, salt, iterations)))
}

// CheckPassword reports whether password has this hash. A hash of another format,
// and one that starts with "!" as Django's unusable ones do, is nobody's.
func CheckPassword(password, hash string) bool {
	parsed, err := parseHash(hash)
	if err != nil {
		return false
	}
	return subtle.ConstantTimeCompare(pbkdf2Sum(password, parsed.salt, parsed.iterations), parsed.sum) == 1
}

// checkHash says what is wrong with a hash.
func checkHash(hash string) error {
	if hash == unusable {
		return nil
	}
	_, err := parseHash(hash)
	return err
}

type passwordHash struct {
	iterations int
	salt       string
	sum        []byte
}

var errHash = errors.New("not a hash of the form pbkdf2_sha256$iterations$salt$hash: auth.HashPassword makes one")

func parseHash(hash string) (passwordHash, error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 4 || parts[0] != pbkdf2Name {
		return passwordHash{}, errHash
	}
	iterations, err := strconv.Atoi(parts[1])
	if err != nil || iterations < 1 || iterations > maxIterations {
		return passwordHash{}, errHash
	}
	sum, err := base64.StdEncoding.DecodeString(parts[3])
	if err != nil || len(sum) != sha256.Size {
		return passwordHash{}, errHash
	}
	return passwordHash{iterations, parts[2], sum}, nil
}

// pbkdf2Sum returns the hash of a password.
func pbkdf2Sum(password, salt string, iterations int) []byte {
	sum, err := pbkdf2.Key(sha256.New, password, []byte(salt), iterations, sha256.Size)
	if err != nil {
		return nil // nobody's: only a mode that forbids short salts says this
	}
	return sum
}
