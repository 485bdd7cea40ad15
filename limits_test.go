package protoway_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/internal/testpeer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// refusal dials and returns how the upgrade was refused: its status, and after how
// many seconds the client shall come again.
func refusal(t *testing.T, url string, header http.Header) (code, retryAfter int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testpeer.Patience)
	defer cancel()
	ws, response, err := websocket.Dial(ctx, strings.Replace(url, "http", "ws", 1), &websocket.DialOptions{
		Subprotocols: []string{wire.Protobuf.Subprotocol()}, HTTPHeader: header,
	})
	if err == nil {
		_ = ws.CloseNow()
		return http.StatusSwitchingProtocols, 0
	}
	if response == nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	retryAfter, _ = strconv.Atoi(response.Header.Get("Retry-After"))
	return response.StatusCode, retryAfter
}

// metric returns the value of a series of a server; 0 if there is none.
func metric(t *testing.T, url, series string) int {
	t.Helper()
	response, err := http.Get(strings.TrimSuffix(url, "/ws") + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, series+" "); found {
			number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return int(number)
		}
	}
	return 0
}

func limited(t *testing.T, url, limit string) int {
	t.Helper()
	return metric(t, url, fmt.Sprintf("protoway_limited_total{limit=%q}", limit))
}

// mustBeRefused fails unless an upgrade is refused, with a time to come again, and
// counted.
func mustBeRefused(t *testing.T, url string, header http.Header, want int, limit string) {
	t.Helper()
	before := limited(t, url, limit)
	if code, after := refusal(t, url, header); code != want || after < 1 {
		t.Errorf("%s: HTTP %d, to come again after %d s, want %d", limit, code, after, want)
	}
	if counted := limited(t, url, limit) - before; counted != 1 {
		t.Errorf("%s was counted %d times", limit, counted)
	}
}

func TestConnectionsOfTheProcess(t *testing.T) {
	_, url := start(t, protoway.Config{Limits: consumer.Limits{MaxConnections: 2}}, whoAmI())
	first := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	second := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	mustBeRefused(t, url, nil, http.StatusServiceUnavailable, "max_connections")
	mustBe(t, first, "")
	second.Close()
	eventually(t, "there is room again", func() bool {
		code, _ := refusal(t, url, nil)
		return code == http.StatusSwitchingProtocols
	})
	// What is refused for another reason takes no place.
	for range 3 {
		bad := http.Header{"Origin": {"https://elsewhere.example"}}
		eventually(t, "it is refused for its origin", func() bool {
			code, _ := refusal(t, url, bad)
			return code == http.StatusForbidden
		})
	}
	eventually(t, "there is room still", func() bool {
		code, _ := refusal(t, url, nil)
		return code == http.StatusSwitchingProtocols
	})
}

// from is the header of a client behind proxies.
func from(addresses ...string) testpeer.Options {
	return testpeer.Options{Header: http.Header{"X-Forwarded-For": addresses}}
}

func TestConnectionsOfAnAddress(t *testing.T) {
	remote := make(chan string, 1)
	where := notes(func(ctx context.Context, _ string) error {
		remote <- consumer.From(ctx).RemoteAddr()
		return nil
	})
	_, url := start(t, protoway.Config{
		Limits: consumer.Limits{MaxConnectionsPerAddress: 1}, TrustedProxies: []string{"127.0.0.1", "::1", "10.0.0.0/8"},
	}, where)
	p := testpeer.Dial(t, url, from("203.0.113.7"))
	ok(t, p.Call(&testv1.Note{}))
	if got := <-remote; got != "203.0.113.7" {
		t.Errorf("the client is at %s", got)
	}
	testpeer.Dial(t, url, from("2001:db8::1"))
	for _, same := range [][]string{
		{"203.0.113.7"},
		{"::ffff:203.0.113.7"},
		{"203.0.113.7, 10.1.2.3"},
		{"198.51.100.1, 203.0.113.7"},
		{"198.51.100.1", "203.0.113.7"}, // made up by the client
		{"2001:db8::2"},
		{"2001:db8:0:0:ffff::"},
	} {
		mustBeRefused(t, url, from(same...).Header, http.StatusTooManyRequests, "max_connections_per_address")
	}
	testpeer.Dial(t, url, from("203.0.113.8"))
	testpeer.Dial(t, url, from("2001:db8:0:1::1"))
	testpeer.Dial(t, url, from("nonsense")) // that of the proxy
	p.Close()
	eventually(t, "the address has room again", func() bool {
		code, _ := refusal(t, url, from("203.0.113.7").Header)
		return code == http.StatusSwitchingProtocols
	})
}

