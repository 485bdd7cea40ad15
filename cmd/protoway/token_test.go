package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/protoway/protoway/auth"
)

// made returns the token of a command line.
func made(t *testing.T, args ...string) string {
	t.Helper()
	did := cli(t, append([]string{"token"}, args...)...)
	if did.code != exitOK || did.err != "" || strings.Count(did.out, "\n") != 1 {
		t.Fatalf("%v: %+v", args, did)
	}
	return strings.TrimSpace(did.out)
}

func TestTokenIsWhatServersAccept(t *testing.T) {
	quiet(t)
	t.Setenv("PROTOWAY_AUTH_SECRET", testSecret)
	token := made(t, "--user", "ann", "--name", "Ann", "--permission", "a.b", "--permission", "a.c", "--group", "staff", "--superuser", "--life", "2h")
	user, err := auth.HS256([]byte(testSecret)).Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if user.ID != "ann" || user.Name != "Ann" || !user.Superuser || !user.Groups.Equal(auth.NewSet("staff")) || !user.Permissions.Equal(auth.NewSet("a.b", "a.c")) {
		t.Errorf("%+v", user)
	}
	for _, test := range []struct {
		args []string
		opts []auth.Option
		want time.Duration
	}{
		{nil, nil, accessLife},
		{[]string{"--refresh"}, []auth.Option{auth.RefreshTokens()}, refreshLife},
		{[]string{"--refresh", "--life", "1m"}, []auth.Option{auth.RefreshTokens()}, time.Minute},
	} {
		user, err := auth.HS256([]byte(testSecret), test.opts...).Verify(t.Context(), made(t, append(test.args, "--user", "ann")...))
		if err != nil {
			t.Fatal(err)
		}
		if life := user.Expires.Sub(user.IssuedAt); life != test.want {
			t.Errorf("%v lives for %s, want %s", test.args, life, test.want)
		}
	}
}

func TestTokenFindsTheSecret(t *testing.T) {
	quiet(t)
	write(t, "file", testSecret+"\n")
	write(t, "other", otherSecret)
	write(t, "short", "topsecret")
	accepted := func(secret string, args ...string) {
		t.Helper()
		did := cli(t, append([]string{"token", "--user", "ann"}, args...)...)
		if _, err := auth.HS256([]byte(secret)).Verify(t.Context(), strings.TrimSpace(did.out)); err != nil {
			t.Errorf("%v: %v, %+v", args, err, did)
		}
	}
	refused := func(code int, want string, args ...string) {
		t.Helper()
		did := cli(t, append([]string{"token", "--user", "ann"}, args...)...)
		if did.code != code || did.out != "" || !strings.Contains(did.err, want) || strings.Contains(did.err, "topsecret") {
			t.Errorf("%v: %+v, want %q", args, did, want)
		}
	}
	refused(exitUsage, "there is no secret: state that of the server with --secret-file or PROTOWAY_AUTH_SECRET")
	t.Setenv("PROTOWAY_AUTH_SECRET_FILE", "other")
	accepted(otherSecret)
	t.Setenv("PROTOWAY_AUTH_SECRET", testSecret)
	accepted(testSecret)
	accepted(otherSecret, "--secret-file", "other")
	accepted(otherSecret, "--secret", otherSecret)
	if did := cli(t, "token", "--user", "ann", "--secret", otherSecret); !strings.HasPrefix(did.err, "warning: a secret in the command line") || strings.Contains(did.err, otherSecret) {
		t.Errorf("no warning: %+v", did)
	}
	refused(exitUsage, "one is enough", "--secret", "topsecret", "--secret-file", "file")
	refused(exitFailed, "--secret-file: the secret cannot be used: there is no such file", "--secret-file", "topsecret")
	refused(exitFailed, "--secret-file: the secret cannot be used: has 9 bytes, at least 32 are needed; `openssl rand", "--secret-file", "short")
	t.Setenv("PROTOWAY_AUTH_SECRET", "topsecret")
	refused(exitFailed, "PROTOWAY_AUTH_SECRET: the secret cannot be used: has 9 bytes")
}

