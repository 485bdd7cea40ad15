// Package testpeer is a client for the project's own tests: it speaks frames,
// well-formed or not, over a real WebSocket.
package testpeer

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/protobuf/proto"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// Patience is how long a test waits for what must come.
const Patience = 20 * time.Second

// Peer is a client of a server under test.
type Peer struct {
	t       testing.TB
	ws      *websocket.Conn
	dialect wire.Dialect
	catalog *wire.Catalog
	session wire.Session
	read    sync.WaitGroup

	mu     sync.Mutex // guards what follows
	came   []Frame
	ended  error
	news   chan struct{} // closed and made anew whenever something came
	lastID uint64

	largest, messages int // of the transport
}

// Frame is what came from the server.
type Frame struct {
	wire.Frame
	Value proto.Message // of a message or a reply
}

// Options say how to dial. The zero value is the native binary dialect.
type Options struct {
	Dialect wire.Dialect
	Header  http.Header
	Hello   *protowayv1.Hello // nil: an empty one
	Silent  bool              // say no hello
}

// Dial connects to url, says hello and waits for Welcome. Messages are those
// that the server may send, by example.
func Dial(t testing.TB, url string, o Options, messages ...proto.Message) *Peer {
	t.Helper()
	p, err := TryDial(t, url, o, messages...)
	if err != nil {
		t.Fatal(err)
	}
	if o.Silent {
		return p
	}
	hello := o.Hello
	if hello == nil {
		hello = &protowayv1.Hello{}
	}
	p.Write(&wire.Frame{Kind: wire.KindHello, Control: hello})
	p.Await("welcome", func(f *Frame) bool { return f.Kind == wire.KindWelcome })
	return p
}

