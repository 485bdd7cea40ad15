package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// protoSocketPeer is a peer in the dialect of Proto Socket: no handshake, a token
// in each frame, and what is not acked is sent again after a reconnect.
//
// It owns a goroutine, which makes the sessions and owns theirs.
type protoSocketPeer struct {
	target  *target
	hearing hearing
	life    context.Context // ended by Close
	kill    context.CancelFunc
	started bool
	done    chan struct{} // closed when the goroutine has ended

	mu   sync.Mutex      // guards what follows
	conn *websocket.Conn // of the session; nil between two
	call *protoSocketCall
	err  error // why there will be no other session
	// signing says that it is being tried whether the token is taken.
	signing bool
	refused bool // the server did not take the token of this session
}

const (
	protoSocketReadLimit = 16 << 20
	protoSocketPing      = 15 * time.Second
	protoSocketBackoff   = 30 * time.Second // the longest
)

func newProtoSocketPeer(t *target, h hearing) *protoSocketPeer {
	p := &protoSocketPeer{target: t, hearing: h, done: make(chan struct{})}
	p.life, p.kill = context.WithCancel(context.Background())
	return p
}

// Open connects.
func (p *protoSocketPeer) Open(ctx context.Context) error {
	conn, err := p.dial(ctx)
	if err != nil {
		return err
	}
	p.started = true
	ready := make(chan struct{})
	go p.run(conn, ready)
	select {
	case <-ready:
		return nil
	case <-p.done:
		return p.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *protoSocketPeer) dial(ctx context.Context) (*websocket.Conn, error) {
	ctx, cancel := within(ctx, p.target.timeout)
	defer cancel()
	conn, response, err := websocket.Dial(ctx, p.target.url.String(), &websocket.DialOptions{
		HTTPHeader: p.target.header, CompressionMode: websocket.CompressionDisabled,
	})
	switch {
	case err == nil:
		conn.SetReadLimit(protoSocketReadLimit)
		return conn, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case response != nil:
		body, _ := io.ReadAll(response.Body) // at most 1 KiB, which Dial has read
		return nil, &refusedError{response.StatusCode, strings.TrimSpace(string(body))}
	default:
		return nil, err
	}
}

// run makes one session after the other.
func (p *protoSocketPeer) run(conn *websocket.Conn, ready chan struct{}) {
	defer close(p.done)
	for first := true; ; first = false {
		p.hearing.note("connected")
		err := p.live(conn, first, ready)
		if p.life.Err() == nil && reconnects(err) {
			conn, err = p.again(err)
		}
		if err != nil {
			p.end(err)
			return
		}
	}
}

// again connects once more, as often as it takes.
func (p *protoSocketPeer) again(lost error) (*websocket.Conn, error) {
	for most := time.Second; ; most = min(2*most, protoSocketBackoff) {
		wait := mathrand.N(most) //nolint:gosec // it only spreads attempts
		p.hearing.warn("%s", p.target.lost(lost, wait))
		select {
		case <-time.After(wait):
		case <-p.life.Done():
			return nil, p.life.Err()
		}
		conn, err := p.dial(p.life)
		if err == nil {
			return conn, nil
		}
		if refused := new(refusedError); errors.As(err, &refused) && !refused.passing() {
			return nil, err
		}
		lost = err
	}
}

// reconnects reports whether another session makes sense, by the close code; see
// docs/protocol.md.
func reconnects(err error) bool {
	code := websocket.CloseStatus(err)
	switch {
	case code == -1: // it was cut
		return true
	case code >= 4000:
		return code < 4500
	default:
		return code == websocket.StatusGoingAway || code == websocket.StatusInternalError ||
			code == websocket.StatusServiceRestart || code == websocket.StatusTryAgainLater
	}
}

// live runs a session to its end and returns why it ended.
func (p *protoSocketPeer) live(conn *websocket.Conn, first bool, ready chan struct{}) error {
	ctx, cancel := context.WithCancel(p.life)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	defer func() { _ = conn.CloseNow() }()
	p.attach(conn)
	defer p.attach(nil)
	work.Go(func() { p.ping(ctx, conn) })
	work.Go(func() {
		p.prepare(ctx, first)
		if first {
			close(ready)
		}
		p.resend(ctx)
	})
	for {
		_, message, err := conn.Read(ctx)
		if err != nil {
			return p.lost(err)
		}
		said, err := readProtoSocket(message)
		if err != nil {
			p.hearing.warn("%v", err)
			continue
		}
		p.take(said)
	}
}

// prepare has the session prepared.
func (p *protoSocketPeer) prepare(ctx context.Context, first bool) {
	if p.hearing.signIn && p.target.token != nil {
		p.sign(true)
		_, err := p.Call(ctx, outgoing{kind: protoSocketVerifyToken, body: json.RawMessage("{}")})
		p.sign(false)
		var refused *protoSocketError
		if errors.As(err, &refused) && refused.code == http.StatusUnauthorized {
			p.end(refused) // a server that has not this type has said token-invalid
		}
	}
	if p.Err() == nil {
		_ = p.hearing.session(ctx, first) // it has said what was wrong
	}
}

func (p *protoSocketPeer) sign(in bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signing = in
}

// errProtoSocketToken is what token-invalid says.
var errProtoSocketToken = &protoSocketError{"the server does not take the token", http.StatusUnauthorized}

// lost returns why a session ended whose connection cannot be read any more.
func (p *protoSocketPeer) lost(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refused && p.hearing.signIn { // this side has ended it
		return errProtoSocketToken
	}
	return err
}

// tokenInvalid takes that the server does not take the token, or not any more. Who
// listens connects again: there may be a fresh one.
func (p *protoSocketPeer) tokenInvalid() {
	p.mu.Lock()
	conn, signing := p.conn, p.signing
	p.refused = true
	p.mu.Unlock()
	switch {
	case signing:
		p.end(errProtoSocketToken)
	case p.hearing.signIn && p.target.token != nil:
		_ = conn.CloseNow() // the reader, whose call this is, has it
	default:
		p.hearing.warn("the server does not take the token: %s", p.target.aboutToken(""))
	}
}

// ping notices a server that is gone.
func (p *protoSocketPeer) ping(ctx context.Context, conn *websocket.Conn) {
	ticker := time.NewTicker(protoSocketPing)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		limited, cancel := within(ctx, protoSocketPing)
		err := conn.Ping(limited)
		cancel()
		if err != nil {
			_ = conn.CloseNow()
			return
		}
	}
}

func (p *protoSocketPeer) attach(conn *websocket.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conn, p.refused = conn, false
}

// Done is closed when there will be no other session.
func (p *protoSocketPeer) Done() <-chan struct{} { return p.done }

// Err says why there will be none.
func (p *protoSocketPeer) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// end says that there will be no other session, and why.
func (p *protoSocketPeer) end(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
	p.kill()
}

// Close ends everything.
func (p *protoSocketPeer) Close() {
	p.mu.Lock()
	conn := p.conn
	p.mu.Unlock()
	if conn != nil {
		_ = conn.Close(websocket.StatusNormalClosure, "")
	}
	p.kill()
	if p.started {
		<-p.done
	}
}
