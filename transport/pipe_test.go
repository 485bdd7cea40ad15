package transport_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/broadcast"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/metrics"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/transport"
	"github.com/protoway/protoway/wire"
)

const patience = 10 * time.Second

// closings is an observer that is told how connections end.
type closings struct {
	metrics.Nop
	codes chan consumer.CloseCode
}

func (c closings) Closed(_, _ string, code consumer.CloseCode) { c.codes <- code }

// gateway is a node with one path.
type gateway struct {
	node    *consumer.Node
	path    *consumer.Path
	catalog *wire.Catalog
	closed  chan consumer.CloseCode
	ends    []*transport.PipeEnd
}

func newGateway(t *testing.T, limits consumer.Limits, list ...receivers.Receiver) *gateway {
	t.Helper()
	g := &gateway{catalog: wire.NewCatalog(nil), closed: make(chan consumer.CloseCode, 16)}
	logger, observer := slog.New(slog.DiscardHandler), closings{codes: g.closed}
	registry, err := receivers.NewRegistry(receivers.Config{Catalog: g.catalog, Receivers: list})
	if err != nil {
		t.Fatal(err)
	}
	tickets, err := broadcast.NewTickets(nil, "test")
	if err != nil {
		t.Fatal(err)
	}
	hub, err := broadcast.NewHub(t.Context(), broadcast.NewMemory(), g.catalog, observer, logger)
	if err != nil {
		t.Fatal(err)
	}
	g.node = consumer.NewNode(consumer.Config{
		Catalog: g.catalog, Hub: hub, Tickets: tickets, Verifier: auth.First(),
		Store: auth.NewMemoryStore(auth.MemoryConfig{}), Observer: observer, Logger: logger, Limits: limits,
	})
	g.path = &consumer.Path{Name: "/ws", Router: registry, Lifecycles: registry.Lifecycles}
	t.Cleanup(func() {
		for _, end := range g.ends {
			_ = end.Close(1000, "")
			<-end.Done()
		}
		g.node.Close()
		_ = hub.Close(context.Background())
		goleak.VerifyNone(t)
	})
	return g
}

// peer speaks frames over a pipe.
type peer struct {
	*testing.T
	end  *transport.PipeEnd
	wire wire.Session
}

// dial opens a pipe and says hello.
func (g *gateway) dial(t *testing.T) *peer {
	t.Helper()
	opening := consumer.Opening{Path: g.path, Dialect: wire.Protobuf, RemoteAddr: "pipe"}
	p := &peer{t, transport.Pipe(g.node, opening), wire.Protobuf.Open(g.catalog, wire.ClientSide)}
	g.ends = append(g.ends, p.end)
	p.send(wire.Frame{Kind: wire.KindHello, Control: &protowayv1.Hello{}})
	if f := p.read(); f.Kind != wire.KindWelcome {
		t.Fatalf("the first frame is %s", f.Kind)
	}
	return p
}

func (p *peer) send(f wire.Frame) {
	p.Helper()
	encoded, err := p.wire.Append(nil, &f)
	if err != nil {
		p.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.end.Write(ctx, encoded, false); err != nil {
		p.Fatal(err)
	}
}

// say sends a message with an id.
func (p *peer) say(id uint64, m proto.Message) {
	p.Helper()
	e, err := wire.NewCatalog(nil).Of(m)
	if err != nil {
		p.Fatal(err)
	}
	p.send(wire.Frame{ID: id, Kind: wire.KindMessage, Message: wire.Message{Type: e.Type, Value: m}})
}

// read returns the first frame of the next message.
func (p *peer) read() wire.Frame {
	p.Helper()
	message, err := p.readRaw()
	if err != nil {
		p.Fatal(err)
	}
	var first *wire.Frame
	p.wire.Decode(message, false, func(f *wire.Frame) {
		if first == nil {
			c := *f
			first = &c
		}
	})
	return *first
}

func (p *peer) readRaw() ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	message, _, err := p.end.Read(ctx)
	return message, err
}

// lastError reads until the end and returns how the pipe ended.
func (p *peer) lastError() *transport.PipeError {
	p.Helper()
	for {
		_, err := p.readRaw()
		var ended *transport.PipeError
		switch {
		case errors.As(err, &ended):
			return ended
		case err != nil:
			p.Fatal(err)
		}
	}
}

// wasClosed fails unless the next connection that ends does so with code.
func (g *gateway) wasClosed(t *testing.T, code consumer.CloseCode) {
	t.Helper()
	select {
	case got := <-g.closed:
		if got != code {
			t.Errorf("the consumer was closed with %v, want %v", got, code)
		}
	case <-time.After(patience):
		t.Fatal("the consumer was not closed")
	}
}

func greet() receivers.Receiver {
	return receivers.Reply(func(_ context.Context, in *testv1.Greet) (*testv1.Greeting, error) {
		return &testv1.Greeting{Text: "hello " + in.GetName()}, nil
	})
}

