package protoway_test

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/internal/testpeer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/transport"
	"github.com/protoway/protoway/wire"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

// mode is how servers of tests read connections: the suite runs in both modes.
var mode = transport.Mode(os.Getenv("TEST_MODE"))

// secret signs the tokens and tickets of tests.
var secret = []byte("0123456789abcdef0123456789abcdef")

// start runs a server with receivers on one path, over real sockets.
func start(t testing.TB, config protoway.Config, list ...receivers.Receiver) (*protoway.Server, string) {
	t.Helper()
	if config.Paths == nil {
		config.Paths = map[string]protoway.Path{"/ws": {}}
	}
	path := config.Paths["/ws"]
	path.Receivers = append(path.Receivers, list...)
	config.Paths["/ws"] = path
	if config.Verifier == nil {
		config.Verifier = auth.HS256(secret)
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	config.Mode = cmp.Or(config.Mode, mode)
	server, err := protoway.New(config)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testpeer.Patience)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		web.Close()
	})
	return server, web.URL + "/ws"
}

// token returns an access token of a user.
func token(t testing.TB, user auth.User) string {
	t.Helper()
	signed, err := auth.NewIssuer(secret, auth.IssuerConfig{}).AccessToken(&user)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// as dials with the token of a user.
func as(t testing.TB, user auth.User) testpeer.Options {
	t.Helper()
	return testpeer.Options{Header: http.Header{"Authorization": {"Bearer " + token(t, user)}}}
}

// whoAmI answers with the user and shows that a connection still works.
func whoAmI() receivers.Receiver {
	return receivers.Reply(func(ctx context.Context, _ *testv1.WhoAmI) (*testv1.You, error) {
		return &testv1.You{User: consumer.From(ctx).User().ID}, nil
	})
}

// mustBe fails unless p is that user; "" is nobody.
func mustBe(t *testing.T, p *testpeer.Peer, user string) {
	t.Helper()
	ack := p.Call(&testv1.WhoAmI{})
	you, ok := ack.Value.(*testv1.You)
	if !ok || you.GetUser() != user {
		t.Fatalf("the connection is %v (%v), want %q", ack.Value, ack.Ack.Error, user)
	}
}

// notes handles Note with a function.
func notes(fn func(ctx context.Context, text string) error, opts ...receivers.Option) receivers.Receiver {
	return receivers.Handle(func(ctx context.Context, in *testv1.Note) error { return fn(ctx, in.GetText()) }, opts...)
}

func ok(t *testing.T, ack testpeer.Frame) {
	t.Helper()
	if ack.Ack.Error != nil {
		t.Fatalf("the ack says %v", ack.Ack.Error)
	}
}

func fails(t *testing.T, ack testpeer.Frame, code status.Code) {
	t.Helper()
	if ack.Code() != code {
		t.Fatalf("the ack says %v, want %v", ack.Ack.Error, code)
	}
}

// await waits for something to come out of a channel.
func await[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(testpeer.Patience):
		t.Fatalf("%s did not happen", what)
		panic("not reached")
	}
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(testpeer.Patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: it never became true", what)
		}
		<-time.After(time.Millisecond)
	}
}

// dialects are what every test that is about frames runs over.
var dialects = []wire.Dialect{wire.Protobuf, wire.JSON}

// fromServer are the messages that test peers understand.
var fromServer = []proto.Message{
	&testv1.Greeting{}, &testv1.You{}, &testv1.Event{}, &testv1.StaffEvent{}, &testv1.Confirm{}, &testv1.Chatter{},
}
