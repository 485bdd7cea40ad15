package django_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/auth/django"
	"github.com/protoway/protoway/status"
)

// people are who testdata/fixtures.py makes, all with the password "pw".
var people = []struct {
	number              int
	name                string
	superuser           bool
	groups, permissions []string
}{
	{number: 1, name: "alice"},
	{number: 2, name: "root", superuser: true, groups: []string{"bad"}, permissions: []string{"auth.view_group"}},
	{number: 3, name: "bob", groups: []string{"staff"}, permissions: []string{"auth.add_group", "auth.view_group"}},
	{
		number: 4, name: "carl", groups: []string{"bad", "staff"},
		permissions: []string{"auth.add_group", "auth.view_group", "sessions.delete_session"},
	},
	{number: 6, name: "dora", groups: []string{"empty"}, permissions: []string{"auth.add_permission"}},
	{number: 8, name: "Zoë O'Hara; --"},
}

// TestUsers: who logs in, or has an id, is who Django says, with these rights.
func TestUsers(t *testing.T) { eachSite(t, checkUsers) }

// TestLive is TestUsers on what the Django of the set-up makes now.
func TestLive(t *testing.T) {
	for _, kind := range []string{"postgres", "sqlite"} {
		for _, m := range models[:2] {
			t.Run(kind+"/"+m.name, func(t *testing.T) {
				t.Parallel()
				s := live(t, kind, m)
				checkUsers(s)
				checkSessions(s)
			})
		}
	}
}

func checkUsers(s *site) {
	t := s.T
	store := s.store(t, nil)
	for _, p := range people {
		id, name := s.id(p.number, p.name), s.login(p.name)
		logged, err := store.Login(t.Context(), name, "pw")
		if err != nil {
			t.Errorf("login of %q: %v", name, err)
			continue
		}
		found, err := store.User(t.Context(), id)
		if err != nil {
			t.Errorf("user %q: %v", id, err)
			continue
		}
		for _, user := range []*auth.User{logged, found} {
			if user.ID != id || user.Name != name || user.Superuser != p.superuser || !user.Expires.IsZero() ||
				!slices.Equal(user.Groups.Names(), p.groups) || !slices.Equal(user.Permissions.Names(), p.permissions) {
				t.Errorf("%q is %+v, want %q, %+v", name, user, id, p)
			}
		}
	}
	for _, id := range []string{s.id(9, "nobody"), s.id(5, "inact")} {
		if user, err := store.User(t.Context(), id); user != nil || status.CodeOf(err) != status.Unauthenticated {
			t.Errorf("user %q: %+v, %v", id, user, err)
		}
	}
}

