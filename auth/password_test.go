package auth_test

import (
	"strings"
	"testing"

	"github.com/protoway/protoway/auth"
)

// djangoHash is what django.contrib.auth.hashers makes of "lètmein" with the salt
// "seasalt", from Django's own tests.
const djangoHash = "pbkdf2_sha256$1000000$seasalt$r1uLUxoxpP2Ued/qxvmje7UH9PUJBkRrvf9gGPL7Cps="

func TestCheckPassword(t *testing.T) {
	t.Parallel() // takes a second
	if !auth.CheckPassword("lètmein", djangoHash) {
		t.Error("a hash of Django's is not understood")
	}
	own := auth.HashPassword("pw", 5)
	if !strings.HasPrefix(own, "pbkdf2_sha256$5$") || !auth.CheckPassword("pw", own) || auth.CheckPassword("PW", own) {
		t.Error(own)
	}
	if own == auth.HashPassword("pw", 5) {
		t.Error("two hashes of a password have one salt")
	}
	if made := auth.HashPassword("pw", 0); !strings.HasPrefix(made, "pbkdf2_sha256$1000000$") {
		t.Error(made)
	}
	for _, bad := range []string{
		"", "!", "!abc", "pw", "pbkdf2_sha256$0$s$", "pbkdf2_sha256$99999999999$s$AAAA",
		"pbkdf2_sha1$5$s$AAAA", "pbkdf2_sha256$5$s$AAAA", strings.Replace(own, "$5$", "$-5$", 1), own + "$",
	} {
		if auth.CheckPassword("", bad) || auth.CheckPassword("pw", bad) {
			t.Errorf("%q has a password", bad)
		}
	}
}

func FuzzCheckPassword(f *testing.F) {
	f.Add("pw", "pbkdf2_sha256$2$seasalt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
	f.Add("pw", "!")
	f.Fuzz(func(t *testing.T, password, hash string) {
		if parts := strings.Split(hash, "$"); len(parts) > 1 && len(parts[1]) > 4 {
			return // takes long, as it should
		}
		if auth.CheckPassword(password, hash) && !strings.HasPrefix(hash, "pbkdf2_sha256$") {
			t.Errorf("%q has a password", hash)
		}
	})
}
