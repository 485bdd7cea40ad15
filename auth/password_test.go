package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

// djangoHash is what django.contrib.auth.hashers makes of "lètmein" with the salt
// "seasalt", from Django's own tests.
const djangoHash = "pbkdf2_sha256$1000000$seasalt$r1uLUxoxpP2Ued/qxvmje7UH9PUJBkRrvf9gGPL7Cps="

// Hashes of "pw" that are quickly checked, as Django makes them.
const (
	quickPBKDF2 = "pbkdf2_sha256$1$seasalt$OjHLoUaCbUYvwwmfEI/elE+zBcOD/VIIVyR6er6BvgE="
	quickArgon2 = "argon2$argon2id$v=19$m=4096,t=3,p=2$c2Vhc2FsdHNlYXNhbHQ$wxPZeO/EzTDqAkfPE/0sXBJ0vGv4+Kr4Mec2ZnoQqfc"
	quickScrypt = "scrypt$2$seasalt$1$1$XW0nWL1Xv81JYEJMudDQ3VjSXsEj0zjXKVQWEFt7cpZn5Uvu2ZG3XyHtbnX9UmnctSG8pHLe3IZcDin6qs9Suw=="
	aBcrypt     = "bcrypt$$2b$12$l6oUTd1NX/grsM3G1VQqSu61xJ3zUnyTRsqyAZbLwRmA/NIFtiWi6"
)

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
	long := strings.Repeat("x", auth.MaxPasswordBytes)
	if !auth.CheckPassword(long, auth.HashPassword(long, 5)) || auth.CheckPassword(long+"x", auth.HashPassword(long+"x", 5)) {
		t.Error("the longest password is another one")
	}
}

// TestCheckPasswordOfDjango takes what Django made of passwords with each of its
// hashers; django/testdata/fixtures.py says how.
func TestCheckPasswordOfDjango(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/django_hashes.json")
	if err != nil {
		t.Fatal(err)
	}
	var made []struct{ Password, Hash string }
	if err := json.Unmarshal(raw, &made); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, m := range made {
		kind, _, _ := strings.Cut(m.Hash, "$")
		seen[kind]++
		if usable := !strings.HasPrefix(m.Hash, "!"); auth.CheckPassword(m.Password, m.Hash) != usable {
			t.Errorf("%q has %q: want %t", m.Password, m.Hash, usable)
		}
		if m.Password != kind && m.Password != "argon2id" && auth.CheckPassword("x"+m.Password, m.Hash) {
			t.Errorf("another password has %q", m.Hash)
		}
	}
	for _, kind := range []string{"pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "bcrypt", "scrypt"} {
		if seen[kind] < 4 {
			t.Errorf("%d hashes of %s: run make fixtures", seen[kind], kind)
		}
	}
}

