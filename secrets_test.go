package protoway_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/internal/testpeer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers/authentication"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// tap lies between clients and a server and keeps all that the server says.
type tap struct {
	address string // to connect to

	mu   sync.Mutex // guards what follows
	said bytes.Buffer
}

func (t *tap) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.said.Write(p)
}

func (t *tap) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.said.String()
}

// tapped starts a tap in front of an address. It ends with the test.
func tapped(t *testing.T, server string) *tap {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	between := &tap{address: listener.Addr().String()}
	var all sync.WaitGroup
	t.Cleanup(func() {
		_ = listener.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { between.pass(client, server) })
		}
	})
	return between
}

// pass connects a client to the server until one of them ends it.
func (t *tap) pass(client net.Conn, server string) {
	defer func() { _ = client.Close() }()
	far, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(far, client)
		_ = far.Close()
	}()
	_, _ = io.Copy(io.MultiWriter(client, t), far)
}

// spy is a verifier that says what it must not.
type spy struct{ auth.Verifier }

func (s spy) Verify(ctx context.Context, token string) (*auth.User, error) {
	switch {
	case strings.Contains(token, "panic"):
		panic("no such token: " + token)
	case strings.Contains(token, "error"):
		return nil, errors.New("no such token: " + token)
	case strings.Contains(token, "refuse"):
		return nil, status.Unauthenticated.Errorf("no such token: %s", token)
	default:
		return s.Verifier.Verify(ctx, token)
	}
}

// TestSecretsAreNowhere sends secrets in every way there is, good ones and bad ones,
// and looks for them in all that the server writes: its log, its answers, its
// metrics.
func TestSecretsAreNowhere(t *testing.T) {
	var log journal
	const password = "S3CRET-password"
	users, err := auth.NewMemoryUsers(auth.Account{User: auth.User{ID: "1", Name: "ada"}, Password: auth.HashPassword(password, 10)})
	if err != nil {
		t.Fatal(err)
	}
	revocations := auth.NewRevocations(auth.NewMemoryStore(auth.MemoryConfig{}), auth.RevocationsConfig{})
	issuer := auth.NewIssuer(secret, auth.IssuerConfig{Rotation: revocations})
	sign := authentication.New(authentication.Config{Issuer: issuer, Users: users, Revocations: revocations})
	logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}))
	session := func(r *http.Request) (*auth.User, error) {
		if cookie, err := r.Cookie("session"); err == nil && cookie.Value == "S3CRET-broken" {
			return nil, errors.New("the sessions cannot be read")
		}
		return nil, nil
	}
	server, at := start(t, protoway.Config{
		Verifier: spy{auth.HS256(secret)}, Users: users, Revocations: revocations, Logger: logger, Secret: []byte("S3CRET-of-tickets-0123456789abcdef"),
		Paths: map[string]protoway.Path{"/ws": {Identify: session}}, CookiesWithoutOrigin: true, ForwardErrors: true,
	}, sign, joiner(), secrets())
	mux := http.NewServeMux()
	mux.Handle("/auth/", sign.Handler(authentication.HTTP{Logger: logger}))
	mux.Handle("/", server)
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	between := tapped(t, web.Listener.Addr().String())
	tappedURL := "http://" + between.address

	// Signing in is answered with tokens: not through the tap.
	direct := testpeer.Dial(t, at, testpeer.Options{}, &protowayv1.LoginToken{})
	tokens, _ := direct.Call(&protowayv1.Login{Username: "ada", Password: password}).Value.(*protowayv1.LoginToken)
	fresh, _ := direct.Call(&protowayv1.RefreshToken{RefreshToken: tokens.GetRefresh()}).Value.(*protowayv1.LoginToken)
	if tokens == nil || fresh == nil {
		t.Fatal("the login failed")
	}
	for _, token := range []string{tokens.GetToken(), "S3CRET", "S3CRET-panic", "S3CRET-error", "S3CRET-refuse", "x.S3CRET.y", tokens.GetRefresh(), tokens.GetToken() + "S3CRET"} {
		leak(t, tappedURL, token)
	}
	leakByHTTP(t, tappedURL, tokens)
	ok(t, direct.Call(&protowayv1.Logout{RefreshToken: fresh.GetRefresh()}))
	for _, page := range []string{"/metrics", "/healthz", "/readyz"} {
		response, err := http.Get(tappedURL + page)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	hunted := []string{"S3CRET", string(secret)}
	for _, token := range []string{tokens.GetToken(), tokens.GetRefresh(), fresh.GetToken(), fresh.GetRefresh()} {
		hunted = append(hunted, strings.Split(token, ".")[2], strings.Split(token, ".")[1])
	}
	for name, text := range map[string]string{"log": log.String(), "answers": between.text()} {
		if len(text) < 1000 {
			t.Errorf("the %s has %d bytes only: %q", name, len(text), text)
		}
		for _, secret := range hunted {
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("the %s has %q: …%q", name, secret, text[max(0, at-200):min(len(text), at+100)])
			}
		}
	}
}

