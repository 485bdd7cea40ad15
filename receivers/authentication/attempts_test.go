package authentication_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/protoway/protoway/auth"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/internal/testpeer"
	"github.com/protoway/protoway/receivers/authentication"
	"github.com/protoway/protoway/status"
)

// rare gives attempts that do not come back within a test.
func rare(user, address int) authentication.Attempts {
	return authentication.Attempts{PerUser: user, UserEvery: time.Hour, PerAddress: address, AddressEvery: time.Hour}
}

// throttled fails unless a login was refused for too many attempts, and not at all
// for who tried.
func throttled(t *testing.T, ack testpeer.Frame, within time.Duration) {
	t.Helper()
	if ack.Code() != status.ResourceExhausted {
		t.Fatalf("the ack says %v", ack.Ack.Error)
	}
	err := ack.Ack.Error
	if err.RetryAfter <= 0 || err.RetryAfter > within || err.RetryAfter%time.Second != 0 {
		t.Errorf("come again after %s", err.RetryAfter)
	}
	if !strings.HasPrefix(err.Text, "too many attempts to sign in: try again in ") || len(err.Details) > 1 {
		t.Errorf("it says %q, %v", err.Text, err.Details)
	}
}

// TestAttemptsPerUser: a name that nobody has is treated as one that somebody has.
func TestAttemptsPerUser(t *testing.T) {
	for _, name := range []string{"ada", "nobody"} {
		t.Run(name, func(t *testing.T) {
			s := open(t, auth.IssuerConfig{}, rare(3, -1), authentication.HTTP{})
			var texts []string
			for i, spelling := range []string{name, strings.ToUpper(name), " " + name} { // one name to many stores
				ack := s.dial(fmt.Sprint("203.0.113.", i), "").Call(&protowayv1.Login{Username: spelling, Password: "wrong"})
				if ack.Code() != status.Unauthenticated {
					t.Fatalf("attempt %d: %v", i+1, ack.Ack.Error)
				}
				texts = append(texts, ack.Ack.Error.Text)
			}
			if texts[0] != "Invalid login details." || texts[0] != texts[1] || texts[1] != texts[2] {
				t.Errorf("%q", texts)
			}
			p := s.dial("203.0.113.9", "")
			throttled(t, p.Call(&protowayv1.Login{Username: name, Password: "pw"}), time.Hour) // the right one, now
			s.is(p, "")
			s.login(p, "bob", "pw")
			web := s.post("/auth/token", `{"username":"`+name+`","password":"pw"}`)
			if web.StatusCode != http.StatusTooManyRequests || web.Header.Get("Retry-After") == "" {
				t.Errorf("over HTTP: %d %v", web.StatusCode, web.Header)
			}
		})
	}
}

// TestAttemptsPerAddress: behind a proxy it is the address of the client, also over
// HTTP, and one who takes it from a /64 takes nothing new.
func TestAttemptsPerAddress(t *testing.T) {
	s := open(t, auth.IssuerConfig{}, rare(-1, 4), authentication.HTTP{})
	bad := func(from, name string) testpeer.Frame {
		return s.dial(from, "").Call(&protowayv1.Login{Username: name, Password: "wrong"})
	}
	for _, addresses := range [][]string{
		{"203.0.113.7", "203.0.113.7", "198.51.100.1, 203.0.113.7"},
		{"2001:db8::1", "2001:db8::2", "2001:db8::ffff:3"},
	} {
		for i, from := range addresses {
			if ack := bad(from, fmt.Sprint("name", i)); ack.Code() != status.Unauthenticated {
				t.Fatalf("%s: %v", from, ack.Ack.Error)
			}
		}
		if ack := s.dial(addresses[0], "").Call(&protowayv1.RefreshToken{RefreshToken: "bad"}); ack.Code() != status.Unauthenticated {
			t.Fatalf("a bad refresh token: %v", ack.Ack.Error)
		}
		throttled(t, bad(addresses[0], "another name"), time.Hour)
		throttled(t, s.dial(addresses[1], "").Call(&protowayv1.RefreshToken{RefreshToken: "bad"}), time.Hour)
	}
	web := s.post("/auth/token/verify", `{"token":"bad"}`, "X-Forwarded-For", "203.0.113.7")
	if web.StatusCode != http.StatusTooManyRequests {
		t.Errorf("over HTTP: %d", web.StatusCode)
	}
	if ack := bad("203.0.113.8", "ada"); ack.Code() != status.Unauthenticated {
		t.Errorf("the neighbour: %v", ack.Ack.Error)
	}
}