// TestCheckPasswordRefuses what is no hash, or would take too long, at once.
func TestCheckPasswordRefuses(t *testing.T) {
	const known, costly = "not a hash of a form that is known", "not a hash that can be checked within seconds"
	sum32, sum64 := "OjHLoUaCbUYvwwmfEI/elE+zBcOD/VIIVyR6er6BvgE=", strings.TrimPrefix(quickScrypt, "scrypt$2$seasalt$1$1$")
	argon2 := func(parameters string) string { return strings.Replace(quickArgon2, "m=4096,t=3,p=2", parameters, 1) }
	scrypt := func(n, r, p string) string { return "scrypt$" + n + "$seasalt$" + r + "$" + p + "$" + sum64 }
	for want, hashes := range map[string][]string{
		known: {
			"", "!", "!abc", "pw", "$", "$$$$", "md5$seasalt$abc", "PBKDF2_SHA256$1$seasalt$" + sum32, " " + quickPBKDF2,
			"pbkdf2_sha256", "pbkdf2_sha256$", "pbkdf2_sha256$0$s$" + sum32, "pbkdf2_sha256$-1$s$" + sum32, "pbkdf2_sha256$+1$s$" + sum32,
			"pbkdf2_sha256$01$s$" + sum32, "pbkdf2_sha256$1 $s$" + sum32, "pbkdf2_sha256$$s$" + sum32, "pbkdf2_sha256$1_0$s$" + sum32,
			"pbkdf2_sha256$1$s$", "pbkdf2_sha256$1$s$AAAA", quickPBKDF2 + "$", quickPBKDF2 + "=", quickPBKDF2 + "\n",
			"pbkdf2_sha1$1$s$" + sum32, "pbkdf2_sha256$1$" + strings.Repeat("s", 600) + "$" + sum32,
			strings.Replace(quickArgon2, "argon2id", "argon2d", 1), strings.Replace(quickArgon2, "v=19", "v=16", 1),
			strings.Replace(quickArgon2, "v=19$", "", 1), quickArgon2 + "$", quickArgon2[:len(quickArgon2)-1] + "=",
			argon2("t=3,m=4096,p=2"), argon2("m=4096,t=3"), argon2("m=4096,t=3,p=2,x=1"), argon2("m=0,t=3,p=2"), argon2("m=4096,t=0,p=2"),
			argon2("m=4096,t=3,p=0"), argon2("m=15,t=1,p=2"), argon2("m=262144,t=1,p=256"), argon2(""),
			"argon2$argon2id$v=19$m=4096,t=3,p=2$c2Vh$wxPZeO/EzTDqAkfPE/0sXBJ0vGv4+Kr4Mec2ZnoQqfc",
			"argon2$argon2id$v=19$m=4096,t=3,p=2$c2Vhc2FsdHNlYXNhbHQ$", "argon2$argon2id$v=19$m=4096,t=3,p=2$c2Vhc2FsdHNlYXNhbHQ$AAAA",
			"bcrypt$", aBcrypt + ".", aBcrypt[:len(aBcrypt)-1], strings.Replace(aBcrypt, "2b", "2x", 1), strings.Replace(aBcrypt, "$12$", "$3$", 1),
			strings.Replace(aBcrypt, "$12$", "$03$", 1), strings.Replace(aBcrypt, "$12$", "$-4$", 1), strings.Replace(aBcrypt, "l6o", "l!o", 1),
			strings.Replace(aBcrypt, "$$", "$", 1), "bcrypt_sha256" + strings.TrimPrefix(aBcrypt, "bcrypt") + "$",
			scrypt("3", "1", "1"), scrypt("1", "1", "1"), scrypt("0", "1", "1"), scrypt("2", "0", "1"), scrypt("2", "1", "0"),
			quickScrypt + "$", "scrypt$2$seasalt$1$1$" + sum32, "scrypt$2$seasalt$1$1$",
		},
		costly: {
			"pbkdf2_sha256$20000001$s$" + sum32, "pbkdf2_sha256$99999999999999999999$s$" + sum32, "pbkdf2_sha1$20000001$s$AAAA",
			argon2("m=262145,t=1,p=1"), argon2("m=262144,t=17,p=1"), argon2("m=8,t=99999999,p=1"), argon2("m=99999999999999999999,t=1,p=1"),
			argon2("m=4294967296,t=1,p=1"), argon2("m=4096,t=4294967297,p=1"),
			strings.Replace(aBcrypt, "$12$", "$17$", 1), strings.Replace(aBcrypt, "$12$", "$31$", 1), strings.Replace(aBcrypt, "$12$", "$99$", 1),
			scrypt("4194304", "1", "1"), scrypt("2", "1048577", "1"), scrypt("16384", "8", "257"), scrypt("2", "1", "99999999"),
			scrypt("4611686018427387904", "8", "5"), scrypt("2", "4611686018427387904", "4611686018427387904"),
		},
	} {
		for _, hash := range hashes {
			err := auth.ParseHash(hash)
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%q is refused as %v, want %s", hash, err, want)
				continue
			}
			for _, password := range []string{"", "pw", "lètmein"} {
				if auth.CheckPassword(password, hash) {
					t.Errorf("%q has %q", password, hash)
				}
			}
		}
	}
	// The largest that are allowed are understood.
	for _, hash := range []string{
		"pbkdf2_sha256$20000000$s$" + sum32, argon2("m=262144,t=16,p=255"), strings.Replace(aBcrypt, "$12$", "$16$", 1),
		strings.Replace(aBcrypt, "$12$", "$04$", 1), strings.Replace(aBcrypt, "2b", "2a", 1), scrypt("262144", "8", "16"),
		strings.Replace(quickArgon2, "argon2id", "argon2i", 1),
	} {
		if err := auth.ParseHash(hash); err != nil {
			t.Errorf("%q: %v", hash, err)
		}
	}
}