func TestTokenFlagsThatDoNotGoTogether(t *testing.T) {
	quiet(t)
	t.Setenv("PROTOWAY_AUTH_SECRET", testSecret)
	for line, want := range map[string]string{
		"":                                 "--user is missing",
		"--user ann --life 10ms":           "--life 10ms is too short",
		"--user ann --life -1h":            "--life -1h0m0s is too short",
		"--user ann --refresh --group a":   "--group does not go with --refresh",
		"--user ann --refresh --name a":    "--name does not go with --refresh",
		"--verify x --user ann":            "--user is for making a token",
		"--verify x --life 1h":             "--life is for making a token",
		"--user ann --life soon":           "invalid argument",
		"--user ann --refresh --superuser": "--superuser does not go with --refresh",
	} {
		if did := cli(t, append([]string{"token"}, strings.Fields(line)...)...); did.code != exitUsage || !strings.Contains(did.err, want) {
			t.Errorf("%q: %+v, want %q", line, did, want)
		}
	}
}

func TestTokenAsJSON(t *testing.T) {
	quiet(t)
	t.Setenv("PROTOWAY_AUTH_SECRET", testSecret)
	var token tokenMade
	if err := json.Unmarshal([]byte(cli(t, "token", "--user", "ann", "--group", "staff", "--json").out), &token); err != nil {
		t.Fatal(err)
	}
	var seen tokenSeen
	if err := json.Unmarshal([]byte(cli(t, "token", "--verify", token.Token, "--json").out), &seen); err != nil {
		t.Fatal(err)
	}
	if token.Type != "access" || token.User != "ann" || !token.Expires.Equal(*seen.Expires) {
		t.Errorf("%+v and %+v", token, seen)
	}
	want := tokenSeen{Valid: true, User: "ann", Groups: []string{"staff"}, Expires: &token.Expires, Issued: seen.Issued, ID: seen.ID}
	if diff := cmp.Diff(want, seen); diff != "" || seen.ID == "" || seen.Issued == nil {
		t.Errorf("seen (-want +got):\n%s", diff)
	}
}

func TestTokenSaysWhatIsWrong(t *testing.T) {
	quiet(t)
	t.Setenv("PROTOWAY_AUTH_SECRET", testSecret)
	at := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	past := auth.NewIssuer([]byte(testSecret), auth.IssuerConfig{Clock: func() time.Time { return at }})
	expired, err := past.AccessToken(&auth.User{ID: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	good := made(t, "--user", "ann")
	for _, test := range []struct {
		name, token, want string
		args              []string
	}{
		{"expired", expired, "token expired at 2020-01-02T03:09:05Z", nil},
		{"of another secret", made(t, "--user", "ann"), "bad signature: the token was signed with another secret, or changed", []string{"--secret-file", "other"}},
		{"a refresh token", made(t, "--user", "ann", "--refresh"), `wrong token_type: it must be "access"; with --refresh, refresh tokens are verified`, nil},
		{"an access token", good, `wrong token_type: it must be "refresh"; without --refresh, access tokens are verified`, []string{"--refresh"}},
		{"changed", good[:len(good)-4] + "AAAA", "bad signature: the token was signed with another secret, or changed", nil},
		{"no token", "topsecret", "not a token: a JSON Web Token is three base64url parts with dots between", nil},
		{"nothing", "", "token is empty", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			write(t, "other", otherSecret)
			args := append([]string{"token", "--verify", test.token}, test.args...)
			if did := cli(t, args...); did.code != exitFailed || did.out != "" || did.err != "protoway: the token is not valid: "+test.want+"\n" {
				t.Errorf("%+v, want %q", did, test.want)
			}
			var seen tokenSeen
			did := cli(t, append(args, "--json")...)
			if err := json.Unmarshal([]byte(did.out), &seen); err != nil || did.code != exitFailed || seen.Valid || seen.Problem != test.want {
				t.Errorf("as JSON: %+v, %v", did, err)
			}
		})
	}
}

func TestTokenIsVerified(t *testing.T) {
	quiet(t)
	t.Setenv("PROTOWAY_AUTH_SECRET", testSecret)
	token := made(t, "--user", "ann", "--name", "Ånn \x1b[2J", "--permission", "a.b", "--permission", "a.c", "--life", "1h", "--superuser")
	var out, problems bytes.Buffer
	code := run(t.Context(), streams{strings.NewReader("Bearer " + token + "\n"), &out, &problems}, []string{"token", "--verify", "-"})
	if code != exitOK || problems.Len() > 0 {
		t.Fatalf("%d, %s", code, &problems)
	}
	for _, want := range []string{
		"The token is valid.\n", "user         ann\n", `name         "Ånn \x1b[2J"` + "\n", "permissions  a.b, a.c\n",
		"expires      20", ", in ", "superuser    yes\n", "issued       20", "id           ",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "groups") {
		t.Errorf("groups that are not there:\n%s", &out)
	}
}