// TestSuccessIsNoAttempt: whoever signs in rightly may do it as often as they like,
// and so may those for whom the store could not tell.
func TestSuccessIsNoAttempt(t *testing.T) {
	s := open(t, auth.IssuerConfig{}, rare(2, 2), authentication.HTTP{})
	p := s.dial("", "")
	for range 10 {
		tokens := s.login(p, "ada", "pw")
		s.tokens(p.Call(&protowayv1.RefreshToken{RefreshToken: tokens.GetRefresh()}))
		if web := s.post("/auth/token/verify", `{"token":"`+tokens.GetToken()+`"}`); web.StatusCode != http.StatusOK {
			t.Fatalf("verify: %d", web.StatusCode)
		}
	}
}

// TestAttemptsByDefault are bounded.
func TestAttemptsByDefault(t *testing.T) {
	s := open(t, auth.IssuerConfig{}, authentication.Attempts{}, authentication.HTTP{})
	p := s.dial("", "")
	for i := range 60 {
		ack := p.Call(&protowayv1.Login{Username: "ada", Password: "wrong"})
		if ack.Code() == status.ResourceExhausted {
			throttled(t, ack, 30*time.Second)
			if i < 10 {
				t.Errorf("after %d attempts", i)
			}
			return
		}
	}
	t.Error("60 attempts at once are not too many")
}

// TestAttemptsOfProtoSocket: these clients know a login that fails by a message.
func TestAttemptsOfProtoSocket(t *testing.T) {
	s := open(t, auth.IssuerConfig{}, rare(1, -1), authentication.HTTP{})
	p := testpeer.DialProtoSocket(t, s.url+"/ws", nil)
	for _, text := range []string{"Invalid login details.", "too many attempts to sign in: try again in 1h0m0s"} {
		p.Say(`{"headers":{"messageType":"login","ack":true,"uuid":"1` + text[:1] + `"},"body":{"username":"x","password":"y"}}`)
		p.Expect(testpeer.ProtoSocketFrame("login-error", "1"+text[:1], map[string]any{"errorText": text, "errorCode": "login-error"}),
			testpeer.ProtoSocketAck("1"+text[:1], nil))
	}
}

func TestBuckets(t *testing.T) {
	b := authentication.NewBuckets(2, time.Second)
	for _, tc := range []struct {
		at, wait time.Duration
	}{
		{0, 0},
		{0, 0},
		{0, time.Second},
		{500 * time.Millisecond, 500 * time.Millisecond},
		{time.Second, 0},
		{time.Second, time.Second},
		{2500 * time.Millisecond, 0}, // of another generation
		{2500 * time.Millisecond, 500 * time.Millisecond},
		{time.Hour, 0},
		{time.Hour, 0},
		{time.Hour, time.Second},
	} {
		if got := b.Take(1, tc.at); got != tc.wait {
			t.Errorf("at %s: wait %s, want %s", tc.at, got, tc.wait)
		}
	}
	b.GiveBack(1)
	if got := b.Take(1, time.Hour); got != 0 {
		t.Errorf("what was given back: wait %s", got)
	}
	if got := b.Take(2, time.Hour); got != 0 {
		t.Errorf("another key: wait %s", got)
	}
}

// TestBucketsAreBounded: whoever tries many names makes the process keep so many.
func TestBucketsAreBounded(t *testing.T) {
	const many = authentication.MaxBuckets + 10
	b := authentication.NewBuckets(1, time.Hour)
	for key := range many {
		if wait := b.Take(key, 0); wait > 0 && key <= authentication.MaxBuckets {
			t.Fatalf("key %d: wait %s", key, wait)
		}
	}
	if b.Len() > authentication.MaxBuckets {
		t.Errorf("%d buckets are kept", b.Len())
	}
	if b.Take(0, 0) == 0 || b.Take(many, 0) == 0 {
		t.Error("a full table forgets who has tried, or lets others try as they like")
	}
	b.GiveBack(many)
	if b.Take(many+1, 0) != 0 {
		t.Error("the room of the others is not given back")
	}
	for generation := range 3 {
		b.Take(1, time.Duration(generation+1)*3*time.Hour)
	}
	if b.Len() > 2 {
		t.Errorf("%d buckets are kept after a while", b.Len())
	}
}
