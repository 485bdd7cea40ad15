package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	chatv1 "github.com/protoway/protoway/examples/chat/gen/chat/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
)

const (
	joinEve = `join-room={"room":"tea","name":"Eve"}`
	joinAda = `join-room={"room":"tea","name":"Ada"}`
)

// sayTea says something in the room, over a connection of its own.
func sayTea(t *testing.T, url, text string) {
	t.Helper()
	hear(t, "", "send", url, "say", `{"room":"tea","name":"Ada","text":"`+text+`"}`, "--first", joinAda).wants(t, exitOK, "", "1 acked")
}

// Whoever listens hears what others send, in any dialect.
func TestListenHearsOthers(t *testing.T) {
	url, schema := serveChat(t).url, schemaFile(t, "examples/chat/proto")
	for _, dialect := range dialectNames() {
		line := []string{"listen", url, "--send", joinEve, "--dialect", dialect, "--schema", schema, "--type", "said", "--count", "2"}
		person := launch(t, "", line...)
		program := launch(t, "", append(line, "--json")...)
		person.err.await(t, "listening", 1)
		program.err.await(t, "listening", 1)
		sayTea(t, url, "one")
		sayTea(t, url, "two\u009b")
		group := "room:tea"
		if dialect == "proto-socket" {
			group = ""
		}
		person.wait().wants(t, exitOK, `{"room":"tea","name":"Ada","text":"two\u009b","timeMs":"`, "connected\n")
		did := program.wait()
		for i, text := range strings.Split(strings.TrimSpace(did.out), "\n") {
			var s said
			var body struct{ Text, TimeMs string }
			if err := json.Unmarshal([]byte(text), &s); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(s.Body, &body); err != nil {
				t.Fatal(err)
			}
			if want := []string{"one", "two\u009b"}[i]; s.Type != "said" || s.Group != group || body.Text != want || body.TimeMs == "" || time.Since(*s.Time) > time.Hour {
				t.Errorf("%s: %s", dialect, text)
			}
		}
	}
}

// In the binary dialect without the schema, types and groups are told. What is
// linked into this program is of other schemas and explains nothing.
func TestListenWithoutSchema(t *testing.T) {
	tell := receivers.Handle(func(ctx context.Context, in *testv1.Note) error {
		return consumer.From(ctx).Broadcast(ctx, "all", &chatv1.Said{Text: in.GetText()})
	})
	url := serveConfig(t, protoway.Config{Paths: map[string]protoway.Path{"/ws": {Groups: []string{"all"}, Receivers: []receivers.Receiver{tell}}}})
	program := launch(t, "", "listen", url, "--dialect", "protoway.v1", "--count", "1", "--json")
	person := launch(t, "", "listen", url, "--dialect", "protoway.v1", "--count", "1")
	program.err.await(t, "listening", 1)
	person.err.await(t, "listening", 1)
	hear(t, "", "send", url, "note", `{"text":"hi"}`).wants(t, exitOK, "", "1 acked")
	program.wait().wants(t, exitOK, `"type":"said","group":"all","body":null,"payload":"GgJoaQ=="}`, "")
	person.wait().wants(t, exitOK, "  said  all  (4 bytes; --schema shows them)", "")
}

// A restart of the server is survived: what joined is sent again.
func TestListenSurvivesRestart(t *testing.T) {
	for _, dialect := range []string{"protoway.v1.json", "proto-socket"} {
		server := serveChat(t)
		heard := launch(t, "", "listen", server.url, "--send", joinEve, "--dialect", dialect, "--type", "said")
		heard.err.await(t, "listening", 1)
		sayTea(t, server.url, "before")
		heard.out.await(t, "before", 1)
		server.stop()
		heard.err.await(t, "connection lost: ", 1)
		server.start()
		heard.err.await(t, "listening", 2)
		sayTea(t, server.url, "after")
		heard.out.await(t, "after", 1)
		heard.end() // Ctrl-C
		heard.wait().wants(t, exitOK, "after", "")
	}
}

func TestListenEnds(t *testing.T) {
	url := serveChat(t).url
	for _, dialect := range dialectNames() {
		did := hear(t, "", "listen", url, "--for", "50ms", "--dialect", dialect)
		did.wants(t, exitOK, "", "listening")
		did = hear(t, "", "listen", url, "--for", "50ms", "--count", "2", "--dialect", dialect)
		did.wants(t, exitFailed, "", "0 of 2 messages came within 50ms")
	}
	hear(t, "", "listen", url, "--count", "-1").wants(t, exitUsage, "", "must not be negative")
	hear(t, "", "listen", url, "--send", "join-room={").wants(t, exitUsage, "", "--send join-room: the body is no JSON object")
	hear(t, "", "listen", url, "--send", "join-room").wants(t, exitFailed, "", `--send join-room: invalid_argument: the `)
	hear(t, "", "listen", url, "--group", "g", "--dialect", "proto-socket").wants(t, exitUsage, "", "do not say their group")
}

