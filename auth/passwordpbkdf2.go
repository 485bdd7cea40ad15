package auth

import (
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // what old projects of Django have; HMAC does not need more of it
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"strings"
)

// digest is the hash function that PBKDF2 repeats.
type digest struct {
	make func() hash.Hash
	size int // bytes
}

var (
	sha256Digest = digest{sha256.New, sha256.Size}
	sha1Digest   = digest{sha1.New, sha1.Size}
)

// pbkdf2Hash is iterations$salt$hash.
type pbkdf2Hash struct {
	digest     digest
	iterations int
	salt       string
	sum        []byte
}

func parsePBKDF2(rest string, d digest) (passwordHash, error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 3 {
		return nil, errHash
	}
	iterations, err := number(parts[0])
	if err != nil {
		return nil, err
	}
	if iterations > maxIterations {
		return nil, errCostly
	}
	sum, err := unbase64(base64.StdEncoding, parts[2])
	if err != nil || len(sum) != d.size {
		return nil, errHash
	}
	return &pbkdf2Hash{d, iterations, parts[1], sum}, nil
}

func (h *pbkdf2Hash) has(password string) bool {
	return subtle.ConstantTimeCompare(h.compute(password, h.iterations), h.sum) == 1
}

func (h *pbkdf2Hash) padding(other passwordHash) int {
	longer, same := other.(*pbkdf2Hash)
	if !same || longer.digest.size != h.digest.size {
		return 0
	}
	return max(0, longer.iterations-h.iterations)
}

func (h *pbkdf2Hash) pad(password string, steps int) { h.compute(password, steps) }

// compute returns the hash of a password.
func (h *pbkdf2Hash) compute(password string, iterations int) []byte {
	sum, err := pbkdf2.Key(h.digest.make, password, []byte(h.salt), iterations, h.digest.size)
	if err != nil {
		return nil // nobody's: only a mode that forbids short salts says this
	}
	return sum
}
