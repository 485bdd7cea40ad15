package client_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	client "github.com/protoway/protoway/clients/go"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/metrics"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// secret signs the tokens and tickets of tests.
var secret = []byte("0123456789abcdef0123456789abcdef")

// dialects are what every test that is about frames runs over.
var dialects = []wire.Dialect{wire.Protobuf, wire.JSON}

// gateway is a server over real sockets.
type gateway struct {
	*protoway.Server
	url string
}

func serve(t testing.TB, config protoway.Config, list ...receivers.Receiver) *gateway {
	t.Helper()
	config.Paths = map[string]protoway.Path{"/ws": {Receivers: list}}
	config.Verifier, config.Secret = auth.HS256(secret), secret
	config.Logger, config.Observer = slog.New(slog.DiscardHandler), metrics.Nop{}
	server, err := protoway.New(config)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		web.Close()
	})
	return &gateway{server, strings.Replace(web.URL, "http", "ws", 1) + "/ws"}
}

// dial connects, and closes at the end of the test.
func (g *gateway) dial(t testing.TB, opts ...client.Option) *client.Conn {
	t.Helper()
	conn, err := client.Dial(deadline(t), g.url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		await(t, "the end of the last handler", conn.Done())
	})
	return conn
}

// deadline returns a context that ends when the test has waited long enough.
func deadline(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// await returns what comes out of a channel.
func await[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not come", what)
		panic("not reached")
	}
}

// token returns a token of a user.
func token(t testing.TB, user string) string {
	t.Helper()
	signed, err := auth.NewIssuer(secret, auth.IssuerConfig{}).AccessToken(&auth.User{ID: user})
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// greet answers with a greeting.
func greet() receivers.Receiver {
	return receivers.Reply(func(_ context.Context, in *testv1.Greet) (*testv1.Greeting, error) {
		return &testv1.Greeting{Text: "hello " + in.GetName()}, nil
	})
}

// onNote handles Note.
func onNote(fn func(ctx context.Context, text string) error) receivers.Receiver {
	return receivers.Handle(func(ctx context.Context, in *testv1.Note) error { return fn(ctx, in.GetText()) })
}
