package protoway_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

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

// offending is a frame that must be refused.
type offending struct {
	name    string
	binary  []byte // the batch on the native binary dialect, its frame with id 9
	json    string // the same on the native JSON dialect
	code    status.Code
	says    string // part of the text
	without bool   // no id could be read
}

// message is a batch of one message frame with id 9.
func message(t *testing.T, kind string, payload []byte, key string) []byte {
	t.Helper()
	f := wire.Frame{ID: 9, Kind: wire.KindMessage, Message: wire.Message{Type: kind, Payload: payload, Key: key}}
	raw, err := wire.Protobuf.Open(wire.NewCatalog(nil), wire.ClientSide).Append(nil, &f)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func offenders(t *testing.T) []offending {
	t.Helper()
	longKey := strings.Repeat("k", wire.MaxKeyBytes+1)
	return []offending{
		{name: "unknown type", binary: message(t, "nope", nil, ""), json: `{"id":9,"type":"nope"}`, code: status.Unimplemented, says: `"nope"`},
		{name: "type of the server", binary: message(t, "event", nil, ""), json: `{"id":9,"type":"event"}`, code: status.Unimplemented, says: `"event"`},
		{name: "nobody handles it", binary: message(t, "work", nil, ""), json: `{"id":9,"type":"work"}`, code: status.Unimplemented, says: `"work"`},
		{name: "wrong payload", binary: message(t, "note", []byte{0xff}, ""), json: `{"id":9,"type":"note","body":{"text":5}}`, code: status.InvalidArgument, says: `payload of "note"`},
		{name: "oversized payload", binary: message(t, "small", make([]byte, 17), ""), json: `{"id":9,"type":"small","body":{"text":"0123456789"}}`, code: status.InvalidArgument, says: "at most 16"},
		{name: "long key", binary: message(t, "note", nil, longKey), json: `{"id":9,"type":"note","key":"` + longKey + `"}`, code: status.InvalidArgument, says: "at most 128"},
		{name: "no sign-in", binary: message(t, "secret", nil, ""), json: `{"id":9,"type":"secret"}`, code: status.Unauthenticated, says: "sign in"},
		{name: "silent schema", binary: message(t, "silent", nil, ""), json: `{"id":9,"type":"silent"}`, code: status.Unauthenticated, says: "sign in"},
		{name: "panic", binary: message(t, "greet", nil, ""), json: `{"id":9,"type":"greet"}`, code: status.Internal, says: "internal error"},
		{name: "plain error", binary: message(t, "note", nil, ""), json: `{"id":9,"type":"note"}`, code: status.Internal, says: "internal error"},
		{name: "timeout", binary: message(t, "slow", nil, ""), json: `{"id":9,"type":"slow"}`, code: status.DeadlineExceeded, says: `"slow"`},
		{name: "malformed frame", binary: []byte{0x0a, 0x04, 0x08, 0x09, 0x1a, 0x7f}, json: `{"id":9,"type":7}`, code: status.InvalidArgument, says: "malformed"},
		{name: "malformed batch", binary: []byte{0x0a, 0x7f}, json: `{"id":9`, code: status.InvalidArgument, says: "malformed", without: true},
		{name: "second hello", binary: []byte{0x0a, 0x04, 0x08, 0x09, 0x2a, 0x00}, json: `{"id":9,"hello":{}}`, code: status.FailedPrecondition, says: "hello"},
		{name: "welcome", binary: []byte{0x0a, 0x04, 0x08, 0x09, 0x32, 0x00}, json: `{"id":9,"welcome":{}}`, code: status.InvalidArgument, says: "welcome"},
		{name: "no kind", binary: []byte{0x0a, 0x02, 0x08, 0x09}, json: `{"id":9}`, code: status.Unimplemented, says: "kind"},
		{name: "bad token", binary: []byte{0x0a, 0x07, 0x08, 0x09, 0x42, 0x03, 0x0a, 0x01, 'x'}, json: `{"id":9,"authenticate":{"token":"x"}}`, code: status.Unauthenticated, says: "token"},
	}
}

func TestBadInputIsAckedAndTheConnectionStays(t *testing.T) {
	stuck := receivers.Handle(func(ctx context.Context, _ *testv1.Slow) error {
		<-ctx.Done()
		return ctx.Err()
	})
	_, url := start(t, protoway.Config{}, whoAmI(), stuck,
		receivers.Reply(func(context.Context, *testv1.Greet) (*testv1.Greeting, error) { panic("boom") }),
		notes(func(context.Context, string) error { return errors.New("the password is hunter2") }),
		receivers.Handle(func(context.Context, *testv1.Small) error { return nil }),
		receivers.Handle(func(context.Context, *testv1.Secret) error { return nil }),
		receivers.Handle(func(context.Context, *testv1.Silent) error { return nil }))
	for _, dialect := range dialects {
		for _, o := range offenders(t) {
			t.Run(dialect.Name()+"/"+o.name, func(t *testing.T) {
				t.Parallel()
				p := testpeer.Dial(t, url, testpeer.Options{Dialect: dialect}, fromServer...)
				id, raw := uint64(9), o.binary
				if dialect.Text() {
					raw = []byte(o.json)
				}
				if o.without {
					id = 0
				}
				p.WriteRaw(raw)
				ack := p.AwaitAck(id)
				if ack.Code() != o.code || !strings.Contains(ack.Text(), o.says) {
					t.Errorf("%v %q, want %v with %q", ack.Code(), ack.Text(), o.code, o.says)
				}
				if strings.Contains(ack.Text(), "hunter2") {
					t.Error("what the receiver did not mean to say was said")
				}
				mustBe(t, p, "")
			})
		}
	}
}

func TestPolicyOfTheSchema(t *testing.T) {
	_, url := start(t, protoway.Config{},
		receivers.Handle(func(context.Context, *testv1.Admin) error { return nil }),
		receivers.Handle(func(context.Context, *testv1.Secret) error { return nil }))
	for name, tc := range map[string]struct {
		user auth.User
		code status.Code
		says string
	}{
		"all":        {auth.User{ID: "1", Permissions: auth.NewSet("test.admin"), Groups: auth.NewSet("owners")}, status.OK, ""},
		"permission": {auth.User{ID: "2", Groups: auth.NewSet("staff")}, status.PermissionDenied, "test.admin"},
		"group":      {auth.User{ID: "3", Permissions: auth.NewSet("test.admin")}, status.PermissionDenied, "staff"},
		"denied":     {auth.User{ID: "4", Permissions: auth.NewSet("test.admin"), Groups: auth.NewSet("staff", "banned")}, status.PermissionDenied, "banned"},
		"superuser":  {auth.User{ID: "5", Superuser: true, Groups: auth.NewSet("banned")}, status.OK, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := testpeer.Dial(t, url, as(t, tc.user))
			ack := p.Call(&testv1.Admin{})
			if ack.Code() != tc.code || !strings.Contains(ack.Text(), tc.says) {
				t.Errorf("%v %q, want %v with %q", ack.Code(), ack.Text(), tc.code, tc.says)
			}
			ok(t, p.Call(&testv1.Secret{}))
		})
	}
}