// TestForwardedForIsNotBelieved unless a proxy is trusted.
func TestForwardedForIsNotBelieved(t *testing.T) {
	for _, proxies := range [][]string{nil, {"192.0.2.1"}} {
		_, url := start(t, protoway.Config{Limits: consumer.Limits{MaxConnectionsPerAddress: 1}, TrustedProxies: proxies}, whoAmI())
		testpeer.Dial(t, url, from("203.0.113.7"))
		mustBeRefused(t, url, from("203.0.113.8").Header, http.StatusTooManyRequests, "max_connections_per_address")
	}
}

func TestConnectionsOfAUser(t *testing.T) {
	server, url := start(t, protoway.Config{Limits: consumer.Limits{MaxConnectionsPerUser: 1}}, whoAmI(),
		receivers.Handle(func(ctx context.Context, in *testv1.SignIn) error {
			return consumer.From(ctx).SignIn(ctx, &auth.User{ID: in.GetUser()})
		}))
	ada := token(t, auth.User{ID: "ada"})
	first := testpeer.Dial(t, url, as(t, auth.User{ID: "ada"}), fromServer...)
	mustBe(t, first, "ada")

	second := testpeer.Dial(t, url, testpeer.Options{Silent: true}, fromServer...)
	second.Write(&wire.Frame{Kind: wire.KindHello, Control: &protowayv1.Hello{Token: ada}})
	if code := second.AwaitEnd(); code != int(consumer.CloseTooMany) {
		t.Errorf("Hello: closed with %d", code)
	}
	third := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	third.Write(&wire.Frame{ID: 9, Kind: wire.KindAuthenticate, Control: &protowayv1.Authenticate{Token: ada}})
	if code := third.AwaitEnd(); code != int(consumer.CloseTooMany) {
		t.Errorf("Authenticate: closed with %d", code)
	}
	fourth := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	refused := fourth.Call(&testv1.SignIn{User: "ada"})
	fails(t, refused, status.ResourceExhausted)
	if refused.Ack.Error.RetryAfter <= 0 {
		t.Error("the refusal does not say when to try again")
	}
	mustBe(t, fourth, "")
	if n, err := server.SendToUser(t.Context(), "ada", &testv1.Event{}); n != 1 || err != nil {
		t.Errorf("ada has %d connections, %v", n, err)
	}
	if got := limited(t, url, "max_connections_per_user"); got != 3 {
		t.Errorf("counted %d times, want 3", got)
	}
	ok(t, fourth.Call(&testv1.SignIn{User: "eve"}))
	ok(t, authenticate(first, 50, ada)) // a fresh token takes no place
	mustBe(t, first, "ada")
	ok(t, authenticate(first, 51, ""))
	ok(t, fourth.Call(&testv1.SignIn{User: "ada"}))
	first.Close()
	fourth.Close()
	eventually(t, "nothing is left", func() bool { s := server.Stats(); return s.Users == 0 && s.Authenticated == 0 })
}

func TestHandshakesPerSecond(t *testing.T) {
	_, url := start(t, protoway.Config{Limits: consumer.Limits{HandshakesPerSecond: 2}}, whoAmI())
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	refused := 0
	for range 100 {
		code, after := refusal(t, url, nil)
		if code == http.StatusServiceUnavailable && after >= 1 {
			refused++
		}
	}
	if refused == 0 || limited(t, url, "handshakes_per_second") != refused {
		t.Errorf("%d of 100 were refused, %d counted", refused, limited(t, url, "handshakes_per_second"))
	}
	mustBe(t, p, "")
	eventually(t, "connections are opened again", func() bool {
		code, _ := refusal(t, url, nil)
		return code == http.StatusSwitchingProtocols
	})
}
