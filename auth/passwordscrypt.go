package auth

import (
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// scryptHash is N$salt$r$p$hash, in the order of Django.
type scryptHash struct {
	n, r, p int
	salt    string
	sum     []byte
}

const (
	scryptSum   = 64  // bytes
	scryptBlock = 128 // bytes times r
)

func parseScrypt(rest string) (passwordHash, error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 5 {
		return nil, errHash
	}
	values, err := numbers(parts[0], parts[2], parts[3])
	if err != nil {
		return nil, err
	}
	n, r, p := values[0], values[1], values[2]
	switch {
	case n < 2 || n&(n-1) != 0:
		return nil, errHash // no power of two
	case n > maxHashMemory/scryptBlock || r > maxHashMemory/scryptBlock/n || p > maxHashWork/scryptBlock/n/r:
		return nil, errCostly
	}
	sum, err := unbase64(base64.StdEncoding, parts[4])
	if err != nil || len(sum) != scryptSum {
		return nil, errHash
	}
	return &scryptHash{n, r, p, parts[1], sum}, nil
}

func (h *scryptHash) has(password string) bool {
	sum, err := scrypt.Key([]byte(password), []byte(h.salt), h.n, h.r, h.p, scryptSum)
	return err == nil && subtle.ConstantTimeCompare(sum, h.sum) == 1
}

// Django does not pad it either.
func (h *scryptHash) padding(passwordHash) int { return 0 }
func (h *scryptHash) pad(string, int)          {}
