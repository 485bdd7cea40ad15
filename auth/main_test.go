package auth_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/protoway/protoway/status"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	secret = []byte("a secret of the test, 32 or more")
	other  = []byte("another secret, also 32 or more!")
	// start is when the tests take place.
	start = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

const headerHS256 = `{"alg":"HS256","typ":"JWT"}`

// sign makes a token without the library that reads it.
func sign(header, payload string, algorithm func() hash.Hash, key []byte) string {
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(header)) + "." + encode([]byte(payload))
	mac := hmac.New(algorithm, key)
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

func signHS256(payload string) string { return sign(headerHS256, payload, sha256.New, secret) }

// wantRefusal asserts code and text of err, and that the text tells nothing of
// the token.
func wantRefusal(t *testing.T, err error, code status.Code, text, token string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s: %s", code, text)
	}
	got := status.From(err)
	if got.Code != code || !strings.Contains(got.Text, text) {
		t.Errorf("error is %q, want %s: ...%s...", err, code, text)
	}
	for part := range strings.SplitSeq(token, ".") {
		if len(part) > 10 && strings.Contains(err.Error(), part) {
			t.Errorf("error shows a part of the token: %q", err)
		}
	}
}
