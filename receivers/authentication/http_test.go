package authentication_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/receivers/authentication"
)

// post sends JSON, with further headers by name and value, and drops what is
// answered.
func (s *site) post(path, body string, header ...string) *http.Response {
	s.Helper()
	response, _ := s.ask(http.MethodPost, path, body, append([]string{"Content-Type", "application/json"}, header...)...)
	return response
}

// ask sends a request and returns the answer and its body.
func (s *site) ask(method, path, body string, header ...string) (*http.Response, string) {
	s.Helper()
	request, err := http.NewRequestWithContext(s.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.Fatal(err)
	}
	return response, string(text)
}

const (
	asJSON = "application/json"
	asForm = "application/x-www-form-urlencoded"
)

// TestTokensOverHTTP is what a client of simplejwt does.
func TestTokensOverHTTP(t *testing.T) {
	s := open(t, auth.IssuerConfig{ReuseGrace: -1}, authentication.Attempts{}, authentication.HTTP{})
	for _, tc := range []struct{ kind, slash, body, refresh string }{
		{asJSON, "", `{"username":"ada","password":"pw","more":[1]}`, `{"refresh":"%"}`},
		{asJSON + "; charset=utf-8", "/", `{"username":"ada","password":"pw"}`, `{"refresh":"%"}`},
		{asForm, "", "username=ada&password=pw", "refresh=%"},
	} {
		response, body := s.ask(http.MethodPost, "/auth/token"+tc.slash, tc.body, "Content-Type", tc.kind)
		var first, next map[string]string
		if err := json.Unmarshal([]byte(body), &first); err != nil || response.StatusCode != http.StatusOK || len(first) != 2 {
			t.Fatalf("%s: %d %q", tc.kind, response.StatusCode, body)
		}
		for name, want := range map[string]string{"Content-Type": asJSON, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": ""} {
			if got := response.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		s.is(s.dial("", first["access"]), "1")
		for _, token := range first {
			response, body := s.ask(http.MethodPost, "/auth/token/verify"+tc.slash, `{"token":"`+token+`"}`, "Content-Type", asJSON)
			if response.StatusCode != http.StatusOK || body != "{}\n" {
				t.Errorf("verify: %d %q", response.StatusCode, body)
			}
		}
		ask := func() (*http.Response, string) {
			return s.ask(http.MethodPost, "/auth/token/refresh"+tc.slash, strings.ReplaceAll(tc.refresh, "%", first["refresh"]), "Content-Type", tc.kind)
		}
		_, body = ask()
		if err := json.Unmarshal([]byte(body), &next); err != nil || next["refresh"] == "" || next["refresh"] == first["refresh"] {
			t.Fatalf("the refresh: %q", body)
		}
		s.is(s.dial("", next["access"]), "1")
		if response, body := ask(); response.StatusCode != http.StatusUnauthorized || !strings.Contains(body, `"code":"token_not_valid"`) {
			t.Errorf("the second use: %d %q", response.StatusCode, body)
		}
	}
}

// TestHTTPRefusals: what is wrong is said in the shape of simplejwt, and nothing
// else is.
func TestHTTPRefusals(t *testing.T) {
	s := open(t, auth.IssuerConfig{}, authentication.Attempts{}, authentication.HTTP{Origins: []string{"https://app.example.com"}})
	long := strings.Repeat("x", 33<<10)
	for name, tc := range map[string]struct {
		method, path, body string
		header             []string
		status             int
		code               string
	}{
		"wrong password":    {"POST", "/auth/token", `{"username":"ada","password":"S3CRET"}`, nil, 401, "no_active_account"},
		"unknown user":      {"POST", "/auth/token", `{"username":"S3CRET","password":"x"}`, nil, 401, "no_active_account"},
		"bad token":         {"POST", "/auth/token/verify", `{"token":"S3CRET"}`, nil, 401, "token_not_valid"},
		"bad refresh":       {"POST", "/auth/token/refresh", `{"refresh":"S3CRET"}`, nil, 401, "token_not_valid"},
		"no password":       {"POST", "/auth/token", `{"username":"S3CRET"}`, nil, 400, "invalid"},
		"password no text":  {"POST", "/auth/token", `{"username":"ada","password":["S3CRET"]}`, nil, 400, "invalid"},
		"in the URL":        {"POST", "/auth/token?username=ada&password=pw", `{}`, nil, 400, "invalid"},
		"form in the URL":   {"POST", "/auth/token?username=ada&password=pw", "", []string{"Content-Type", asForm}, 400, "invalid"},
		"no JSON":           {"POST", "/auth/token", `{"username":S3CRET`, nil, 400, "parse_error"},
		"null":              {"POST", "/auth/token", `null`, nil, 400, "parse_error"},
		"no form":           {"POST", "/auth/token", `username=S3CRET%`, []string{"Content-Type", asForm}, 400, "parse_error"},
		"another kind":      {"POST", "/auth/token", `S3CRET`, []string{"Content-Type", "text/plain"}, 415, "unsupported_media_type"},
		"no kind":           {"POST", "/auth/token", `S3CRET`, []string{"Content-Type", ""}, 415, "unsupported_media_type"},
		"too large":         {"POST", "/auth/token", `{"username":"` + long + `"}`, nil, 413, "too_large"},
		"too large a form":  {"POST", "/auth/token", "username=" + long, []string{"Content-Type", asForm}, 413, "too_large"},
		"GET":               {"GET", "/auth/token", "", nil, 405, "method_not_allowed"},
		"another address":   {"POST", "/auth/other", "", nil, 404, "not_found"},
		"no sessions":       {"GET", "/auth/header", "", nil, 404, "not_found"},
		"another site":      {"POST", "/auth/token", `{"username":"ada","password":"pw"}`, []string{"Origin", "https://evil.example"}, 403, "permission_denied"},
		"another scheme":    {"POST", "/auth/token", `{"username":"ada","password":"pw"}`, []string{"Origin", "http://app.example.com"}, 403, "permission_denied"},
		"a page of nowhere": {"OPTIONS", "/auth/token", "", []string{"Origin", "null"}, 403, "permission_denied"},
	} {
		t.Run(name, func(t *testing.T) {
			response, body := s.ask(tc.method, tc.path, tc.body, append([]string{"Content-Type", asJSON}, tc.header...)...)
			var said struct{ Detail, Code string }
			if err := json.Unmarshal([]byte(body), &said); err != nil || said.Detail == "" || said.Code != tc.code || response.StatusCode != tc.status {
				t.Errorf("%d %q", response.StatusCode, body)
			}
			if strings.Contains(body, "S3CRET") || response.Header.Get("Cache-Control") != "no-store" || response.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%q %v", body, response.Header)
			}
			if (response.StatusCode == http.StatusUnauthorized) != (response.Header.Get("WWW-Authenticate") != "") || (response.StatusCode == http.StatusMethodNotAllowed) != (response.Header.Get("Allow") != "") {
				t.Errorf("headers %v", response.Header)
			}
		})
	}
}

