package django_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/protoway/protoway/auth/django"
	"github.com/protoway/protoway/status"
)

// What testdata/fixtures.py signs with.
const (
	secretKey = "a SECRET_KEY of the tests, which has more than fifty letters"
	oldKey    = "what SECRET_KEY was before, also with more than fifty letters"
)

// sessionEnd is when the sessions of the fixtures end.
var sessionEnd = time.Date(2100, 1, 2, 3, 4, 5, 600_000_000, time.UTC)

func (s *site) sessions(t *testing.T, store *django.Store) *django.Sessions {
	t.Helper()
	sessions, err := store.Sessions(t.Context(), django.SessionConfig{SecretKey: secretKey, SecretKeyFallbacks: []string{oldKey}})
	if err != nil {
		t.Fatal(err)
	}
	return sessions
}

// sessionKey returns the key of a session of the fixtures.
func sessionKey(name string) string { return name + strings.Repeat("0", 32-len(name)) }

// request has the cookie of a session.
func (s *site) request(name string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/ws", http.NoBody)
	r.AddCookie(&http.Cookie{Name: "sessionid", Value: sessionKey(name)})
	return r
}

func TestSessions(t *testing.T) { eachSite(t, checkSessions) }

func checkSessions(s *site) {
	t := s.T
	sessions := s.sessions(t, s.store(t, nil))
	who := func(r *http.Request) string {
		t.Helper()
		user, err := sessions.Identify(r)
		if err != nil {
			t.Error(err)
		}
		if user == nil {
			return ""
		}
		if !user.Expires.Equal(sessionEnd) {
			t.Errorf("%s expires at %s, want %s", user.ID, user.Expires, sessionEnd)
		}
		return user.ID
	}
	alice := s.id(1, "alice")
	for name, want := range map[string]string{
		"ofalice": alice, "ofroot": s.id(2, "root"), "ofbob": s.id(3, "bob"), "compressed": alice, "oldkey": alice,
		"ofinact": "", "expired": "", "anonymous": "", "otherkey": "", "nohash": "", "otherhash": "", "numbers": "",
		"nouser": "", "odduser": "", "deleted": "",
	} {
		if got := who(s.request(name)); got != want {
			t.Errorf("%s is of %q, want %q", name, got, want)
		}
	}
	if user, err := sessions.Identify(s.request("ofbob")); err != nil || !user.In("staff") || !user.Has("auth.add_group") {
		t.Errorf("bob is %+v, %v", user, err)
	}
	if _, err := sessions.Identify(s.request("huge")); status.CodeOf(err) != status.Internal || !strings.Contains(err.Error(), "too large") {
		t.Errorf("a huge session: %v", err)
	}
	if got := who(httptest.NewRequest(http.MethodGet, "/ws", http.NoBody)); got != "" {
		t.Errorf("no cookie is %q", got)
	}
	for _, key := range []string{"", "x", "ofalice", "' OR '1'='1", strings.Repeat("x", 41), "ofalice" + strings.Repeat("0", 24) + "%", "\xff\xfe\xff\xfe\xff\xfe\xff\xfe"} {
		r := httptest.NewRequest(http.MethodGet, "/ws", http.NoBody)
		r.Header.Set("Cookie", "sessionid="+key)
		if got := who(r); got != "" {
			t.Errorf("%q is %q", key, got)
		}
	}
	two := s.request("ofbob") // the last one counts, as in Django
	two.AddCookie(&http.Cookie{Name: "sessionid", Value: sessionKey("ofalice")})
	if got := who(two); got != alice {
		t.Errorf("of two cookies it is %q", got)
	}
}

