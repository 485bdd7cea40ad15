package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/protoway/protoway/auth"
)

// hear runs a command line with an input.
func hear(t *testing.T, input string, args ...string) ran {
	t.Helper()
	l := launch(t, input, args...)
	return l.wait()
}

// launched is a command line that runs inside of the test.
type launched struct {
	t        *testing.T
	code     chan int
	out, err *output
	end      context.CancelFunc // what Ctrl-C does
}

func launch(t *testing.T, input string, args ...string) *launched {
	t.Helper()
	l := &launched{t: t, code: make(chan int, 1), out: newOutput(), err: newOutput()}
	var ctx context.Context
	ctx, l.end = context.WithCancel(t.Context())
	go func() { l.code <- run(ctx, streams{strings.NewReader(input), l.out, l.err}, args) }()
	t.Cleanup(l.end)
	return l
}

// wait returns what it did, once it has ended.
func (l *launched) wait() ran {
	l.t.Helper()
	select {
	case code := <-l.code:
		return ran{code, l.out.String(), l.err.String()}
	case <-time.After(patience):
		l.t.Fatalf("it does not end; it printed\n%s\n%s", l.out, l.err)
		return ran{}
	}
}

// output is what was printed so far.
type output struct {
	mu   sync.Mutex // guards what follows
	text bytes.Buffer
	more chan struct{} // closed when there is more
}

func newOutput() *output { return &output{more: make(chan struct{})} }

func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.more)
	o.more = make(chan struct{})
	return o.text.Write(text)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// await waits until a text was printed so many times.
func (o *output) await(t *testing.T, text string, times int) {
	t.Helper()
	for timeout := time.After(patience); ; {
		o.mu.Lock()
		printed, more := o.text.String(), o.more
		o.mu.Unlock()
		if strings.Count(printed, text) >= times {
			return
		}
		select {
		case <-more:
		case <-timeout:
			t.Fatalf("%q was not printed %d times:\n%s", text, times, printed)
		}
	}
}

// wants compares what a command line did; texts are what it prints at least.
func (did ran) wants(t *testing.T, code int, out, err string) {
	t.Helper()
	if did.code != code || !strings.Contains(did.out, out) || !strings.Contains(did.err, err) || out == "" && did.out != "" {
		t.Errorf("\n got %d\nout %s\nerr %s\nwant %d\nout %s\nerr %s", did.code, did.out, did.err, code, out, err)
	}
}

func TestDialMistakes(t *testing.T) {
	url := serveChat(t).url
	web := strings.Replace(url, "/ws", "/", 1)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := free.Addr().String()
	_ = free.Close()
	for _, dialect := range dialectNames() {
		for _, test := range []struct {
			url, flags string
			code       int
			err        string
		}{
			{"ftp://x/ws", "", exitUsage, "the URL ftp://x/ws does not begin with ws:// or wss://"},
			{"ws:///ws", "", exitUsage, "names no host"},
			{"ws://localhost:8080", "", exitUsage, "names no path: add the one of the gateway, as in ws://localhost:8080/ws"},
			{url, "--timeout 0s", exitUsage, "--timeout is 0s: state more than 0"},
			{url, "--header nothing", exitUsage, "a --header is not 'Name: value'"},
			{url, "--token a --token-file b", exitUsage, "do not go together"},
			{url, "--token-file missing", exitFailed, "--token-file: open missing: no such file"},
			{url, "--schema missing", exitFailed, "--schema: stat missing: no such file"},
			{"ws://" + nobody + "/ws", "", exitFailed, "nothing listens at " + nobody + " (connection refused): start the server"},
			{"ws://no.such.host.invalid/ws", "", exitFailed, "the host no.such.host.invalid cannot be found"},
			{web + "nope", "", exitFailed, "there is no /nope on 127.0.0.1:"},
			{web, "", exitFailed, "is no WebSocket: it answers as a web page does (HTTP 200); state the path of the gateway"},
			{strings.Replace(url, "ws:", "wss:", 1), "", exitFailed, "does not speak TLS: state ws:// instead of wss://"},
			{url, "--origin https://evil.example", exitFailed, `(HTTP 403): request Origin "evil.example" is not authorized`},
		} {
			line := append([]string{"listen", test.url, "--dialect", dialect}, strings.Fields(test.flags)...)
			hear(t, "", line...).wants(t, test.code, "", test.err)
		}
	}
	hear(t, "", "listen", url, "--dialect", "smoke").wants(t, exitUsage, "", "--dialect smoke is not known: there are protoway.v1.json, protoway.v1, proto-socket")
}