// leak sends a token in every way.
func leak(t *testing.T, at, token string) {
	t.Helper()
	unsure := strings.Contains(token, "panic") || strings.Contains(token, "error") // closes the connection
	native := func(url string, o testpeer.Options) {
		o.Silent = true
		p, err := testpeer.TryDial(t, url, o, fromServer...)
		if err != nil {
			return // the upgrade was refused
		}
		p.Write(&wire.Frame{ID: 1, Kind: wire.KindHello, Control: &protowayv1.Hello{Token: o.Hello.GetToken()}})
		if unsure {
			p.AwaitEnd()
			return
		}
		authenticate(p, 2, token)
		p.Call(&testv1.Secret{})
	}
	for _, dialect := range dialects {
		native(at+"/ws", testpeer.Options{Dialect: dialect, Hello: &protowayv1.Hello{Token: token}})
		native(at+"/ws?token="+token+"&access_token="+token, testpeer.Options{Dialect: dialect})
		native(at+"/ws?token="+token+"&token=another", testpeer.Options{Dialect: dialect})
		native(at+"/ws", testpeer.Options{Dialect: dialect, Header: http.Header{"Authorization": {"Bearer " + token}}})
		native(at+"/ws", testpeer.Options{Dialect: dialect, Header: http.Header{"Cookie": {"session=S3CRET-broken"}}})
		native(at+"/ws", testpeer.Options{Dialect: dialect, Header: http.Header{"Cookie": {"session=S3CRET"}, "Origin": {"https://evil.example"}}})
	}
	p := testpeer.Dial(t, at+"/ws", testpeer.Options{}, fromServer...)
	authenticate(p, 2, token)
	fails(t, p.Call(&protowayv1.RefreshToken{RefreshToken: "S3CRET" + token}), status.Unauthenticated)
	fails(t, p.Call(&protowayv1.Login{Username: "ada", Password: "S3CRET"}), status.Unauthenticated)
	for _, entry := range []string{"protoway.token." + token, "PROTOWAY.token." + token, "protoway.token." + token + "+"} {
		ws, response, err := websocket.Dial(t.Context(), strings.Replace(at, "http", "ws", 1)+"/ws", &websocket.DialOptions{Subprotocols: []string{"protoway.v1", entry}})
		if err == nil {
			_ = ws.CloseNow()
		}
		if response != nil && response.Body != nil {
			_ = response.Body.Close()
		}
	}
	old := testpeer.DialProtoSocket(t, at+"/ws", nil)
	old.Say(`{"headers":{"messageType":"secret","ack":true,"uuid":"u","authHeader":"` + token + `"},"body":{}}`)
	old.Next()
	old.Say(`{"headers":{"messageType":"secret","ack":true,"authHeader":"` + token + `"`)
	old.Next()
}

// leakByHTTP sends secrets to the endpoint of tokens.
func leakByHTTP(t *testing.T, at string, tokens *protowayv1.LoginToken) {
	t.Helper()
	for path, body := range map[string]string{
		"/auth/token":                 `{"username":"ada","password":"S3CRET"}`,
		"/auth/token?password=S3CRET": `{"username":"ada","password":"S3CRET`,
		"/auth/token/refresh":         `{"refresh":"S3CRET"}`,
		"/auth/token/verify":          `{"token":"` + tokens.GetToken() + `"}`,
		"/auth/token/S3CRET":          `{}`,
	} {
		response, err := http.Post(at+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
}
