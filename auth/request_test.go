package auth_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

const wsProtocol = "Sec-WebSocket-Protocol"

// request makes an upgrade request; headers are "Name: value" lines.
func request(url string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, url, nil)
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	return r
}

func TestTokenFromRequest(t *testing.T) {
	token := signHS256(claimsWith(""))
	tests := []struct {
		name    string
		request *http.Request
		want    string
	}{
		{"none", request("/ws"), ""},
		{"empty ones", request("/ws?token=", "Authorization: Bearer", wsProtocol+": protoway.token."), ""},
		{"header", request("/ws", "Authorization: Bearer "+token), token},
		{"header in another case", request("/ws", "Authorization: bEARER  "+token+" "), token},
		{"another scheme", request("/ws", "Authorization: Basic YTpi"), ""},
		{"no scheme", request("/ws", "Authorization: "+token), ""},
		{"a scheme that starts alike", request("/ws", "Authorization: Bearertoken "+token), ""},
		{"query", request("/ws?a=b&token=" + token), token},
		{"query with a prefix", request("/ws?token=Bearer%20" + token), token},
		{"query parameter of another name", request("/ws?Token=" + token), ""},
		{"subprotocol", request("/ws", wsProtocol+": protoway.v1,protoway.token."+token), token},
		{"subprotocol in another line", request("/ws", wsProtocol+": protoway.v1", wsProtocol+": protoway.token."+token), token},
		{"subprotocol in another case", request("/ws", wsProtocol+": Protoway.Token."+token), token},
		{"everywhere the same", request("/ws?token="+token, "Authorization: Bearer "+token, wsProtocol+": protoway.token."+token), token},
		{"no URL", &http.Request{Header: http.Header{"Authorization": {"Bearer " + token}}}, token},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := auth.TokenFromRequest(test.request)
			if err != nil || got != test.want {
				t.Errorf("token is %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

func TestTokenFromRequestRefuses(t *testing.T) {
	const one, two = "first-first-first", "second-second-second"
	const different, encoding = "two different tokens", "not base64url"
	tests := []struct {
		name    string
		request *http.Request
		text    string
	}{
		{"header and query", request("/ws?token="+one, "Authorization: Bearer "+two), different},
		{"query and subprotocol", request("/ws?token="+one, wsProtocol+": protoway.token."+two), different},
		{"two in the query", request("/ws?token=" + one + "&token=" + two), different},
		{"two headers", request("/ws", "Authorization: Bearer "+one, "Authorization: Bearer "+two), different},
		{"two subprotocols", request("/ws", wsProtocol+": protoway.token."+one+", protoway.token."+two), different},
		{"subprotocol with padding", request("/ws", wsProtocol+": protoway.token."+one+"=="), encoding},
		{"subprotocol with a space", request("/ws", wsProtocol+": protoway.token."+one+" "+two), encoding},
		{"subprotocol with standard base64", request("/ws", wsProtocol+": protoway.token."+one+"/"), encoding},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			token, err := auth.TokenFromRequest(test.request)
			wantRefusal(t, err, status.InvalidArgument, test.text, one+"."+two)
			if token != "" {
				t.Errorf("token %q comes with the error", token)
			}
		})
	}
}

func TestSubprotocols(t *testing.T) {
	got := auth.Subprotocols(request("/ws", wsProtocol+": protoway.v1 ,, protoway.token.abc", wsProtocol+": PROTOWAY.TOKEN.abc,jsonrpc-2.0"))
	if want := []string{"protoway.v1", "jsonrpc-2.0"}; !slices.Equal(got, want) {
		t.Errorf("subprotocols are %q, want %q", got, want)
	}
	if got := auth.Subprotocols(request("/ws")); len(got) != 0 {
		t.Errorf("subprotocols are %q", got)
	}
}

func TestTrimBearer(t *testing.T) {
	for token, want := range map[string]string{
		"abc": "abc", " abc\n": "abc", "Bearer abc": "abc", "bearer\tabc ": "abc", "BEARER   abc": "abc",
		"": "", "Bearer": "", "Bearer ": "", "Bearerabc": "Bearerabc", "abc Bearer": "abc Bearer",
	} {
		if got := auth.TrimBearer(token); got != want {
			t.Errorf("TrimBearer(%q) is %q, want %q", token, got, want)
		}
	}
}

func TestRedact(t *testing.T) {
	for url, want := range map[string]string{
		"/ws":                           "/ws",
		"/ws?a=b&c":                     "/ws?a=b&c",
		"/ws?token=s3cret":              "/ws?token=redacted",
		"/ws?a=b&token=s3cret&c=d":      "/ws?a=b&token=redacted&c=d",
		"/ws?TOKEN=s3cret":              "/ws?TOKEN=redacted",
		"/ws?access_token=s3cret":       "/ws?access_token=redacted",
		"/ws?%74oken=s3cret":            "/ws?%74oken=redacted",
		"/ws?to%6Ben=s3cret&token":      "/ws?to%6Ben=redacted&token=redacted",
		"/ws?a=1;token=s3cret":          "/ws?a=1&token=redacted",
		"/ws?a=1?token=s3cret":          "/ws?a=1&token=redacted",
		"/ws?%zztoken=s3cret":           "/ws?redacted",
		"http://u:s3cret@host/ws?a=b":   "http://host/ws?a=b",
		"/a%20path?token=s3cret&token=": "/a%20path?token=redacted&token=redacted",
	} {
		if got := auth.Redact(request(url)); got != want {
			t.Errorf("%s is shown as %s, want %s", url, got, want)
		}
	}
	if got := auth.Redact(&http.Request{}); got != "" {
		t.Errorf("no URL is shown as %q", got)
	}
}

func TestRedactLeavesTheRequestAlone(t *testing.T) {
	r := request("http://u:p@host/ws?token=abc")
	auth.Redact(r)
	if r.URL.String() != "http://u:p@host/ws?token=abc" {
		t.Errorf("the request's URL is now %s", r.URL)
	}
}
