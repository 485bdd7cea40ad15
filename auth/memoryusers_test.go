package auth_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

// quickHash is a password that is quickly checked.
func quickHash(password string) string { return auth.HashPassword(password, 10) }

func newUsers(t *testing.T) *auth.MemoryUsers {
	t.Helper()
	users, err := auth.NewMemoryUsers(
		auth.Account{User: auth.User{ID: "1", Name: "ada", Groups: auth.NewSet("staff")}, Password: quickHash("pw")},
		auth.Account{User: auth.User{ID: "2", Name: "bob"}, Password: "!"},
		auth.Account{User: auth.User{ID: "3", Name: "eve"}, Password: quickHash("pw"), Inactive: true})
	if err != nil {
		t.Fatal(err)
	}
	return users
}

func TestMemoryUsersLogin(t *testing.T) {
	users := newUsers(t)
	user, err := users.Login(t.Context(), "ada", "pw")
	if err != nil || user.ID != "1" || !user.In("staff") {
		t.Fatalf("%+v, %v", user, err)
	}
	texts := map[string]bool{}
	for _, wrong := range [][2]string{{"ada", "no"}, {"ada", ""}, {"bob", ""}, {"bob", "!"}, {"eve", "pw"}, {"nobody", "pw"}, {"", ""}} {
		user, err := users.Login(t.Context(), wrong[0], wrong[1])
		if user != nil || status.CodeOf(err) != status.Unauthenticated {
			t.Errorf("%q: %+v, %v", wrong, user, err)
		}
		texts[status.From(err).Text] = true
	}
	if len(texts) != 1 {
		t.Errorf("failed logins tell the cases apart: %v", texts)
	}
}

func TestMemoryUsersRefusesAccounts(t *testing.T) {
	ada := auth.Account{User: auth.User{ID: "1", Name: "ada"}, Password: quickHash("pw")}
	for want, accounts := range map[string][]auth.Account{
		`account 2: the id "1" is taken`:               {ada, {User: auth.User{ID: "1", Name: "bob"}, Password: "!"}},
		`account 2: the name "ada" is taken`:           {ada, {User: auth.User{ID: "2", Name: "ada"}, Password: "!"}},
		"account 1: an id and a name are required":     {{Password: "!"}},
		`the password of "ada": not a hash`:            {{User: ada.User, Password: "pw"}},
		"auth.HashPassword makes one":                  {{User: ada.User, Password: "bcrypt$10$a$b"}},
		`account 1: an id and a name are required, no`: {{User: auth.User{ID: "1"}, Password: "!"}},
	} {
		if _, err := auth.NewMemoryUsers(accounts...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestCurrent: rights come from the store, and whoever was deactivated is refused.
func TestCurrent(t *testing.T) {
	users := newUsers(t)
	expires := time.Now().Add(time.Hour)
	named := &auth.User{ID: "1", Superuser: true, Expires: expires, TokenID: "jti"}
	verifier := auth.Current(auth.VerifierFunc(func(_ context.Context, token string) (*auth.User, error) {
		if token != "good" {
			return nil, status.Unauthenticated.Errorf("bad")
		}
		return named, nil
	}), users)
	user, err := verifier.Verify(t.Context(), "good")
	if err != nil || user.Superuser || !user.In("staff") || !user.Expires.Equal(expires) || user.TokenID != "jti" {
		t.Errorf("%+v, %v", user, err)
	}
	if _, err := verifier.Verify(t.Context(), "other"); status.CodeOf(err) != status.Unauthenticated {
		t.Error(err)
	}
	if !users.SetActive("1", false) || users.SetActive("nobody", false) {
		t.Error("SetActive does not know who exists")
	}
	if _, err := verifier.Verify(t.Context(), "good"); status.CodeOf(err) != status.Unauthenticated {
		t.Errorf("a deactivated user: %v", err)
	}
	users.SetActive("1", true)
	if _, err := verifier.Verify(t.Context(), "good"); err != nil {
		t.Error(err)
	}
	named = &auth.User{ID: "gone"}
	if _, err := verifier.Verify(t.Context(), "good"); status.CodeOf(err) != status.Unauthenticated {
		t.Errorf("a user who is gone: %v", err)
	}
	if err := auth.Current(auth.HS256([]byte("short")), users).(auth.Checker).Check(); err == nil {
		t.Error("the verifier's configuration is not checked")
	}
}