func TestDialTLSMistakes(t *testing.T) {
	url := serveTLS(t)
	for _, dialect := range dialectNames() {
		hear(t, "", "listen", url, "--dialect", dialect).wants(t, exitFailed, "", "is not trusted: x509: ")
		plain := strings.Replace(url, "wss:", "ws:", 1)
		hear(t, "", "listen", plain, "--dialect", dialect).wants(t, exitFailed, "", "speaks TLS: state wss:// instead of ws://")
	}
}

// A server that takes connections and says nothing is given up.
func TestDialTimeout(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	for _, dialect := range dialectNames() {
		did := hear(t, "", "listen", "ws://"+silent.Addr().String()+"/ws", "--timeout", "50ms", "--dialect", dialect)
		did.wants(t, exitFailed, "", "no answer within 50ms: see whether the server is well")
	}
}

// Who signs in badly learns why, and never sees the token.
func TestDialToken(t *testing.T) {
	secret := []byte(strings.Repeat("s", auth.MinSecretBytes))
	tokenOf := func(secret []byte, at time.Time) string {
		issuer := auth.NewIssuer(secret, auth.IssuerConfig{AccessLifetime: time.Minute, Clock: func() time.Time { return at }})
		token, err := issuer.AccessToken(&auth.User{ID: "ann"})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	good, expired := tokenOf(secret, time.Now()), tokenOf(secret, time.Now().Add(-time.Hour))
	foreign := tokenOf([]byte(strings.Repeat("x", auth.MinSecretBytes)), time.Now())
	url := serveConfig(t, signedInConfig(secret))
	schema := schemaFile(t, "internal/testschema/proto")
	t.Chdir(t.TempDir())
	write(t, "token", good+"\n")
	for _, dialect := range dialectNames() {
		call := func(args ...string) ran {
			return hear(t, "", append([]string{"call", url, "secret", `{"text":"x"}`, "--dialect", dialect, "--schema", schema}, args...)...)
		}
		call("--token-file", "token").wants(t, exitOK, "", "ok")
		t.Setenv(tokenVariable, good)
		call().wants(t, exitOK, "", "ok")
		t.Setenv(tokenVariable, "")
		call().wants(t, exitFailed, "", "state a token with --token-file or PROTOWAY_TOKEN")
		for token, why := range map[string]string{
			expired: "the token expired at " + time.Now().Add(time.Minute-time.Hour).UTC().Format("2006-01-02T15:"),
			foreign: "the token is refused: state one that this server takes",
		} {
			did := call("--token", token)
			did.wants(t, exitFailed, "", why)
			if strings.Contains(did.err, token) {
				t.Errorf("the token is shown: %s", did.err)
			}
			hear(t, "", "listen", url, "--dialect", dialect, "--token", token, "--timeout", "5s", "--for", "20s").wants(t, exitFailed, "", why)
		}
	}
}

// The header and the origin reach the server.
func TestDialHeader(t *testing.T) {
	came := make(chan http.Header, 2)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		came <- r.Header
		http.Error(w, "not today\nnor tomorrow", http.StatusTeapot)
	})}
	go server.Serve(listener)
	t.Cleanup(func() { _ = server.Close() })
	for _, dialect := range []string{"protoway.v1.json", "proto-socket"} {
		did := hear(t, "", "listen", "http://"+listener.Addr().String()+"/ws?token=hidden", "--dialect", dialect, "--header", "X-Tea: green", "--origin", "https://tea.example")
		did.wants(t, exitFailed, "", "refuses the connection (HTTP 418): not today\n")
		if header := <-came; header.Get("X-Tea") != "green" || header.Get("Origin") != "https://tea.example" {
			t.Errorf("%v", header)
		}
	}
}
