package protoway_test

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/internal/testpeer"
)

// bySession is the user whose name a cookie has, or a header that no page can send.
func bySession(asked *atomic.Int64) auth.Identify {
	return func(r *http.Request) (*auth.User, error) {
		asked.Add(1)
		if name := r.Header.Get("X-Client-Name"); name != "" {
			return &auth.User{ID: name}, nil
		}
		if cookie, err := r.Cookie("session"); err == nil {
			return &auth.User{ID: cookie.Value}, nil
		}
		return nil, nil
	}
}

// TestCrossSiteHijacking: a page of another site connects with the cookies of its
// visitor, and gets nothing by them.
func TestCrossSiteHijacking(t *testing.T) {
	for name, tc := range map[string]struct {
		origins []string // of the request
		path    []string // what the path allows
		native  bool     // cookies count without an origin
		header  http.Header
		user    string
		refused bool
	}{
		"own page":                {origins: []string{"own"}, user: "ada"},
		"allowed page":            {origins: []string{"https://app.example.com"}, path: []string{"*.example.com"}, user: "ada"},
		"allowed with its scheme": {origins: []string{"https://example.com"}, path: []string{"https://example.com"}, user: "ada"},
		"another scheme":          {origins: []string{"http://example.com"}, path: []string{"https://example.com"}, refused: true},
		"another site":            {origins: []string{"https://evil.example"}, refused: true},
		"almost an allowed one":   {origins: []string{"https://example.com.evil.example"}, path: []string{"*.example.com"}, refused: true},
		"no host":                 {origins: []string{"null"}, refused: true},
		"empty":                   {origins: []string{""}, refused: true},
		"no URL":                  {origins: []string{"http://%"}, path: []string{"*"}, refused: true},
		"two":                     {origins: []string{"own", "https://evil.example"}, refused: true},
		"none":                    {user: ""},
		"none, but not a cookie":  {header: http.Header{"X-Client-Name": {"bob"}}, user: "bob"},
		"none, as configured":     {native: true, user: "ada"},
		"another, as configured":  {native: true, origins: []string{"https://evil.example"}, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int64
			_, at := start(t, protoway.Config{
				Paths:                map[string]protoway.Path{"/ws": {Identify: bySession(&asked), Origins: tc.path}},
				CookiesWithoutOrigin: tc.native,
			}, whoAmI())
			header := http.Header{"Cookie": {"session=ada"}}
			maps.Copy(header, tc.header)
			for _, origin := range tc.origins {
				if origin == "own" {
					origin = at
				}
				header.Add("Origin", origin)
			}
			if !tc.refused {
				mustBe(t, testpeer.Dial(t, at, testpeer.Options{Header: header}, fromServer...), tc.user)
				return
			}
			code, text := upgradeRefused(t, at, header)
			if code != http.StatusForbidden || !strings.Contains(text, "Origin") {
				t.Errorf("%d %q", code, text)
			}
			if asked.Load() != 0 {
				t.Error("the session was looked at before the origin")
			}
		})
	}
}

// upgradeRefused asks for a WebSocket and returns how that was refused.
func upgradeRefused(t *testing.T, at string, header http.Header) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(request.Header, header)
	request.Header.Set("Upgrade", "websocket")
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Sec-WebSocket-Version", "13")
	request.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusSwitchingProtocols {
		return response.StatusCode, ""
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// TestNoQueryToken: a server may refuse tokens in URLs, wherever the others come.
func TestNoQueryToken(t *testing.T) {
	signed := token(t, auth.User{ID: "ada"})
	_, at := start(t, protoway.Config{NoQueryToken: true}, whoAmI())
	for _, query := range []string{"token=" + url.QueryEscape(signed), "token=", "%74oken=x", "a=b&token=Bearer+x"} {
		code, text := upgradeRefused(t, at+"?"+query, nil)
		if code != http.StatusBadRequest || !strings.Contains(text, "URL") || strings.Contains(text, signed) {
			t.Errorf("%s: %d %q", query, code, text)
		}
	}
	mustBe(t, testpeer.Dial(t, at+"?tokens=1", as(t, auth.User{ID: "ada"}), fromServer...), "ada")
}
