package transport

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/broadcast"
	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/metrics"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tape is a dialect that writes down which messages come, and a network that
// writes down what is sent.
type tape struct {
	messages []string // as fmt.Sprintf("%v %x", text, message)

	mu     sync.Mutex // guards what follows
	room   int        // how much the network takes; below 0: everything
	out    []byte
	waits  bool // a connection wants to know when there is room
	shutOf []string
	closed bool
}

var (
	_ wire.Dialect = (*tape)(nil)
	_ wire.Session = (*tape)(nil)
	_ end          = (*tape)(nil)
)

func (*tape) Name() string        { return "tape" }
func (*tape) Subprotocol() string { return "tape" }
func (*tape) Text() bool          { return false }
func (*tape) Joins() bool         { return false }
func (*tape) Handshake() bool     { return true }

func (p *tape) Open(*wire.Catalog, wire.Side) wire.Session { return p }

func (*tape) AppendPublication(dst []byte, _ *wire.Catalog, _ *wire.Frame) ([]byte, error) {
	return dst, nil
}

func (p *tape) Decode(message []byte, text bool, _ func(*wire.Frame)) {
	p.messages = append(p.messages, fmt.Sprintf("%v %x", text, message))
}
func (*tape) Unmarshal([]byte, proto.Message) error                        { return nil }
func (*tape) LaneValue(dst []byte, _ *wire.Entry, _ []byte) []byte         { return dst }
func (*tape) Append(dst []byte, _ *wire.Frame) (message []byte, err error) { return dst, nil }

func (p *tape) tryWrite(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(b)
	if p.room >= 0 {
		n = min(n, p.room)
		p.room -= n
	}
	p.out = append(p.out, b[:n]...)
	return n, nil
}

func (p *tape) await(*conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waits = true
}

func (p *tape) shut()     { p.ends("shut") }
func (p *tape) shutRead() { p.ends("shutRead") }

func (p *tape) ends(how string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shutOf = append(p.shutOf, how)
}

func (p *tape) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
}

// pieces is a network that has something in pieces.
type pieces [][]byte

func (p *pieces) read(b []byte) (int, error) {
	if len(*p) == 0 {
		return 0, errEmpty
	}
	n := copy(b, (*p)[0])
	if (*p)[0] = (*p)[0][n:]; len((*p)[0]) == 0 {
		*p = (*p)[1:]
	}
	return n, nil
}

// station opens connections on tapes.
type station struct {
	node *consumer.Node
	path *consumer.Path
}

func newStation(t testing.TB) *station {
	t.Helper()
	catalog, logger := wire.NewCatalog(nil), slog.New(slog.DiscardHandler)
	registry, err := receivers.NewRegistry(receivers.Config{Catalog: catalog})
	if err != nil {
		t.Fatal(err)
	}
	tickets, err := broadcast.NewTickets(nil, "test")
	if err != nil {
		t.Fatal(err)
	}
	hub, err := broadcast.NewHub(context.Background(), broadcast.NewMemory(), catalog, metrics.Nop{}, logger)
	if err != nil {
		t.Fatal(err)
	}
	s := &station{path: &consumer.Path{Name: "/ws", Router: registry, Lifecycles: registry.Lifecycles}}
	s.node = consumer.NewNode(consumer.Config{
		Catalog: catalog, Hub: hub, Tickets: tickets, Verifier: auth.First(),
		Store: auth.NewMemoryStore(auth.MemoryConfig{}), Observer: metrics.Nop{}, Logger: logger,
	})
	t.Cleanup(func() {
		s.node.Close()
		_ = hub.Close(context.Background())
	})
	return s
}

// taped is a connection on a tape.
type taped struct {
	*conn
	*tape
	done chan struct{}
}

func (s *station) open(limits *readLimits) *taped {
	p := &taped{tape: &tape{room: -1}, done: make(chan struct{})}
	p.conn = &conn{limits: limits, end: p.tape, ended: func() { close(p.done) }}
	s.node.Open(p.conn, consumer.Opening{Path: s.path, Dialect: p.tape})
	return p
}

// stop ends a connection that did not end by itself.
func (p *taped) stop() {
	p.finish(consumer.CloseAbnormal)
	<-p.done
}

// feedAll feeds bytes, cut into pieces, through a scratch buffer of a size.
func (p *taped) feedAll(b []byte, cuts []int, scratch int) {
	var network pieces
	b, begin := bytes.Clone(b), 0
	for _, cut := range append(cuts, len(b)) {
		if cut = min(cut, len(b)); cut > begin {
			network = append(network, b[begin:cut])
			begin = cut
		}
	}
	buffer := make([]byte, scratch)
	for len(network) > 0 && p.isOpen() {
		p.readOnce(&network, buffer)
	}
}

// result is all that can be seen of a connection.
func (p *taped) result() string {
	p.conn.mu.Lock()
	defer p.conn.mu.Unlock()
	return fmt.Sprintf("messages %s\nout %x\ncode %v, gone %v, over %v, partial %v",
		strings.Join(p.messages, ", "), p.tape.out, p.code, p.gone, p.over, p.partial.Load() != 0)
}

// masked spells a client's frame.
func masked(first byte, payload []byte, mask string) []byte {
	form := 1
	if len(payload) > 0xFFFF {
		form = 9
	} else if len(payload) > maxControl {
		form = 3
	}
	b := head(first, uint64(len(payload)), form, mask)
	b = append(b, payload...)
	unmask(b[len(b)-len(payload):], binary.LittleEndian.Uint32([]byte(mask)))
	return b
}