// TestAllowedOrigins: pages that were allowed may ask, and read the answer.
func TestAllowedOrigins(t *testing.T) {
	const page = "https://app.example.com"
	s := open(t, auth.IssuerConfig{}, authentication.Attempts{}, authentication.HTTP{Origins: []string{page}})
	before, _ := s.ask(http.MethodOptions, "/auth/token", "", "Origin", page, "Access-Control-Request-Method", "POST")
	if before.StatusCode != http.StatusNoContent || before.Header.Get("Access-Control-Allow-Origin") != page ||
		before.Header.Get("Access-Control-Allow-Headers") != "Content-Type" || before.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("before: %d %v", before.StatusCode, before.Header)
	}
	asked := s.post("/auth/token", `{"username":"ada","password":"pw"}`, "Origin", page)
	if asked.StatusCode != http.StatusOK || asked.Header.Get("Access-Control-Allow-Origin") != page || asked.Header.Get("Vary") != "Origin" {
		t.Errorf("asked: %d %v", asked.StatusCode, asked.Header)
	}
	if own := s.post("/auth/token", `{"username":"ada","password":"pw"}`, "Origin", s.url); own.StatusCode != http.StatusOK {
		t.Errorf("a page of the server: %d", own.StatusCode)
	}
}

// TestSessionsOverHTTP: the user of a session gets a token, whatever pages of other
// hosts may ask for, which cannot read it.
func TestSessionsOverHTTP(t *testing.T) {
	const page = "https://app.example.com"
	s := open(t, auth.IssuerConfig{}, authentication.Attempts{}, authentication.HTTP{Origins: []string{page}, Identify: func(r *http.Request) (*auth.User, error) {
		cookie, err := r.Cookie("session")
		if errors.Is(err, http.ErrNoCookie) {
			return nil, nil
		}
		return &auth.User{ID: cookie.Value}, err
	}})
	response, token := s.ask(http.MethodGet, "/auth/header", "", "Cookie", "session=1", "Origin", page)
	if response.StatusCode != http.StatusOK || response.Header.Get("Access-Control-Allow-Origin") != "" || response.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", response.StatusCode, response.Header)
	}
	s.is(s.dial("", token), "1")
	if response, body := s.ask(http.MethodGet, "/auth/header", ""); response.StatusCode != http.StatusUnauthorized || strings.Count(body, ".") > 1 {
		t.Errorf("%d %q", response.StatusCode, body)
	}
}

// TestHTTPStoreIsDown: that it cannot be found out is not that it is wrong.
func TestHTTPStoreIsDown(t *testing.T) {
	sign := authentication.New(authentication.Config{Issuer: auth.NewIssuer(secret, auth.IssuerConfig{}), Users: down{}, Attempts: rare(1, 1)})
	s := &site{T: t, url: serveHTTP(t, sign.Handler(authentication.HTTP{}))}
	for range 3 { // and no attempt
		response, body := s.ask(http.MethodPost, "/auth/token", url.Values{"username": {"ada"}, "password": {"S3CRET"}}.Encode(), "Content-Type", asForm)
		if response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, `"code":"unavailable"`) || strings.Contains(body, "S3CRET") {
			t.Errorf("%d %q", response.StatusCode, body)
		}
	}
}

func serveHTTP(t *testing.T, handler http.Handler) string {
	t.Helper()
	listening := httptest.NewServer(handler)
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		listening.Close()
	})
	return listening.URL
}