// TryDial connects to url and says nothing.
func TryDial(t testing.TB, url string, o Options, messages ...proto.Message) (*Peer, error) {
	t.Helper()
	if o.Dialect == nil {
		o.Dialect = wire.Protobuf
	}
	catalog := wire.NewCatalog(nil)
	for _, m := range messages {
		if _, err := catalog.Of(m); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	ws, response, err := websocket.Dial(ctx, strings.Replace(url, "http", "ws", 1), &websocket.DialOptions{
		Subprotocols: []string{o.Dialect.Subprotocol()}, HTTPHeader: o.Header,
	})
	if response != nil && response.Body != nil {
		_ = response.Body.Close()
	}
	if err != nil {
		return nil, err
	}
	ws.SetReadLimit(64 << 20)
	p := &Peer{t: t, ws: ws, dialect: o.Dialect, catalog: catalog, session: o.Dialect.Open(catalog, wire.ClientSide), news: make(chan struct{})}
	p.read.Add(1)
	go p.readAll()
	t.Cleanup(p.Close)
	return p, nil
}

// Close ends the connection.
func (p *Peer) Close() {
	_ = p.ws.CloseNow()
	p.read.Wait()
}

func (p *Peer) readAll() {
	defer p.read.Done()
	for {
		kind, message, err := p.ws.Read(context.Background())
		if err != nil {
			p.note(func() { p.ended = err })
			return
		}
		p.note(func() { p.largest, p.messages = max(p.largest, len(message)), p.messages+1 })
		p.session.Decode(message, kind == websocket.MessageText, func(f *wire.Frame) { p.take(f) })
	}
}

func (p *Peer) take(f *wire.Frame) {
	got := Frame{Frame: *f}
	for _, m := range []*wire.Message{&got.Message, &got.Ack.Reply} {
		if m.Entry != nil {
			got.Value = m.Entry.Message.New().Interface()
			if err := p.session.Unmarshal(m.Payload, got.Value); err != nil {
				p.t.Errorf("the server sent %q, which cannot be decoded: %v", m.Type, err)
			}
		}
	}
	p.note(func() { p.came = append(p.came, got) })
}

// note records something and wakes who waits.
func (p *Peer) note(record func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	record()
	close(p.news)
	p.news = make(chan struct{})
}

// Write sends a frame.
func (p *Peer) Write(f *wire.Frame) {
	p.t.Helper()
	encoded, err := p.session.Append(nil, f)
	if err != nil {
		p.t.Fatal(err)
	}
	p.WriteRaw(encoded)
}

// WriteRaw sends a message of the transport.
func (p *Peer) WriteRaw(message []byte) {
	p.t.Helper()
	kind := websocket.MessageBinary
	if p.dialect.Text() {
		kind = websocket.MessageText
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if err := p.ws.Write(ctx, kind, message); err != nil {
		p.t.Errorf("write: %v", err)
	}
}

// Ping waits for a pong and returns how long it took.
func (p *Peer) Ping() time.Duration {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	began := time.Now()
	if err := p.ws.Ping(ctx); err != nil {
		p.t.Fatalf("ping: %v", err)
	}
	return time.Since(began)
}

// Option changes a message that is sent.
type Option func(*wire.Frame)

// Key gives a message a key.
func Key(key string) Option { return func(f *wire.Frame) { f.Message.Key = key } }

// Re makes a message belong to a request of the server.
func Re(id uint64) Option { return func(f *wire.Frame) { f.Re = id } }

// Send sends a message and returns the id of its frame.
func (p *Peer) Send(m proto.Message, opts ...Option) uint64 {
	p.t.Helper()
	e, err := wire.NewCatalog(nil).Of(m)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	p.lastID++
	f := wire.Frame{ID: p.lastID, Kind: wire.KindMessage, Message: wire.Message{Type: e.Type, Value: m}}
	p.mu.Unlock()
	for _, opt := range opts {
		opt(&f)
	}
	p.Write(&f)
	return f.ID
}

// Call sends a message and returns its ack.
func (p *Peer) Call(m proto.Message, opts ...Option) Frame {
	p.t.Helper()
	return p.AwaitAck(p.Send(m, opts...))
}

// AwaitAck waits for the ack of a frame.
func (p *Peer) AwaitAck(id uint64) Frame {
	p.t.Helper()
	return p.Await(fmt.Sprintf("ack of %d", id), func(f *Frame) bool { return f.Kind == wire.KindAck && f.Re == id })
}

// AwaitMessage waits for a message of a type.
func (p *Peer) AwaitMessage(kind string) Frame {
	p.t.Helper()
	return p.Await(kind, func(f *Frame) bool { return f.Kind == wire.KindMessage && f.Message.Type == kind })
}

// Await waits for a frame that is wanted, which is then taken away.
func (p *Peer) Await(what string, wanted func(*Frame) bool) Frame {
	p.t.Helper()
	deadline := time.After(Patience)
	for {
		p.mu.Lock()
		for i := range p.came {
			if wanted(&p.came[i]) {
				got := p.came[i]
				p.came = append(p.came[:i:i], p.came[i+1:]...)
				p.mu.Unlock()
				return got
			}
		}
		news, ended, came := p.news, p.ended, len(p.came)
		p.mu.Unlock()
		if ended != nil {
			p.t.Fatalf("the connection ended while waiting for %s: %v", what, ended)
		}
		select {
		case <-news:
		case <-deadline:
			p.t.Fatalf("%s did not come; %d other frames did: %v", what, came, p.Came())
		}
	}
}

// AwaitEnd waits until the connection has ended and returns its close code.
func (p *Peer) AwaitEnd() int {
	p.t.Helper()
	deadline := time.After(Patience)
	for {
		p.mu.Lock()
		news, ended := p.news, p.ended
		p.mu.Unlock()
		if ended != nil {
			return int(websocket.CloseStatus(ended))
		}
		select {
		case <-news:
		case <-deadline:
			p.t.Fatal("the connection did not end")
		}
	}
}

// TakeAll waits for news and takes away all that has come.
func (p *Peer) TakeAll() []Frame {
	p.t.Helper()
	deadline := time.After(Patience)
	for {
		p.mu.Lock()
		came, news, ended := p.came, p.news, p.ended
		p.came = nil
		p.mu.Unlock()
		if len(came) > 0 {
			return came
		}
		if ended != nil {
			p.t.Fatalf("the connection ended while waiting for frames: %v", ended)
		}
		select {
		case <-news:
		case <-deadline:
			p.t.Fatal("no frame came")
		}
	}
}

// Came returns the frames that came and were not taken away, in their order.
func (p *Peer) Came() []Frame {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Frame(nil), p.came...)
}

// Largest returns the size of the largest message of the transport that came,
// and how many came.
func (p *Peer) Largest() (size, count int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.largest, p.messages
}

// Code returns how an ack ended.
func (f Frame) Code() status.Code {
	if f.Ack.Error == nil {
		return status.OK
	}
	return f.Ack.Error.Code
}

// Text returns what an ack says was wrong.
func (f Frame) Text() string {
	if f.Ack.Error == nil {
		return ""
	}
	return f.Ack.Error.Text
}