// TestPasswords: a wrong password and what is no hash cost one hash each.
func TestPasswords(t *testing.T) {
	passwords, err := auth.NewPasswords(auth.PasswordConfig{Decoy: quickPBKDF2})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		password, hash string
		good           bool
	}{
		{"pw", quickPBKDF2, true},
		{"pw", quickArgon2, true},
		{"pw", quickScrypt, true},
		{"no", quickPBKDF2, false},
		{"pw", "", false},
		{"pw", "!abc", false},
		{"pw", "gibberish", false},
		{"pw", "pbkdf2_sha256$20000001$s$AAAA", false},
	} {
		good, err := passwords.Check(t.Context(), c.password, c.hash)
		if good != c.good || err != nil {
			t.Errorf("%+v: %t, %v", c, good, err)
		}
		if got := passwords.Computed(); got != uint64(i+1) {
			t.Errorf("%+v: %d hashes were computed in all, want %d", c, got, i+1)
		}
	}
	if good, err := passwords.Check(t.Context(), strings.Repeat("x", auth.MaxPasswordBytes+1), quickPBKDF2); good || err != nil {
		t.Errorf("a password that is too long: %t, %v", good, err)
	}
}

// TestDecoys: those that have the name of an algorithm cost what Django takes for it,
// and no password has them; others are refused.
func TestDecoys(t *testing.T) {
	t.Parallel()
	for decoy, want := range map[string]struct {
		hash  string // of the same algorithm
		steps int
	}{
		"":              {quickPBKDF2, 999_999},
		"pbkdf2_sha256": {quickPBKDF2, 999_999},
		"pbkdf2_sha1":   {"pbkdf2_sha1$1$s$AAAAAAAAAAAAAAAAAAAAAAAAAAA=", 999_999},
		"bcrypt":        {strings.Replace(aBcrypt, "$12$", "$11$", 1), 1},
		"bcrypt_sha256": {strings.Replace("bcrypt_sha256"+strings.TrimPrefix(aBcrypt, "bcrypt"), "$12$", "$11$", 1), 1},
	} {
		if got := auth.Padding(want.hash, decoy); got != want.steps {
			t.Errorf("%q takes %d steps more, want %d", decoy, got, want.steps)
		}
	}
	for _, decoy := range []string{"argon2", "scrypt", quickArgon2} {
		passwords, err := auth.NewPasswords(auth.PasswordConfig{Decoy: decoy})
		if err != nil {
			t.Errorf("%q: %v", decoy, err)
			continue
		}
		if good, err := passwords.Check(t.Context(), "pw", ""); good || err != nil || passwords.Computed() != 1 {
			t.Errorf("%q: %t, %v, %d hashes", decoy, good, err, passwords.Computed())
		}
	}
	for _, decoy := range []string{"md5", "!", "argon2$", "PBKDF2"} {
		if _, err := auth.NewPasswords(auth.PasswordConfig{Decoy: decoy}); err == nil || !strings.Contains(err.Error(), "PasswordConfig.Decoy is not a hash") {
			t.Errorf("%q: %v", decoy, err)
		}
	}
}

