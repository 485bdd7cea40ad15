package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/receivers/authentication"
	"github.com/protoway/protoway/status"
)

// What a server said is gone on with as people write.
func TestSentence(t *testing.T) {
	for said, want := range map[string]string{
		"no such room":           "no such room; try again",
		"Invalid login details.": "Invalid login details. Try again",
		"Really? \n":             "Really? Try again",
		"":                       "; try again",
	} {
		if got := sentence(said, "try again"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// loginConfig is of a server that nobody can sign in to with a password.
func loginConfig(t *testing.T, secret []byte) protoway.Config {
	t.Helper()
	users, err := auth.NewMemoryUsers()
	if err != nil {
		t.Fatal(err)
	}
	config := signedInConfig(secret)
	config.Paths = map[string]protoway.Path{"/ws": {Receivers: []receivers.Receiver{
		receivers.Discover(authentication.New(authentication.Config{Issuer: auth.NewIssuer(secret, auth.IssuerConfig{}), Users: users})),
	}}}
	return config
}

// A wrong password says nothing about the token, stated or not.
func TestCallWithWrongPassword(t *testing.T) {
	secret := []byte(strings.Repeat("s", auth.MinSecretBytes))
	url := serveConfig(t, loginConfig(t, secret))
	token, err := auth.NewIssuer(secret, auth.IssuerConfig{}).AccessToken(&auth.User{ID: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	for _, dialect := range dialectNames() {
		for _, flags := range [][]string{nil, {"--token", token}} {
			did := hear(t, "", append([]string{"call", url, "login", `{"username":"ann","password":"wrong"}`, "--dialect", dialect}, flags...)...)
			if !strings.Contains(did.err+did.out, "Invalid login details.") || strings.Contains(did.err, "token") || strings.Contains(did.err, ".;") {
				t.Errorf("%s, %d flags: %+v", dialect, len(flags), did)
			}
		}
		did := hear(t, "", "call", url, "verify-token", "--dialect", dialect)
		did.wants(t, exitFailed, "", "; state a token with --token-file or PROTOWAY_TOKEN")
	}
}

// A server that takes no tokens is not to be given another one.
func TestDialWithoutVerifier(t *testing.T) {
	url := serveChat(t).url
	for _, dialect := range []string{"protoway.v1.json", "protoway.v1"} {
		did := hear(t, "", "listen", url, "--dialect", dialect, "--token", "x")
		did.wants(t, exitFailed, "", "this server accepts no tokens; connect without --token, --token-file and PROTOWAY_TOKEN, or give the server a verifier")
		if strings.Contains(did.err, "state one") {
			t.Errorf("%+v", did)
		}
	}
}

// doorman refuses connections.
type doorman struct{ why error }

func (d *doorman) Connected(context.Context) error { return d.why }

func (d *doorman) Note(context.Context, *testv1.Note) error { return nil }

// Who is turned away before the first word is told what to do.
func TestDialTurnedAway(t *testing.T) {
	for _, test := range []struct {
		why  error
		want string
	}{
		{status.PermissionDenied.Errorf("We are closed."), "connection closed with code 4501: We are closed. A receiver refused this connection: look into the server's log\n"},
		{status.Unavailable.Errorf("no database"), "connection closed with code 1013: no database; try again later; if it stays so, look into the server's log\n"},
	} {
		url := serveConfig(t, protoway.Config{Paths: map[string]protoway.Path{"/ws": {Receivers: []receivers.Receiver{receivers.Discover(&doorman{test.why})}}}})
		for _, dialect := range []string{"protoway.v1.json", "protoway.v1"} {
			hear(t, "", "listen", url, "--dialect", dialect).wants(t, exitFailed, "", test.want)
		}
		if errors.Is(test.why, &status.Error{Code: status.PermissionDenied}) {
			hear(t, "", "listen", url, "--dialect", "proto-socket").wants(t, exitFailed, "", test.want)
			continue
		}
		again := launch(t, "", "listen", url, "--dialect", "proto-socket")
		again.err.await(t, "connection lost: connection closed with code 1013: no database; the server's log may say why; trying again in ", 1)
		again.end()
		again.wait()
	}
}

// A connection that ends before the answer is told in words.
func TestDialHangsUp(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1<<10))
			_ = conn.Close()
		}
	}()
	for _, dialect := range dialectNames() {
		did := hear(t, "", "listen", "ws://"+listener.Addr().String()+"/ws", "--dialect", dialect)
		if want := "protoway: " + listener.Addr().String() + " ended the connection before it answered; see whether the server is well, or mend the URL\n"; did.err != want || did.code != exitFailed {
			t.Errorf("%+v, want %q", did, want)
		}
	}
}

// What is lost is told in words, without advice for who is only waiting.
func TestListenTellsWhatIsLost(t *testing.T) {
	server := serveChat(t)
	heard := launch(t, "", "listen", server.url, "--send", joinEve)
	heard.err.await(t, "listening", 1)
	server.stop()
	heard.err.await(t, " (connection refused); trying again in ", 1)
	server.start()
	heard.err.await(t, "a group of the session before is not joined again: the ticket is not of this server", 1)
	heard.end()
	did := heard.wait()
	if strings.Contains(did.err, "start the server") || strings.Contains(did.err, "left :") {
		t.Errorf("%s", did.err)
	}
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if conn, err := websocket.Accept(w, r, nil); err == nil {
			_ = conn.CloseNow()
		}
	}))
	t.Cleanup(cut.Close)
	heard = launch(t, "", "listen", cut.URL+"/ws", "--dialect", "proto-socket")
	heard.err.await(t, "connection lost: it was cut (EOF); trying again in ", 1)
	heard.end()
	heard.wait()
}