// TestFailedLogin: who does not exist, must not sign in or has another password is
// told one thing, after the same work.
func TestFailedLogin(t *testing.T) {
	eachSite(t, func(s *site) {
		t := s.T
		passwords := newPasswords(t)
		store := s.store(t, func(c *django.Config) { c.Passwords = passwords })
		s.run(t, strings.ReplaceAll("UPDATE TABLE SET password = 'md5$seasalt$abc' WHERE is_superuser = true", "TABLE", `"`+or(s.config.UserTable, "auth_user")+`"`))
		texts := map[string]bool{}
		for _, c := range []struct{ name, password string }{
			{s.login("alice"), "no"},
			{s.login("alice"), ""},
			{s.login("alice"), "pw "},
			{s.login("ALICE"), "pw"},
			{s.login("alice") + " ", "pw"},
			{s.login("inact"), "pw"},
			{s.login("locked"), ""},
			{s.login("locked"), "!"},
			{s.login("root"), "pw"}, // a hash of an algorithm that is not known
			{s.login("nobody"), "pw"},
			{"", ""},
			{"' OR '1'='1", "pw"},
			{`" OR "1"="1`, "pw"},
			{s.login("alice") + "' --", "pw"},
			{"'; DROP TABLE auth_user; --", "pw"},
			{"$1", "pw"},
			{"?", "pw"},
			{"%", "pw"},
			{s.login("alice") + "\x00", "pw"},
			{"alice\xff", "pw"},
			{strings.Repeat("a", 2000), "pw"},
		} {
			before := passwords.Computed()
			user, err := store.Login(t.Context(), c.name, c.password)
			if user != nil || status.CodeOf(err) != status.Unauthenticated {
				t.Errorf("%q: %+v, %v", c, user, err)
				continue
			}
			if cost := passwords.Computed() - before; cost != 1 {
				t.Errorf("%q: %d hashes were computed, want 1", c, cost)
			}
			texts[err.Error()] = true
		}
		if len(texts) != 1 {
			t.Errorf("failed logins tell the cases apart: %v", texts)
		}
		if _, err := store.Login(t.Context(), s.login("alice"), "pw"); err != nil {
			t.Errorf("afterwards nobody can log in: %v", err)
		}
		if _, err := store.Login(t.Context(), s.login("alice"), strings.Repeat("x", auth.MaxPasswordBytes+1)); status.CodeOf(err) != status.Unauthenticated {
			t.Errorf("a password that is too long: %v", err)
		}
	})
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// TestOddIDs: an id that the column cannot have, or that is spelt otherwise, is
// nobody's and not a failure of the database.
func TestOddIDs(t *testing.T) {
	eachSite(t, func(s *site) {
		t := s.T
		store := s.store(t, nil)
		alice := s.id(1, "alice")
		for _, id := range []string{
			"", " ", "0", "-1", "01", "+1", "1 ", " 1", "1.0", "1e0", "0x1", "2147483648", "9223372036854775808", "99999999999999999999999",
			"' OR 1=1 --", "1 OR 1=1", "1; DROP TABLE auth_user", alice + "\x00", alice + "\xff", " " + alice, alice + " ", strings.ToUpper(alice) + "X",
			strings.ReplaceAll(alice, "-", "") + "x", "{" + alice + "}", "00000000-0000-0000-0000-000000000000",
			strings.ToUpper("00000000-00ab-cdef-0000-000000000001"), "0000000000abcdef0000000000000001", strings.Repeat("1", 5000),
		} {
			if user, err := store.User(t.Context(), id); user != nil || status.CodeOf(err) != status.Unauthenticated {
				t.Errorf("%.50q: %+v, %v", id, user, err)
			}
		}
		if _, err := store.User(t.Context(), alice); err != nil {
			t.Error(err)
		}
	})
}

// TestMemory: what Django changes is seen when the time is over, and at once by
// logins and after Forget.
func TestMemory(t *testing.T) {
	eachDatabase(t, func(s *site) {
		t := s.T
		now := time.Now()
		store := s.store(t, func(c *django.Config) { c.Clock, c.CacheTTL = func() time.Time { return now }, 10*time.Second })
		active := func() bool {
			_, err := store.User(t.Context(), "1")
			if err != nil && status.CodeOf(err) != status.Unauthenticated {
				t.Error(err)
			}
			return err == nil
		}
		if !active() {
			t.Error("alice is not there")
		}
		s.run(t, "UPDATE auth_user SET is_active = false WHERE id = 1")
		if _, err := store.Login(t.Context(), "alice", "pw"); status.CodeOf(err) != status.Unauthenticated {
			t.Errorf("the login of who was deactivated: %v", err)
		}
		now = now.Add(9 * time.Second)
		if !active() {
			t.Error("alice is forgotten too early")
		}
		now = now.Add(time.Second)
		if active() {
			t.Error("alice is still remembered when the time is over")
		}
		s.run(t, "UPDATE auth_user SET is_active = true WHERE id = 1")
		if active() {
			t.Error("refusals are not remembered")
		}
		store.Forget("1")
		store.Forget("nobody")
		if !active() {
			t.Error("Forget has no effect")
		}
		s.run(t, "INSERT INTO auth_user_groups (user_id, group_id) SELECT 1, id FROM auth_group WHERE name = 'staff'")
		store.Forget("1")
		if user, err := store.User(t.Context(), "1"); err != nil || !user.In("staff") || !user.Has("auth.add_group") {
			t.Errorf("after a change of groups: %+v, %v", user, err)
		}
		s.run(t, "UPDATE auth_user SET password = 'pbkdf2_sha256$1$seasalt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' WHERE id = 1")
		if _, err := store.Login(t.Context(), "alice", "pw"); status.CodeOf(err) != status.Unauthenticated {
			t.Errorf("the old password: %v", err)
		}
	})
}

// TestDatabaseDown: the store could not tell, says so, remembers nothing of it, and
// tells again when the database is back.
func TestDatabaseDown(t *testing.T) {
	eachDatabase(t, func(s *site) {
		t := s.T
		store := s.store(t, func(c *django.Config) { c.Timeout, c.CacheTTL = 2*time.Second, -1 })
		sessions := s.sessions(t, store)
		mend := s.fail()
		_, login := store.Login(t.Context(), "alice", "pw")
		_, user := store.User(t.Context(), "1")
		_, session := sessions.Identify(s.request("ofalice"))
		for _, err := range []error{login, user, session} {
			if status.CodeOf(err) != status.Unavailable || errors.Unwrap(err) == nil || strings.Contains(status.From(err).Text, "auth_user") {
				t.Errorf("the database is down: %v", err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := store.Login(ctx, "alice", "pw"); !errors.Is(err, context.Canceled) {
			t.Errorf("who has given up got %v", err)
		}
		if _, err := store.User(ctx, "1"); !errors.Is(err, context.Canceled) {
			t.Errorf("who has given up got %v", err)
		}
		mend()
		if _, err := store.Login(t.Context(), "alice", "pw"); err != nil {
			t.Errorf("the database is back: %v", err)
		}
		if _, err := store.User(t.Context(), "1"); err != nil {
			t.Errorf("the database is back: %v", err)
		}
		if _, err := store.User(ctx, "1"); !errors.Is(err, context.Canceled) {
			t.Errorf("who has given up got %v", err)
		}
	})
}

// TestClose: a store that is closed tells nothing, and may be closed again.
func TestClose(t *testing.T) {
	eachDatabase(t, func(s *site) {
		t := s.T
		store := s.store(t, nil)
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		if _, err := store.User(t.Context(), "1"); status.CodeOf(err) != status.Unavailable {
			t.Errorf("a user after Close: %v", err)
		}
		if _, err := store.Login(t.Context(), "alice", "pw"); status.CodeOf(err) != status.Unavailable {
			t.Errorf("a login after Close: %v", err)
		}
	})
}

// TestTwoWithOneName: who it is cannot be told.
func TestTwoWithOneName(t *testing.T) {
	eachDatabase(t, func(s *site) {
		t := s.T
		s.run(t, "UPDATE auth_user SET first_name = 'Al' WHERE id IN (1, 3)")
		store := s.store(t, func(c *django.Config) { c.NameColumn = "first_name" })
		if _, err := store.Login(t.Context(), "Al", "pw"); status.CodeOf(err) != status.Internal || !strings.Contains(err.Error(), `"first_name" must be unique`) {
			t.Errorf("%v", err)
		}
	})
}

// TestOpenRefuses what is not there, at start, and says where to mend it.
func TestOpenRefuses(t *testing.T) {
	eachDatabase(t, func(s *site) {
		t := s.T
		for want, change := range map[string]func(c *django.Config){
			"users_user, with the columns id and username; users_user_groups": func(c *django.Config) { c.UserTable = "users_user" },
			"with the columns pk and username":                                func(c *django.Config) { c.IDColumn = "pk" },
			"with the columns id and nick":                                    func(c *django.Config) { c.NameColumn = "nick" },
			"with the column member_id)":                                      func(c *django.Config) { c.UserColumn = "member_id" },
			"auth_user_groups and rights":                                     func(c *django.Config) { c.PermissionsTable = "rights" },
			`UserTable is "auth\"user"`:                                       func(c *django.Config) { c.UserTable = `auth"user` },
			`NameColumn is "\x00"`:                                            func(c *django.Config) { c.NameColumn = "\x00" },
			"GroupsTable is \"xxxxxx":                                         func(c *django.Config) { c.GroupsTable = strings.Repeat("x", 64) },
			"neither can be negative":                                         func(c *django.Config) { c.Timeout = -1 },
		} {
			config := django.Config{}
			change(&config)
			store, err := s.open(t.Context(), s.url, config)
			if err == nil {
				_ = store.Close()
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %s", err, want)
			}
		}
		if _, err := s.open(t.Context(), strings.Replace(s.url, "/test", "/none", 1)+"none", django.Config{}); err == nil {
			t.Error("a database that is not there is opened")
		}
	})
	if _, err := django.New(t.Context(), django.Config{}); err == nil ||
		!strings.Contains(err.Error(), "Config.DB is missing") || !strings.Contains(err.Error(), "Dialect is Dialect(0)") {
		t.Errorf("an empty configuration: %v", err)
	}
}

// TestNothingIsWritten: neither last_login nor a password, and the connections of
// SQLite could not.
func TestNothingIsWritten(t *testing.T) {
	eachDatabase(t, func(s *site) {
		t := s.T
		store := s.store(t, nil)
		s.run(t, "UPDATE auth_user SET password = '"+quick+"' WHERE id = 1")
		if _, err := store.Login(t.Context(), "alice", "pw"); err != nil {
			t.Fatal(err)
		}
		// It fails unless the row is as it was.
		s.run(t, "CREATE TABLE seen (n int NOT NULL); INSERT INTO seen SELECT CASE WHEN COUNT(*) = 1 THEN 1 END FROM auth_user "+
			"WHERE id = 1 AND last_login IS NULL AND password = '"+quick+"'")
	})
}

// TestHashPassword: Django takes the hashes that are made here.
func TestHashPassword(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]string{"lètmein": "True", "letmein": "False"} {
		if got := strings.TrimSpace(runPython(t, "check", password, auth.HashPassword("lètmein", 1000))); got != want {
			t.Errorf("Django says %s about %q, want %s", got, password, want)
		}
	}
}
