package django

import (
	"bytes"
	"compress/zlib"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The salts of Django, which tell apart what one key signs.
const (
	sessionSalt  = "django.contrib.sessions.SessionStore" + "signer"
	passwordSalt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash" //nolint:gosec // public, no secret
)

// maxSessionBytes bounds the data of a session when it is decompressed.
const maxSessionBytes = 4 << 20

var (
	errUnsigned = errors.New("no key of this project has signed it")
	errTooLarge = fmt.Errorf("a session has more than %d bytes", maxSessionBytes)
)

// keys are SECRET_KEY and SECRET_KEY_FALLBACKS.
type keys []string

// unsign returns the data that django.core.signing.dumps has signed and, if it is
// shorter so, compressed: ".base64url:timestamp:signature", with the point for what
// is compressed.
func (k keys) unsign(signed string) ([]byte, error) {
	at := strings.LastIndexByte(signed, ':')
	if at < 0 {
		return nil, errUnsigned
	}
	value, signature := signed[:at], signed[at+1:]
	if !k.have(signature, func(key string) string {
		return base64.RawURLEncoding.EncodeToString(saltedHMAC(sessionSalt, key, value))
	}) {
		return nil, errUnsigned
	}
	value, _, stamped := strings.Cut(value, ":") // its age is that of the row
	if !stamped {
		return nil, errUnsigned
	}
	encoded, compressed := strings.CutPrefix(value, ".")
	data, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || !compressed {
		return data, err
	}
	return inflate(data)
}

// inflate decompresses no more than maxSessionBytes.
func inflate(data []byte) ([]byte, error) {
	reader, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(io.LimitReader(reader, maxSessionBytes+1))
	if len(plain) > maxSessionBytes {
		return nil, errTooLarge
	}
	return plain, err
}

// passwordHash reports whether a session was signed in with the password that has
// this hash: get_session_auth_hash of Django.
func (k keys) passwordHash(claimed, password string) bool {
	return k.have(claimed, func(key string) string {
		return hex.EncodeToString(saltedHMAC(passwordSalt, key, password))
	})
}

// have reports whether one of the keys makes what is claimed, in the same time for
// whatever is claimed.
func (k keys) have(claimed string, makes func(key string) string) bool {
	made := 0
	for _, key := range k {
		made |= subtle.ConstantTimeCompare([]byte(makes(key)), []byte(claimed))
	}
	return made == 1
}

// saltedHMAC is django.utils.crypto.salted_hmac with SHA-256.
func saltedHMAC(salt, key, value string) []byte {
	derived := sha256.Sum256([]byte(salt + key))
	mac := hmac.New(sha256.New, derived[:])
	mac.Write([]byte(value))
	return mac.Sum(nil)
}
