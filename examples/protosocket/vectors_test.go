package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/protoway/protoway/internal/testpeer"
	"github.com/protoway/protoway/internal/testpostgres"
)

// program is where TestMain built the example.
var program string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "protosocket")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "protosocket")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		panic("go build: " + string(out))
	}
	return testpostgres.Main(m)
}

// running is the program as it runs.
type running struct {
	URL    string            `json:"url"`
	Tokens map[string]string `json:"tokens"`
}

// start runs the program until the test ends, when it must end well.
func start(t *testing.T, flags ...string) running {
	t.Helper()
	cmd := exec.Command(program, append([]string{"-addr", "127.0.0.1:0"}, flags...)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_, _ = io.Copy(io.Discard, stdout)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the program ended with %v", err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var r running
	if err := json.Unmarshal(line, &r); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return r
}

// dial connects, with the session of a user if session is not empty.
func (r running) dial(t *testing.T, session string) *testpeer.ProtoSocket {
	t.Helper()
	header := http.Header{}
	if session != "" {
		header.Set("Cookie", "sessionid="+session)
		header.Set("Origin", r.URL) // as a page of the server
	}
	return testpeer.DialProtoSocket(t, r.URL, header)
}

// recorded is a case of vectors.json.
type recorded struct {
	Name, Category, Frame string
	Context               struct{ User string }
	Send                  []string
	Expect                [][]any
	Unordered             bool
}

// cases reads the recorded cases of some categories; no category is all that
// clients send.
func cases(t *testing.T, categories ...string) []recorded {
	t.Helper()
	text, err := os.ReadFile("../../wire/testdata/protosocket/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Cases []recorded }
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	var chosen []recorded
	for _, c := range all.Cases {
		if len(categories) == 0 && len(c.Send) > 0 || len(categories) > 0 && c.Category == categories[0] {
			chosen = append(chosen, c)
		}
	}
	return chosen
}

// TestVectors replays what was recorded against the original server, each case
// on a fresh process, without and with the texts of unexpected errors.
func TestVectors(t *testing.T) {
	all := cases(t)
	if len(all) != 40 {
		t.Errorf("%d cases have frames to send, want 40", len(all))
	}
	for _, forward := range []string{"false", "true"} {
		for _, c := range all {
			t.Run(c.Name+"/forward="+forward, func(t *testing.T) {
				t.Parallel()
				replay(t, c, start(t, "-forward-errors="+forward))
			})
		}
	}
}

func replay(t *testing.T, c recorded, server running) {
	t.Helper()
	peer := server.dial(t, c.Context.User)
	login := ""
	for i, frame := range c.Send {
		for name, token := range server.Tokens {
			frame = strings.ReplaceAll(frame, "<JWT:"+name+">", token)
		}
		frame = strings.ReplaceAll(frame, "<LOGIN-TOKEN>", login)
		if strings.Contains(frame, "<") {
			t.Fatalf("%s has a placeholder that means nothing", frame)
		}
		peer.Say(frame)
		if c.Unordered {
			peer.ExpectAny(c.Expect[i]...)
			continue
		}
		login = loginToken(peer.Expect(c.Expect[i]...), login)
	}
	// Nothing else comes, and the connection is still open.
	peer.Say(`{"headers":{"messageType":"open-op","ack":true,"uuid":"last"},"body":{}}`)
	peer.Expect(testpeer.ProtoSocketAck("last", nil))
}

// loginToken returns the token among frames, or what it was before.
func loginToken(frames []any, before string) string {
	for _, frame := range frames {
		object, _ := frame.(map[string]any)
		body, _ := object["body"].(map[string]any)
		if token, ok := body["token"].(string); ok {
			return token
		}
	}
	return before
}

// TestClientFrames: the frames that the original clients send, as they are.
func TestClientFrames(t *testing.T) {
	all := cases(t, "client-frame")
	if len(all) != 2 {
		t.Fatalf("%d frames, want 2", len(all))
	}
	peer := start(t).dial(t, "")
	for _, c := range all { // both have one uuid, of which the second is a resend
		peer.Say(c.Frame)
		peer.Expect(testpeer.ProtoSocketAck("10321085-7667-40c1-806f-2959cc85c993", nil))
	}
}

// TestForwardErrors: what a client learns about a panic.
func TestForwardErrors(t *testing.T) {
	for forward, want := range map[string]string{"false": "internal error", "true": "boom now"} {
		peer := start(t, "-forward-errors="+forward).dial(t, "")
		peer.Say(`{"headers":{"messageType":"do-fail","ack":true,"uuid":"u"},"body":{"how":"now"}}`)
		peer.Expect(testpeer.ProtoSocketAck("u", map[string]any{"errorMessage": want, "errorCode": 500.0}))
	}
}

// TestSessionToken: the page of a session gets a token with which a socket
// without the cookie is the same user; nobody else gets one.
func TestSessionToken(t *testing.T) {
	server := start(t)
	view := strings.Replace(strings.Replace(server.URL, "ws://", "http://", 1), "/ws", "/token", 1)
	token := get(t, view, "alice", http.StatusOK)
	get(t, view, "", http.StatusUnauthorized)
	get(t, view, "inact", http.StatusUnauthorized)
	get(t, view, "stranger", http.StatusUnauthorized)
	peer := server.dial(t, "")
	peer.Say(`{"headers":{"messageType":"verify-token","ack":true,"uuid":"u","authHeader":"` + token + `"},"body":{}}`)
	peer.Expect(testpeer.ProtoSocketAck("u", nil))
	peer.Say(`{"headers":{"messageType":"get-thing","ack":true,"uuid":"v"},"body":{"id":"1"}}`)
	peer.Expect(testpeer.ProtoSocketFrame("thing", "v", map[string]any{"id": "1", "name": "n"}), testpeer.ProtoSocketAck("v", nil))
}

func get(t *testing.T, url, session string, want int) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if session != "" {
		request.AddCookie(&http.Cookie{Name: "sessionid", Value: session})
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != want {
		t.Fatalf("session %q: status %d, error %v, want %d", session, response.StatusCode, err, want)
	}
	return string(body)
}

// TestDeactivated: the token of a user who was deactivated is no good.
func TestDeactivated(t *testing.T) {
	server := start(t)
	peer := server.dial(t, "inact")
	invalid := testpeer.ProtoSocketFrame("token-invalid", "", nil)
	denied := map[string]any{"errorMessage": "*", "errorCode": 401.0}
	peer.Say(`{"headers":{"messageType":"get-thing","ack":true,"uuid":"a"},"body":{"id":"1"}}`)
	peer.Expect(testpeer.ProtoSocketAck("a", denied))
	peer.Say(`{"headers":{"messageType":"get-thing","ack":true,"uuid":"b","authHeader":"` + server.Tokens["inact"] + `"},"body":{"id":"1"}}`)
	peer.Expect(invalid, testpeer.ProtoSocketAck("b", map[string]any{"errorMessage": "*", "errorCode": 401.0}))
	peer.Say(`{"headers":{"messageType":"login","ack":true,"uuid":"c"},"body":{"username":"inact","password":"pw"}}`)
	peer.Expect(testpeer.ProtoSocketFrame("login-error", "c", map[string]any{"errorText": "*", "errorCode": "*"}), testpeer.ProtoSocketAck("c", nil))
}