// TestPasswordsAreBounded: some are checked, some wait, and the rest is refused.
func TestPasswordsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		passwords, err := auth.NewPasswords(auth.PasswordConfig{Parallel: 2, Waiting: 3})
		if err != nil {
			t.Fatal(err)
		}
		release := auth.HoldPasswords(passwords) // as if two were being checked
		ctx, cancel := context.WithCancel(t.Context())
		errs := make(chan error, 4)
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() {
				asked := t.Context()
				if i == 0 {
					asked = ctx
				}
				_, err := passwords.Check(asked, "pw", quickPBKDF2)
				errs <- err
			})
		}
		synctest.Wait()
		_, refused := passwords.Check(t.Context(), "pw", quickPBKDF2)
		if status.CodeOf(refused) != status.ResourceExhausted || status.From(refused).RetryAfter != time.Second {
			t.Errorf("one too many: %v", refused)
		}
		if passwords.Computed() != 0 {
			t.Error("more than two are checked at once")
		}
		cancel() // who gives up makes room
		synctest.Wait()
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up got %v", err)
		}
		all.Go(func() {
			_, err := passwords.Check(t.Context(), "pw", quickPBKDF2)
			errs <- err
		})
		synctest.Wait()
		release()
		all.Wait()
		for range 3 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		if passwords.Computed() != 3 {
			t.Errorf("%d hashes were computed, want 3", passwords.Computed())
		}
	})
}

// TestPadding: a wrong password for an older hash costs as much as the decoy, where
// Django sees to that too.
func TestPadding(t *testing.T) {
	pbkdf2 := func(kind, iterations string) string {
		sum := map[string]string{"pbkdf2_sha256": "OjHLoUaCbUYvwwmfEI/elE+zBcOD/VIIVyR6er6BvgE=", "pbkdf2_sha1": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}
		return kind + "$" + iterations + "$s$" + sum[kind]
	}
	bcrypt := func(cost string) string { return strings.Replace(aBcrypt, "$12$", "$"+cost+"$", 1) }
	for _, c := range []struct {
		hash, decoy string
		want        int
	}{
		{pbkdf2("pbkdf2_sha256", "10"), pbkdf2("pbkdf2_sha256", "25"), 15},
		{pbkdf2("pbkdf2_sha256", "10"), pbkdf2("pbkdf2_sha256", "5"), 0},
		{pbkdf2("pbkdf2_sha256", "10"), pbkdf2("pbkdf2_sha1", "25"), 0},
		{pbkdf2("pbkdf2_sha1", "10"), pbkdf2("pbkdf2_sha1", "11"), 1},
		{bcrypt("10"), bcrypt("12"), 3},
		{bcrypt("12"), bcrypt("10"), 0},
		{"bcrypt_sha256" + strings.TrimPrefix(bcrypt("10"), "bcrypt"), bcrypt("12"), 0},
		{quickArgon2, quickPBKDF2, 0},
	} {
		if got := auth.Padding(c.hash, c.decoy); got != c.want {
			t.Errorf("%s with the decoy %s: %d, want %d", c.hash, c.decoy, got, c.want)
		}
	}
}

func FuzzCheckPassword(f *testing.F) {
	for _, hash := range []string{
		quickPBKDF2, quickArgon2, quickScrypt, aBcrypt, djangoHash, "!", "pbkdf2_sha1$1$s$AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"bcrypt_sha256$$2b$12$dUH9Iz54asoVWYJU4WRdeeSLxe2avuPKocPEjaUaWvh6NeqldgSpq",
	} {
		f.Add("pw", hash)
	}
	f.Fuzz(func(t *testing.T, password, hash string) {
		if err := auth.ParseHash(hash); err != nil {
			if auth.CheckPassword(password, hash) {
				t.Errorf("%q has a password, and %v", hash, err)
			}
			return
		}
		// What costs little is computed too.
		if parts := strings.Split(hash, "$"); strings.HasPrefix(parts[0], "pbkdf2") && len(parts[1]) < 4 || parts[0] == "scrypt" && len(parts[1]+parts[3]+parts[4]) < 6 {
			if auth.CheckPassword(password, hash) && auth.CheckPassword(password+"x", hash) {
				t.Errorf("%q is the hash of two passwords", hash)
			}
		}
	})
}