func TestOversizedMessageCloses(t *testing.T) {
	_, url := start(t, protoway.Config{Limits: consumer.Limits{MaxMessageBytes: 2048}}, whoAmI())
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	p.WriteRaw(make([]byte, 4096))
	if code := p.AwaitEnd(); code != int(consumer.CloseMessageBig) {
		t.Errorf("close code %d", code)
	}
}

func TestHandshakeIsAsked(t *testing.T) {
	_, url := start(t, protoway.Config{Limits: consumer.Limits{HandshakeTimeout: 300 * time.Millisecond}}, whoAmI())
	p := testpeer.Dial(t, url, testpeer.Options{Silent: true})
	p.Send(&testv1.WhoAmI{})
	if code := p.AwaitEnd(); code != int(consumer.CloseNoHello) || len(p.Came()) != 0 {
		t.Errorf("a message first: close code %d, %d frames", code, len(p.Came()))
	}
	p = testpeer.Dial(t, url, testpeer.Options{Silent: true})
	if code := p.AwaitEnd(); code != int(consumer.CloseHandshake) || len(p.Came()) != 0 {
		t.Errorf("silence: close code %d, %d frames", code, len(p.Came()))
	}
}

func TestFramesBehindHelloWaitForIt(t *testing.T) {
	_, url := start(t, protoway.Config{}, whoAmI())
	options := as(t, auth.User{ID: "42"})
	options.Silent = true
	p := testpeer.Dial(t, url, options, fromServer...)
	session := wire.Protobuf.Open(wire.NewCatalog(nil), wire.ClientSide)
	batch, err := session.Append(nil, &wire.Frame{Kind: wire.KindHello, Control: &protowayv1.Hello{}})
	if err != nil {
		t.Fatal(err)
	}
	p.WriteRaw(append(batch, message(t, "who-am-i", nil, "")...))
	ack := p.AwaitAck(9)
	if got := ack.Value.(*testv1.You).GetUser(); got != "42" {
		t.Errorf("the frame behind hello ran as %q", got)
	}
	if first := p.Came(); len(first) != 1 || first[0].Kind != wire.KindWelcome {
		t.Errorf("welcome was not first: %v", first)
	}
}

