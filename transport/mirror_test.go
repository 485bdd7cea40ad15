package transport_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/consumer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/transport"
	"github.com/protoway/protoway/wire"
)

// mirror is a dialect in which every message of the transport is a Chatter, so
// that a server can be spoken to in bytes.
type mirror struct {
	text    bool
	catalog *wire.Catalog
}

var mirrors = []wire.Dialect{mirror{text: true}, mirror{}}

func (m mirror) Name() string { return m.Subprotocol() }

func (m mirror) Subprotocol() string {
	if m.text {
		return "mirror.text"
	}
	return "mirror.binary"
}

func (m mirror) Text() bool    { return m.text }
func (mirror) Joins() bool     { return false }
func (mirror) Handshake() bool { return false }

func (m mirror) Open(catalog *wire.Catalog, _ wire.Side) wire.Session {
	return mirror{m.text, catalog}
}

func (m mirror) Decode(message []byte, text bool, handle func(*wire.Frame)) {
	f := wire.Frame{Kind: wire.KindMessage, Message: wire.Message{Type: "chatter", Payload: message}}
	if text != m.text {
		f.Message.Payload = []byte("/wrong kind of message")
	}
	entry, err := m.catalog.Of(&testv1.Chatter{})
	if err != nil {
		panic(err)
	}
	f.Message.Entry = entry
	handle(&f)
}

func (mirror) Unmarshal(payload []byte, m proto.Message) error {
	m.(*testv1.Chatter).Text = string(payload)
	return nil
}

func (mirror) LaneValue(dst []byte, _ *wire.Entry, _ []byte) []byte { return dst }

func (mirror) Append(dst []byte, f *wire.Frame) ([]byte, error) {
	if said, ok := f.Message.Value.(*testv1.Chatter); ok {
		dst = append(dst, said.GetText()...)
	}
	return dst, nil
}

func (m mirror) AppendPublication(dst []byte, _ *wire.Catalog, f *wire.Frame) ([]byte, error) {
	said := &testv1.Chatter{}
	if f.Message.Value == nil {
		if err := proto.Unmarshal(f.Message.Payload, said); err != nil {
			return dst, err
		}
		f = &wire.Frame{Message: wire.Message{Value: said}}
	}
	return m.Append(dst, f)
}

const (
	nothing   = "(nothing)" // what an empty message is answered
	floodSize = 64 << 10    // of one message of a flood
)

// reflect answers every message with itself, and does what some of them say.
func reflect(ctx context.Context, in *testv1.Chatter) error {
	handle := consumer.From(ctx)
	what, rest, _ := strings.Cut(in.GetText(), " ")
	switch what {
	case "":
		return handle.Send(ctx, &testv1.Chatter{Text: nothing})
	case "/close":
		handle.Close(rest, true)
		return nil
	case "/flood": // so many messages, each of which begins with its number
		count, err := strconv.Atoi(rest)
		for i := range count {
			if err := handle.Send(ctx, &testv1.Chatter{Text: floodMessage(i)}); err != nil {
				return err
			}
		}
		return err
	}
	return handle.Send(ctx, &testv1.Chatter{Text: in.GetText()})
}

func floodMessage(i int) string {
	begin := fmt.Sprintf("%08d ", i)
	return begin + strings.Repeat(string(rune('a'+i%26)), floodSize-len(begin))
}

// way is one in which a server reads its connections.
type way struct {
	name string
	mode transport.Mode
	tls  bool
}

var ways = []way{{"event", transport.Event, false}, {"goroutine", transport.Goroutine, false}, {"tls", transport.Event, true}}

// site is a server under test.
type site struct {
	way
	*testing.T // of the way

	server *protoway.Server
	web    *httptest.Server
	closed chan consumer.CloseCode
	client *tls.Config
}

// inEachWay runs a test against a server in each mode, and over TLS.
func inEachWay(t *testing.T, limits consumer.Limits, test func(s *site)) {
	t.Helper()
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			s := newSite(t, w, limits)
			s.T = t
			test(s)
		})
	}
}

// siteWorkers run the receivers of a site; they stay once they were needed.
const siteWorkers = 16

func newSite(t testing.TB, w way, limits consumer.Limits, more ...receivers.Receiver) *site {
	t.Helper()
	s := &site{way: w, closed: make(chan consumer.CloseCode, 10_000)}
	s.client = &tls.Config{InsecureSkipVerify: true, ClientSessionCache: tls.NewLRUClientSessionCache(0)} // half the handshakes' cost
	limits.MaxInFlight, limits.InFlightBytes = 1<<16, 64<<20
	if limits.OutboxBytes == 0 {
		limits.OutboxBytes = 64 << 20
	}
	server, err := protoway.New(protoway.Config{
		Paths: map[string]protoway.Path{"/ws": {
			Receivers: append(more, receivers.Handle(reflect)), Dialects: mirrors, Groups: []string{"all"},
		}},
		Mode: w.mode, Limits: limits, Observer: closings{codes: s.closed}, Logger: slog.New(slog.DiscardHandler),
		WithoutSystem: true, Pools: consumer.Pools{SyncWorkers: siteWorkers, SyncQueue: 1 << 16},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.server = server
	if w.tls {
		s.web = httptest.NewTLSServer(server)
	} else {
		s.web = httptest.NewServer(server)
	}
	t.Cleanup(s.end)
	return s
}

// end shuts the server down; the second call does nothing.
func (s *site) end() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = s.server.Shutdown(ctx)
	s.web.CloseClientConnections()
	s.web.Close()
}

// endsWith fails unless the next connection that ends does so with code.
func (s *site) endsWith(t testing.TB, code consumer.CloseCode) {
	t.Helper()
	select {
	case got := <-s.closed:
		if got != code {
			t.Errorf("the consumer was closed with %v, want %v", got, code)
		}
	case <-time.After(patience):
		t.Fatal("the consumer was not closed")
	}
}

// connect opens a TCP connection, with TLS if the server has it.
func (s *site) connect(t testing.TB) (conn net.Conn, tcp *net.TCPConn) {
	t.Helper()
	plain, err := net.Dial("tcp", s.web.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = plain.Close() })
	if err := plain.SetDeadline(time.Now().Add(2 * patience)); err != nil {
		t.Fatal(err)
	}
	tcp = plain.(*net.TCPConn)
	if !s.tls {
		return plain, tcp
	}
	return tls.Client(plain, s.client), tcp
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: it never became true", what)
		}
		<-time.After(time.Millisecond)
	}
}
