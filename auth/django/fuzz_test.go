package django_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"os"
	"regexp"
	"testing"

	"github.com/protoway/protoway/auth/django"
)

// FuzzSession decodes arbitrary data of sessions, unsigned and well signed.
func FuzzSession(f *testing.F) {
	text, err := os.ReadFile("testdata/auth.sqlite.sql")
	if err != nil {
		f.Fatal(err)
	}
	for _, row := range regexp.MustCompile(`INTO "django_session" VALUES\('[a-z0-9]+','([^']{1,1000})'`).FindAllSubmatch(text, -1) {
		f.Add(string(row[1]))
	}
	for _, data := range []string{"", ":", "::", ".:1", ".eA:1", "e30:1", "bnVsbA:1", "W10:1", "eyJfYXV0aF91c2VyX2lkIjoxfQ:1"} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data string) {
		if user, err := django.DecodeSession(data, "another key, which has signed nothing"); user != "" || err != nil {
			t.Fatalf("%q, which nobody has signed, is of %q, %v", data, user, err)
		}
		derived := sha256.Sum256([]byte("django.contrib.sessions.SessionStoresigner" + secretKey))
		mac := hmac.New(sha256.New, derived[:])
		mac.Write([]byte(data))
		signed := data + ":" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
		if _, err := django.DecodeSession(signed, oldKey, secretKey); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
	})
}

// FuzzID gives arbitrary ids to each kind of column: what is looked for has the
// spelling of what is found.
func FuzzID(f *testing.F) {
	for _, id := range []string{"1", "-1", "00000000-00ab-cdef-0000-000000000001", "ada", "", "0x1"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		for kind, dialect := range map[string]django.Dialect{
			"INT4": django.PostgreSQL, "INT8": django.PostgreSQL, "UUID": django.PostgreSQL, "VARCHAR": django.PostgreSQL,
			"INTEGER": django.SQLite, "CHAR(32)": django.SQLite, "VARCHAR(40)": django.SQLite,
		} {
			if again, possible := django.RoundTrip(id, kind, dialect); possible && again != id {
				t.Errorf("%q comes back from %s as %q", id, kind, again)
			}
		}
	})
}
