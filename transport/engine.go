package transport

import (
	"fmt"
	"net"
	"sync"

	"github.com/protoway/protoway/consumer"
)

// Mode says how connections are read.
type Mode string

// The modes.
const (
	// Auto is Event where that is possible, else Goroutine. It is what an empty
	// mode means.
	Auto Mode = "auto"
	// Event has a few goroutines for all connections: an idle one costs least. It
	// is for Linux, and for connections without TLS; those with TLS are read by
	// goroutines.
	Event Mode = "event"
	// Goroutine has one goroutine for each connection.
	Goroutine Mode = "goroutine"
)

// Check says whether this system has the mode.
func (m Mode) Check() error {
	switch {
	case m == Event && !eventMode:
		return fmt.Errorf("mode %q needs Linux: use %q", m, Auto)
	case m == "", m == Auto, m == Event, m == Goroutine:
		return nil
	default:
		return fmt.Errorf("mode %q is none: use %q, %q or %q", string(m), Auto, Event, Goroutine)
	}
}

// Engine reads and writes for the handlers of a server. It is ended by Close.
type Engine struct {
	mode   Mode
	limits *readLimits

	mu     sync.Mutex // guards what follows
	poller *poller    // nil until a connection needs it
	failed error      // why there is none
}

// NewEngine returns an engine that reads messages of at most maxMessage bytes.
func NewEngine(mode Mode, maxMessage int) *Engine {
	return &Engine{mode: mode, limits: newReadLimits(maxMessage)}
}

// Close ends the engine. It comes when no connection is left.
func (e *Engine) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.poller != nil {
		e.poller.stop()
		e.poller = nil
	}
}

// events returns the poller, which is started for the first connection; nil if
// connections are read by goroutines.
func (e *Engine) events() (*poller, error) {
	if e.mode == Goroutine || !eventMode {
		return nil, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.poller == nil && e.failed == nil {
		e.poller, e.failed = newPoller()
	}
	return e.poller, e.failed
}

// newConn makes the connection of a socket. begin is called once its consumer is
// there, with what the client has sent already.
func (e *Engine) newConn(socket net.Conn) (c *conn, begin func(early []byte), err error) {
	c = &conn{limits: e.limits}
	if tcp, ok := socket.(*net.TCPConn); ok {
		poller, err := e.events()
		switch {
		case poller != nil:
			return c.watched(poller, tcp)
		case err != nil && e.mode == Event:
			return nil, nil, err
		}
	}
	blocking := newBlockingEnd(socket)
	c.end = blocking
	return c, func(early []byte) {
		go func() {
			c.begin(early)
			blocking.readAll(c)
		}()
	}, nil
}

// watched has a poller read from a socket.
func (c *conn) watched(poller *poller, tcp *net.TCPConn) (_ *conn, begin func(early []byte), err error) {
	adopted, err := poller.adopt(tcp)
	if err != nil {
		return nil, nil, err
	}
	c.end = adopted
	return c, func(early []byte) {
		if !c.begin(early) {
			return
		}
		if adopted.watch(c) != nil {
			c.finish(consumer.CloseAbnormal)
		}
	}, nil
}

// begin handles what came with the request, and reports whether the connection
// is still there.
func (c *conn) begin(early []byte) bool {
	if len(early) > 0 {
		c.feedScratch(early, false)
	}
	return c.isOpen()
}