// TestSessionsEnd when the row, the user or their password changes, at once.
func TestSessionsEnd(t *testing.T) {
	eachDatabase(t, func(s *site) {
		t := s.T
		store := s.store(t, nil)
		sessions := s.sessions(t, store)
		is := func(want string) {
			t.Helper()
			user, err := sessions.Identify(s.request("ofalice"))
			if err != nil || user.SignedIn() != (want != "") || want != "" && user.ID != want {
				t.Errorf("the session is of %+v, %v; want %q", user, err, want)
			}
		}
		const password = "UPDATE auth_user SET password = "
		if _, err := store.User(t.Context(), "1"); err != nil { // who is remembered now
			t.Fatal(err)
		}
		is("1")
		s.run(t, "CREATE TABLE before AS SELECT password FROM auth_user WHERE id = 1; "+password+"'"+quick+"' WHERE id = 1")
		is("")
		s.run(t, password+"(SELECT password FROM before) WHERE id = 1")
		is("1")
		s.run(t, "UPDATE auth_user SET is_active = false WHERE id = 1")
		is("")
		s.run(t, "UPDATE auth_user SET is_active = true WHERE id = 1")
		is("1")
		// A session that was tampered with: data of another one, a letter, a cut.
		const of = " WHERE session_key = 'ofalice0000000000000000000000000'"
		s.run(t, "CREATE TABLE was AS SELECT session_data FROM django_session"+of)
		for _, tampered := range []string{
			"'x' || session_data", "session_data || 'x'", "replace(session_data, ':', ';')", "substr(session_data, 2)", "''", "':'", "'::'",
			"substr(session_data, 1, length(session_data) - 1)", "replace(session_data, ':1', ':2')",
		} {
			s.run(t, "UPDATE django_session SET session_data = "+tampered+of)
			is("")
			s.run(t, "UPDATE django_session SET session_data = (SELECT session_data FROM was)"+of)
			is("1")
		}
		s.run(t, "UPDATE django_session SET expire_date = '2001-01-01 00:00:00'"+of)
		is("")
		s.run(t, "UPDATE django_session SET expire_date = '2100-01-02 03:04:05'"+of)
		is("1")
		s.run(t, "DELETE FROM django_session"+of)
		is("")
	})
}

// TestSessionExpiry is that of the row, to the moment, in the zone of the project.
func TestSessionExpiry(t *testing.T) {
	eachDatabase(t, func(s *site) {
		t := s.T
		now := sessionEnd.Add(-time.Microsecond)
		store := s.store(t, func(c *django.Config) { c.Clock = func() time.Time { return now } })
		if user, err := s.sessions(t, store).Identify(s.request("ofalice")); err != nil || user == nil {
			t.Errorf("before the end: %+v, %v", user, err)
		}
		now = sessionEnd
		if user, err := s.sessions(t, store).Identify(s.request("ofalice")); err != nil || user != nil {
			t.Errorf("at the end: %+v, %v", user, err)
		}
		if s.kind != "sqlite" {
			return
		}
		west := time.FixedZone("west", -3600)
		sessions, err := store.Sessions(t.Context(), django.SessionConfig{SecretKey: secretKey, TimeZone: west})
		if err != nil {
			t.Fatal(err)
		}
		if user, err := sessions.Identify(s.request("ofalice")); err != nil || !user.SignedIn() || !user.Expires.Equal(sessionEnd.Add(time.Hour)) {
			t.Errorf("in another zone: %+v, %v", user, err)
		}
	})
}

// TestSessionConfig: the cookie and the table may have other names, and what is
// wrong is said at start.
func TestSessionConfig(t *testing.T) {
	eachDatabase(t, func(s *site) {
		t := s.T
		store := s.store(t, nil)
		s.run(t, `ALTER TABLE django_session RENAME TO "Visits"`)
		sessions, err := store.Sessions(t.Context(), django.SessionConfig{SecretKey: secretKey, Cookie: "visit", Table: "Visits"})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/ws", http.NoBody)
		r.AddCookie(&http.Cookie{Name: "visit", Value: sessionKey("ofalice")})
		if user, err := sessions.Identify(r); err != nil || !user.SignedIn() {
			t.Errorf("%+v, %v", user, err)
		}
		if user, err := sessions.Identify(s.request("oldkey")); err != nil || user != nil {
			t.Errorf("another cookie is %+v, %v", user, err)
		}
		for want, config := range map[string]django.SessionConfig{
			"a key of django.SessionConfig has 0 bytes":                 {},
			"a key of django.SessionConfig has 5 bytes":                 {SecretKey: secretKey, SecretKeyFallbacks: []string{"short"}},
			"the table django_session of django.SessionConfig cannot":   {SecretKey: secretKey},
			`Table is "a\"b", which is no name of a table or column`:    {SecretKey: secretKey, Table: `a"b`},
			"the table auth_user of django.SessionConfig cannot be rea": {SecretKey: secretKey, Table: "auth_user"},
		} {
			if _, err := store.Sessions(t.Context(), config); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %s", err, want)
			}
		}
	})
}
