package auth

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// The names by which hashes begin, as in django.contrib.auth.hashers.
const (
	pbkdf2SHA256 = "pbkdf2_sha256"
	pbkdf2SHA1   = "pbkdf2_sha1"
	argon2Name   = "argon2"
	bcryptSHA256 = "bcrypt_sha256"
	bcryptName   = "bcrypt"
	scryptName   = "scrypt"
)

// What a hash may cost to check, so that a row of a database cannot take the
// processor for minutes or all of the memory. Each is some seconds.
const (
	maxHashBytes  = 512 // of the text; columns of Django have 128
	maxIterations = 20_000_000
	maxBcryptCost = 16
	maxHashMemory = 256 << 20 // bytes of argon2 and scrypt
	maxHashWork   = 4 << 30   // bytes of memory times the passes over them
)

var (
	errHash = errors.New("not a hash of a form that is known (pbkdf2_sha256, pbkdf2_sha1, argon2, bcrypt_sha256, bcrypt or scrypt, " +
		"as Django writes them): auth.HashPassword makes one")
	errCostly = errors.New("not a hash that can be checked within seconds and 256 MiB: make one with less iterations or memory")
)

// passwordHash is a hash that was understood and is not too costly.
type passwordHash interface {
	// has reports whether password has this hash.
	has(password string) bool
	// padding returns how many more steps another hash of the algorithm takes, if
	// they can be taken.
	padding(other passwordHash) int
	// pad takes steps, and their time.
	pad(password string, steps int)
}

// parseHash reads a hash.
func parseHash(hash string) (passwordHash, error) {
	if len(hash) > maxHashBytes {
		return nil, errHash
	}
	name, rest, _ := strings.Cut(hash, "$")
	switch name {
	case pbkdf2SHA256:
		return parsePBKDF2(rest, sha256Digest)
	case pbkdf2SHA1:
		return parsePBKDF2(rest, sha1Digest)
	case argon2Name:
		return parseArgon2(rest)
	case bcryptSHA256:
		return parseBcrypt(rest, true)
	case bcryptName:
		return parseBcrypt(rest, false)
	case scryptName:
		return parseScrypt(rest)
	default:
		return nil, errHash
	}
}

// number reads a number above 0 in the only way that Django writes it. A number
// that is too large for an int is the largest one.
func number(text string) (int, error) {
	if text == "" || text[0] == '0' || strings.Trim(text, "0123456789") != "" {
		return 0, errHash
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, errCostly
	}
	return n, nil
}

// numbers reads several of them.
func numbers(texts ...string) ([]int, error) {
	all := make([]int, len(texts))
	for i, text := range texts {
		n, err := number(text)
		if err != nil {
			return nil, err
		}
		all[i] = n
	}
	return all, nil
}

// unbase64 decodes what has one spelling only: Go's decoder leaves out line breaks.
func unbase64(encoding *base64.Encoding, text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, errHash
	}
	return encoding.Strict().DecodeString(text)
}