func TestUpgradeRefusals(t *testing.T) {
	native := protoway.Path{Dialects: dialects} // without one that offers no subprotocol
	_, url := start(t, protoway.Config{Paths: map[string]protoway.Path{"/ws": native}}, whoAmI())
	get := func(edit func(*http.Request)) (int, string) {
		ctx, cancel := context.WithTimeout(t.Context(), testpeer.Patience)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{
			"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
			"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol": "protoway.v1",
		} {
			r.Header.Set(name, value)
		}
		edit(r)
		response, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		text := make([]byte, 500)
		n, _ := response.Body.Read(text)
		return response.StatusCode, string(text[:n])
	}
	for name, tc := range map[string]struct {
		edit func(*http.Request)
		code int
		says string
	}{
		"plain request":  {func(r *http.Request) { r.Header = http.Header{} }, http.StatusUpgradeRequired, "WebSocket"},
		"no subprotocol": {func(r *http.Request) { r.Header.Del("Sec-WebSocket-Protocol") }, http.StatusBadRequest, "protoway.v1.json"},
		"unknown one":    {func(r *http.Request) { r.Header.Set("Sec-WebSocket-Protocol", "soap") }, http.StatusBadRequest, "soap"},
		"origin":         {func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, http.StatusForbidden, "evil.example"},
		"two tokens": {func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer a")
			r.URL.RawQuery = "token=b"
		}, http.StatusBadRequest, "token"},
	} {
		if code, text := get(tc.edit); code != tc.code || !strings.Contains(text, tc.says) {
			t.Errorf("%s: %d %q, want %d with %q", name, code, text, tc.code, tc.says)
		}
	}
}

func TestAllowedOriginAndTokenIsNotEchoed(t *testing.T) {
	_, url := start(t, protoway.Config{Paths: map[string]protoway.Path{"/ws": {Origins: []string{"*.example.com"}}}}, whoAmI())
	signed := token(t, auth.User{ID: "7"})
	ctx, cancel := context.WithTimeout(context.Background(), testpeer.Patience)
	defer cancel()
	ws, response, err := websocket.Dial(ctx, strings.Replace(url, "http", "ws", 1), &websocket.DialOptions{
		Subprotocols: []string{auth.SubprotocolPrefix + signed, "protoway.v1.json"},
		HTTPHeader:   http.Header{"Origin": {"https://app.example.com"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	if got := response.Header.Get("Sec-WebSocket-Protocol"); got != "protoway.v1.json" {
		t.Errorf("the server chose %q", got)
	}
}
