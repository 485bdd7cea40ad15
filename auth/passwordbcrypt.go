package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// bcryptHash is $2b$cost$ and 53 letters, as bcrypt itself writes it.
type bcryptHash struct {
	encoded []byte
	cost    int
	// digested tells bcrypt_sha256 from bcrypt: the password is hashed before, since
	// bcrypt looks at 72 bytes and no more.
	digested bool
}

const (
	bcryptLetters = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	bcryptLength  = 53 // of salt and hash
)

func parseBcrypt(rest string, digested bool) (passwordHash, error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 4 || parts[0] != "" || len(parts[2]) != 2 ||
		len(parts[3]) != bcryptLength || strings.Trim(parts[3], bcryptLetters) != "" {
		return nil, errHash
	}
	switch parts[1] {
	case "2a", "2b", "2y": // 2x is the one with the mistake
	default:
		return nil, errHash
	}
	cost, err := number(strings.TrimPrefix(parts[2], "0"))
	if err != nil || cost < bcrypt.MinCost {
		return nil, errHash
	}
	if cost > maxBcryptCost {
		return nil, errCostly
	}
	return &bcryptHash{[]byte(rest), cost, digested}, nil
}

func (h *bcryptHash) has(password string) bool {
	key := []byte(password)
	if h.digested {
		sum := sha256.Sum256(key)
		key = hex.AppendEncode(nil, sum[:])
	}
	return bcrypt.CompareHashAndPassword(h.encoded, key) == nil
}

func (h *bcryptHash) padding(other passwordHash) int {
	longer, same := other.(*bcryptHash)
	if !same || longer.digested != h.digested || longer.cost <= h.cost {
		return 0
	}
	return 1<<(longer.cost-h.cost) - 1 // each more of cost takes twice as long
}

func (h *bcryptHash) pad(password string, steps int) {
	for range steps {
		h.has(password)
	}
}