func TestPipeCarriesFrames(t *testing.T) {
	g := newGateway(t, consumer.Limits{}, greet())
	p := g.dial(t)
	p.say(7, &testv1.Greet{Name: "Ada"})
	ack := p.read()
	var reply testv1.Greeting
	if err := p.wire.Unmarshal(ack.Ack.Reply.Payload, &reply); err != nil || ack.Re != 7 || reply.GetText() != "hello Ada" {
		t.Fatalf("ack %+v, reply %v, %v", ack, &reply, err)
	}
}

func TestPipeClosedByClientDeliversWhatWasSent(t *testing.T) {
	notes := make(chan string, 100)
	note := receivers.Handle(func(_ context.Context, in *testv1.Note) error {
		notes <- in.GetText()
		return nil
	})
	g := newGateway(t, consumer.Limits{}, note)
	p := g.dial(t)
	p.send(wire.Frame{Kind: wire.KindMessage, Message: wire.Message{Type: "note", Key: "kept", Value: &testv1.Note{Text: "last words"}}})
	_ = p.end.Close(4321, "enough")
	g.wasClosed(t, 4321)
	select {
	case got := <-notes:
		if got != "last words" {
			t.Errorf("got %q", got)
		}
	case <-time.After(patience):
		t.Error("what was written before Close was lost")
	}
	if err := p.end.Write(t.Context(), []byte("x"), false); err == nil {
		t.Error("a closed pipe took a message")
	}
	if ended := p.lastError(); ended.Code != 4321 || ended.Reason != "enough" {
		t.Errorf("read says %v", ended)
	}
}

func TestPipeClosedByServerDeliversCodeAndReason(t *testing.T) {
	bye := receivers.Handle(func(ctx context.Context, _ *testv1.Note) error {
		consumer.From(ctx).Close("go away", false)
		return nil
	})
	g := newGateway(t, consumer.Limits{}, bye)
	p := g.dial(t)
	p.say(1, &testv1.Note{})
	ended := p.lastError()
	code, reason := ended.Closed()
	if code != int(consumer.CloseDisconnected) || reason != "go away" {
		t.Errorf("read says %v", ended)
	}
	g.wasClosed(t, consumer.CloseDisconnected)
}

func TestPipeClientThatDoesNotReadIsCut(t *testing.T) {
	flood := receivers.Handle(func(ctx context.Context, _ *testv1.Note) error {
		event := &testv1.Event{Text: strings.Repeat("x", 60<<10)}
		for ctx.Err() == nil {
			if err := consumer.From(ctx).Send(ctx, event); err != nil {
				return err
			}
		}
		return status.Canceled.Errorf("the connection ended")
	})
	g := newGateway(t, consumer.Limits{OutboxBytes: 256 << 10, WriteTimeout: 300 * time.Millisecond}, flood)
	p := g.dial(t)
	p.say(1, &testv1.Note{}) // and from here on nothing is read
	g.wasClosed(t, consumer.CloseSlow)
	// Whether the code still fits into the pipe depends on who is faster.
	if ended := p.lastError(); ended.Code != consumer.CloseAbnormal && ended.Code != consumer.CloseSlow {
		t.Errorf("the client sees %v", ended)
	}
}

func TestPipeRefusesMessagesThatAreTooLarge(t *testing.T) {
	g := newGateway(t, consumer.Limits{MaxMessageBytes: 1 << 10}, greet())
	p := g.dial(t)
	if err := p.end.Write(t.Context(), make([]byte, 2<<10), false); err != nil {
		t.Fatal(err)
	}
	if ended := p.lastError(); ended.Code != consumer.CloseMessageBig {
		t.Errorf("read says %v", ended)
	}
	g.wasClosed(t, consumer.CloseMessageBig)
}

func TestPipeReadAndWriteEndWithTheirContext(t *testing.T) {
	g := newGateway(t, consumer.Limits{}, greet())
	p := g.dial(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := p.end.Read(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Read: %v", err)
	}
	p.say(1, &testv1.Greet{}) // the pipe is not hurt
	if ack := p.read(); ack.Re != 1 {
		t.Errorf("got %+v", ack)
	}
}

func TestHandlerWaitsForItsPipes(t *testing.T) {
	g := newGateway(t, consumer.Limits{}, greet())
	h := transport.New(transport.Config{Node: g.node, Path: g.path})
	end := h.Pipe(consumer.Opening{Dialect: wire.Protobuf})
	waited := make(chan struct{})
	go func() { h.Wait(); close(waited) }()
	select {
	case <-waited:
		t.Fatal("Wait returned with a pipe open")
	case <-end.Done():
		t.Fatal("the pipe ended")
	default:
	}
	_ = end.Close(1000, "")
	<-waited
	<-end.Done()
	g.wasClosed(t, consumer.CloseNormal)
}
