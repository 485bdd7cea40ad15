package load_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/cmd/internal/load"
	"github.com/protoway/protoway/consumer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// gateway is a server under load, and what it counts itself.
type gateway struct {
	url       string
	token     string
	greeted   atomic.Uint64
	published atomic.Uint64
	signedIn  atomic.Uint64
}

func (g *gateway) Greet(_ context.Context, in *testv1.Greet) (*testv1.Greeting, error) {
	g.greeted.Add(1)
	return &testv1.Greeting{Text: in.GetName()}, nil
}

// Note joins the group or tells it something.
func (g *gateway) Note(ctx context.Context, in *testv1.Note) error {
	me := consumer.From(ctx)
	if me.User().SignedIn() {
		g.signedIn.Add(1)
	}
	if in.GetText() == "join" {
		return me.Join(ctx, "room")
	}
	g.published.Add(1)
	return me.Broadcast(ctx, "room", &testv1.Event{Text: in.GetText()})
}

// start runs a gateway until the test ends.
func start(t *testing.T) *gateway {
	t.Helper()
	secret := []byte("0123456789abcdef0123456789abcdef")
	g := &gateway{}
	var err error
	if g.token, err = auth.NewIssuer(secret, auth.IssuerConfig{}).AccessToken(&auth.User{ID: "ada"}); err != nil {
		t.Fatal(err)
	}
	server, err := protoway.New(protoway.Config{
		Paths:    map[string]protoway.Path{"/ws": {Receivers: []receivers.Receiver{receivers.Discover(g)}}},
		Verifier: auth.HS256(secret), Logger: slog.New(slog.DiscardHandler),
		// The uuids of Proto Socket are keys, which are remembered.
		Limits: consumer.Limits{DedupePerUser: 1 << 20, DedupeTotal: 1 << 22},
	})
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
	g.url = strings.Replace(web.URL, "http", "ws", 1) + "/ws"
	return g
}

// startOpcode runs a server of the opcode protocol until the test ends.
func startOpcode(t *testing.T) string {
	t.Helper()
	var mu sync.Mutex // held while everybody hears a publication, in one order
	var serving sync.WaitGroup
	members := map[*websocket.Conn]bool{}
	say := func(ws *websocket.Conn, message []byte) {
		mu.Lock()
		defer mu.Unlock()
		to := map[*websocket.Conn]bool{ws: true}
		switch message[0] {
		case 'S':
			members[ws] = true
		case 'P':
			to = members
		}
		for c := range to {
			_ = c.Write(context.Background(), websocket.MessageBinary, message)
		}
	}
	forget := func(ws *websocket.Conn) {
		mu.Lock()
		defer mu.Unlock()
		delete(members, ws)
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serving.Add(1)
		defer serving.Done()
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = ws.CloseNow() }()
		for {
			_, message, err := ws.Read(r.Context())
			if err != nil {
				forget(ws)
				return
			}
			say(ws, message)
		}
	}))
	t.Cleanup(func() {
		web.Close()
		serving.Wait()
	})
	return strings.Replace(web.URL, "http", "ws", 1)
}

// script says what requests and publications are in a dialect.
func script(t *testing.T, dialect string) load.Script {
	t.Helper()
	s := load.Script{Event: "event"}
	body := func(m proto.Message, text string) []byte {
		if dialect != load.DialectBinary {
			return []byte(text)
		}
		b, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	s.Messages[load.Request] = load.Message{Type: "greet", Body: body(&testv1.Greet{Name: "ada"}, `{"name":"ada"}`)}
	s.Messages[load.Join] = load.Message{Type: "note", Body: body(&testv1.Note{Text: "join"}, `{"text":"join"}`)}
	s.Messages[load.Publish] = load.Message{Type: "note", Body: body(&testv1.Note{Text: "news"}, `{"text":"news"}`)}
	return s
}

// run runs a short measurement. Without errors, all that was begun must be done.
func run(t *testing.T, config load.Config) *load.Result {
	t.Helper()
	return runWith(t, load.Run, config)
}

func runWith(t *testing.T, measure func(context.Context, load.Config) (*load.Result, error), config load.Config) *load.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	config.Warmup, config.Duration = 20*time.Millisecond, 150*time.Millisecond
	result, err := measure(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// whole fails unless all that was begun is done, without errors.
func whole(t *testing.T, r *load.Result) {
	t.Helper()
	if len(r.Errors) > 0 || r.Begun != r.Done || r.Operations == 0 || r.Operations > r.Done {
		t.Errorf("begun %d, done %d, measured %d, errors %v", r.Begun, r.Done, r.Operations, r.Errors)
	}
}