// Only what is asked for is printed.
func TestListenFilters(t *testing.T) {
	url := serveChat(t).url
	heard := launch(t, "", "listen", url, "--send", joinEve, "--send", `join-room={"room":"coffee","name":"Eve"}`,
		"--group", "room:coffee", "--type", "said", "--count", "1")
	heard.err.await(t, "listening", 1)
	sayTea(t, url, "not this")
	hear(t, "", "send", url, "say", `{"room":"coffee","name":"Ada","text":"but this"}`, "--first", `join-room={"room":"coffee","name":"Ada"}`).wants(t, exitOK, "", "")
	did := heard.wait()
	did.wants(t, exitOK, "  said  room:coffee  {", "")
	if strings.Contains(did.out, "not this") {
		t.Errorf("%+v", did)
	}
}

// The recorded cases' server: sign-in by each frame, and a broadcast.
func TestListenProtoSocketServer(t *testing.T) {
	server := serveProtoSocket(t)
	t.Setenv(tokenVariable, server.Tokens["alice"])
	heard := launch(t, "", "listen", server.URL, "--dialect", "proto-socket", "--send", `group-op={"action":"add","group":"g"}`, "--count", "1", "--json")
	heard.err.await(t, "listening", 1)
	hear(t, "", "call", server.URL, "get-thing", `{"id":"1"}`, "--dialect", "proto-socket", "--json").wants(t, exitOK, `{"type":"thing","body":{"id":"1","name":"n"}}`+"\n", "")
	hear(t, "", "send", server.URL, "group-op", `{"action":"bc","group":"g"}`, "--dialect", "proto-socket").wants(t, exitOK, "", "1 acked")
	heard.wait().wants(t, exitOK, `"type":"thing","body":{"id":"bc"}}`, "")
	schema := schemaFile(t, "examples/protosocket/proto")
	hear(t, "", "call", server.URL, "get-thing", `{"id":"2"}`, "--dialect", "protoway.v1", "--schema", schema, "--json").wants(t, exitOK, `{"type":"thing","body":{"id":"2","name":"n"},"correlated":true}`+"\n"+`{"type":"","body":null}`, "")
	t.Setenv(tokenVariable, "garbage")
	did := hear(t, "", "send", server.URL, "open-op", "--dialect", "proto-socket")
	did.wants(t, exitOK, "", "the server does not take the token")
	hear(t, "", "send", server.URL, "get-thing", "--dialect", "proto-socket").wants(t, exitFailed, "", "401: ")
	hear(t, "", "listen", server.URL, "--dialect", "proto-socket").wants(t, exitFailed, "", "the token is refused")
}

// When the token expires, a fresh one is taken from the file; if there is none,
// listening ends instead of going on as nobody.
func TestListenTokenExpires(t *testing.T) {
	secret := []byte(strings.Repeat("s", auth.MinSecretBytes))
	token := func(life time.Duration) string {
		token, err := auth.NewIssuer(secret, auth.IssuerConfig{AccessLifetime: life}).AccessToken(&auth.User{ID: "ann"})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	url := serveConfig(t, signedInConfig(secret))
	t.Chdir(t.TempDir())
	for _, dialect := range dialectNames() {
		write(t, "token", token(3*time.Second))
		ends := launch(t, "", "listen", url, "--dialect", dialect, "--token", token(3*time.Second))
		stays := launch(t, "", "listen", url, "--dialect", dialect, "--token-file", "token")
		ends.err.await(t, "listening", 1)
		stays.err.await(t, "listening", 1)
		write(t, "token", token(time.Minute))
		ends.wait().wants(t, exitFailed, "", "the token expired at ")
		stays.end()
		stays.wait().wants(t, exitOK, "", "")
	}
}

// The program ends well when it is interrupted, in any dialect.
func TestListenInterrupted(t *testing.T) {
	url := serveChat(t).url
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, dialect := range dialectNames() {
		command := exec.CommandContext(ctx, suite.binary, "listen", url, "--dialect", dialect)
		said := newOutput()
		command.Stderr = said
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		said.await(t, "listening", 1)
		if err := command.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if err := command.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", dialect, err, said)
		}
	}
}
