package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/protoway/protoway/auth"
)

// Secret is bytes that nothing prints: every format, text and JSON says "(set)" or
// "(not set)".
type Secret struct{ bytes []byte }

// NewSecret makes a secret.
func NewSecret(bytes []byte) Secret { return Secret{slices.Clone(bytes)} }

// Bytes returns the secret itself, nil if it is not set.
func (s Secret) Bytes() []byte { return slices.Clone(s.bytes) }

// Set reports whether there is one.
func (s Secret) Set() bool { return len(s.bytes) > 0 }

// String says whether there is one.
func (s Secret) String() string {
	if s.Set() {
		return "(set)"
	}
	return "(not set)"
}

// Format is String for every verb, %x and %#v included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText is String, for JSON and logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Check says that a secret is too short, and how to make a better one. One that is
// not set is fine.
func (s Secret) Check() error {
	if !s.Set() || len(s.bytes) >= auth.MinSecretBytes {
		return nil
	}
	return fmt.Errorf("has %d bytes, at least %d are needed; `openssl rand -base64 32` makes a good one",
		len(s.bytes), auth.MinSecretBytes)
}

// maxSecretBytes is far more than a secret needs: a longer file is another one.
const maxSecretBytes = 64 << 10

// ReadSecret reads a secret from a file, without the line end that editors and echo
// put behind it. The error does not name the file: somebody may have given the
// secret itself.
func ReadSecret(file string) (Secret, error) {
	in, err := os.Open(file) //nolint:gosec // the operator names it
	if err != nil {
		return Secret{}, errors.New(unreadable(err))
	}
	defer in.Close() //nolint:errcheck // it was only read
	data, err := io.ReadAll(io.LimitReader(in, maxSecretBytes+1))
	data = bytes.TrimRight(data, "\r\n")
	switch {
	case err != nil:
		return Secret{}, errors.New(unreadable(err))
	case len(data) == 0:
		return Secret{}, errors.New("the file is empty")
	case len(data) > maxSecretBytes:
		return Secret{}, fmt.Errorf("the file has more than %d bytes, so it is not a secret", maxSecretBytes)
	}
	return Secret{data}, nil
}
