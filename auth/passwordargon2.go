package auth

import (
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"golang.org/x/crypto/argon2"
)

// argon2Hash is argon2id$v=19$m=KiB,t=passes,p=lanes$salt$hash, with salt and hash
// in base64 without padding.
type argon2Hash struct {
	key          func(password, salt []byte, passes, memory uint32, lanes uint8, length uint32) []byte
	passes, kibi uint32
	lanes        uint8
	salt, sum    []byte
}

// Bounds of the reference implementation, but for the shortest sum, which is no
// hash that anybody makes.
const (
	argon2Version  = "v=19"
	maxArgon2Lanes = 255
	minArgon2Salt  = 8
	minArgon2Sum   = 16
)

func parseArgon2(rest string) (passwordHash, error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 5 || parts[1] != argon2Version {
		return nil, errHash
	}
	h := &argon2Hash{}
	switch parts[0] {
	case "argon2id":
		h.key = argon2.IDKey
	case "argon2i": // what Django before 3.2 wrote
		h.key = argon2.Key
	default:
		return nil, errHash
	}
	if err := h.parameters(parts[2]); err != nil {
		return nil, err
	}
	var err error
	if h.salt, err = unbase64(base64.RawStdEncoding, parts[3]); err != nil || len(h.salt) < minArgon2Salt {
		return nil, errHash
	}
	if h.sum, err = unbase64(base64.RawStdEncoding, parts[4]); err != nil || len(h.sum) < minArgon2Sum {
		return nil, errHash
	}
	return h, nil
}

// parameters reads m=,t=,p=.
func (h *argon2Hash) parameters(text string) error {
	memory, rest, _ := strings.Cut(text, ",")
	passes, lanes, _ := strings.Cut(rest, ",")
	for name, value := range map[string]*string{"m=": &memory, "t=": &passes, "p=": &lanes} {
		bare, named := strings.CutPrefix(*value, name)
		if !named {
			return errHash
		}
		*value = bare
	}
	values, err := numbers(memory, passes, lanes)
	if err != nil {
		return err
	}
	m, t, p := values[0], values[1], values[2]
	switch {
	case p > maxArgon2Lanes || m < 8*p:
		return errHash
	case m > maxHashMemory>>10 || t > maxHashWork>>10/m:
		return errCostly
	}
	h.kibi, h.passes, h.lanes = uint32(m), uint32(t), uint8(p) //nolint:gosec // bounded above
	return nil
}

func (h *argon2Hash) has(password string) bool {
	length := uint32(len(h.sum)) //nolint:gosec // at most maxHashBytes
	return subtle.ConstantTimeCompare(h.key([]byte(password), h.salt, h.passes, h.kibi, h.lanes, length), h.sum) == 1
}

// Django does not pad it either.
func (h *argon2Hash) padding(passwordHash) int { return 0 }
func (h *argon2Hash) pad(string, int)          {}
