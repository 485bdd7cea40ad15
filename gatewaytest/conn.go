package gatewaytest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	client "github.com/protoway/protoway/clients/go"
	"github.com/protoway/protoway/wire"
)

// Conn is a connection to a server under test. What comes from the server and
// has no handler is kept for [Next].
type Conn struct {
	*client.Conn

	catalog *wire.Catalog
	session wire.Session // decodes what was kept

	mu   sync.Mutex // guards what follows
	kept []keptMessage
	news chan struct{} // closed and made anew whenever something is kept
}

// keptMessage is a message as it came.
type keptMessage struct {
	kind    string
	payload []byte
}

func newConn(dialect wire.Dialect) *Conn {
	c := &Conn{catalog: wire.NewCatalog(nil), news: make(chan struct{})}
	c.session = dialect.Open(c.catalog, wire.ClientSide)
	return c
}

// keep keeps a message that nobody handles.
func (c *Conn) keep(_ context.Context, kind string, payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = append(c.kept, keptMessage{kind, payload})
	close(c.news)
	c.news = make(chan struct{})
}

// take returns the first message of a kind and forgets it. If there is none, it
// returns the kinds of what there is, and when to look again.
func (c *Conn) take(kind string) (payload []byte, found bool, others []string, news <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, m := range c.kept {
		if m.kind == kind {
			c.kept = slices.Delete(c.kept, i, i+1)
			return m.payload, true, nil, nil
		}
		others = append(others, m.kind)
	}
	return nil, false, others, c.news
}

// end ends the connection and waits for its handlers.
func (c *Conn) end(t testing.TB) {
	t.Helper()
	_ = c.Close()
	select {
	case <-c.Done():
	case <-time.After(patience):
		t.Errorf("gatewaytest: a handler of the client still runs: it must end when its context does")
	}
}

// Next returns the first M that came to conn, has no handler and was not
// returned before. It waits for one, and ends the test when none comes within
// ten seconds or the connection ends. What another type came before is passed by
// and stays.
func Next[M proto.Message](t testing.TB, conn *Conn) M {
	t.Helper()
	var example M
	e, err := conn.catalog.Of(example)
	if err != nil {
		t.Fatalf("gatewaytest: Next: %v", err)
	}
	timeout, ended := time.After(patience), false
	for {
		payload, found, others, news := conn.take(e.Type)
		switch {
		case found:
			return decode[M](t, conn, e, payload)
		case ended:
			t.Fatalf("gatewaytest: no %q came and the connection has ended (%v); there is %s", e.Type, conn.Err(), list(others))
		}
		select {
		case <-news:
		case <-conn.Done():
			ended = true // after one more look: something may have come in between
		case <-timeout:
			t.Fatalf("gatewaytest: no %q came; there is %s", e.Type, list(others))
		}
	}
}

func decode[M proto.Message](t testing.TB, conn *Conn, e *wire.Entry, payload []byte) M {
	t.Helper()
	m := e.Message.New().Interface()
	if err := conn.session.Unmarshal(payload, m); err != nil {
		t.Fatalf("gatewaytest: %q is not valid: %v", e.Type, err)
	}
	return m.(M)
}

func list(kinds []string) string {
	if len(kinds) == 0 {
		return "nothing"
	}
	return strings.Join(kinds, ", ")
}
