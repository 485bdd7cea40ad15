package main

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	client "github.com/protoway/protoway/clients/go"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire"
)

// nativePeer is a peer in a native dialect.
type nativePeer struct {
	target  *target
	hearing hearing
	client  *client.Client
	untyped *client.Untyped
	opening context.CancelCauseFunc // gives the first attempt up
	timer   *time.Timer             // of the first attempt

	mu     sync.Mutex // guards what follows
	opened bool
	sent   uint64 // id of the frame that was sent last
	reply  incoming
	acked  bool // that frame was acked well
	// signing is the id of the frame that signs in, refused is that its token was.
	signing uint64
	refused bool
}

func newNativePeer(t *target, h hearing) *nativePeer {
	p := &nativePeer{target: t, hearing: h}
	options := []client.Option{
		client.WithDialect(shown{t.dialect, p}), client.WithCatalog(t.catalog), client.WithHTTPHeader(t.header),
		client.OnState(p.enter), client.OnSession(func(ctx context.Context, s client.Session) error { return h.session(ctx, s.First) }),
	}
	if t.token != nil {
		options = append(options, client.WithTokenSource(func(context.Context) (string, error) { return t.token() }))
	}
	p.client = client.New(t.url.String(), options...)
	p.untyped = p.client.Untyped()
	return p
}

// Open connects.
func (p *nativePeer) Open(ctx context.Context) error {
	ctx, p.opening = context.WithCancelCause(ctx)
	defer p.opening(nil)
	p.timer = time.AfterFunc(p.target.timeout, func() { p.opening(&timeoutError{p.target.timeout}) })
	defer p.timer.Stop()
	err := p.client.Connect(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

// enter is told each state. Before the first session, waiting is giving up: who
// typed a wrong address wants to know.
func (p *nativePeer) enter(s client.State) {
	p.mu.Lock()
	before := p.opened
	p.opened = before || s.Phase == client.PhaseOpen
	p.mu.Unlock()
	switch s.Phase {
	case client.PhaseOpen:
		p.timer.Stop() // what prepares the session has limits of its own
		p.hearing.note("connected")
	case client.PhaseWaiting:
		if !before {
			p.opening(s.Err)
			return
		}
		p.hearing.warn("%s", p.target.lost(s.Err, time.Until(s.Next)))
	case client.PhaseConnecting, client.PhaseNew, client.PhaseClosed:
	}
}

// Call sends a message. The reply is what was seen of it, since the client does
// not tell its type.
func (p *nativePeer) Call(ctx context.Context, m outgoing) (incoming, error) {
	var options []client.CallOption
	if m.key != "" {
		options = append(options, client.Key(m.key))
	}
	if m.progress != nil {
		options = append(options, client.OnProgress(m.progress))
	}
	p.mu.Lock()
	p.sent, p.acked, p.reply = 0, false, incoming{}
	p.mu.Unlock()
	_, err := p.untyped.Call(ctx, m.kind, m.body, options...)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.acked {
		return p.reply, nil // also if the client cannot translate it
	}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return incoming{}, cause
	}
	if err != nil {
		err = &ackedError{err, p.refused}
	}
	return incoming{}, err
}

// Send sends a message without asking for an ack.
func (p *nativePeer) Send(ctx context.Context, m outgoing) error {
	return p.untyped.Send(ctx, m.kind, m.body)
}

// Done is closed when there will be no other session.
func (p *nativePeer) Done() <-chan struct{} { return p.client.Done() }

// Err says why there will be none.
func (p *nativePeer) Err() error { return p.client.Err() }

// Close ends the client.
func (p *nativePeer) Close() {
	_ = p.client.Close()
	<-p.client.Done()
}

// goes sees each frame before it is written. What is not acked gets a key: then
// the server handles it to the end although the connection ends behind it.
func (p *nativePeer) goes(f *wire.Frame) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case f.Kind == wire.KindHello || f.Kind == wire.KindAuthenticate:
		p.signing, p.refused = f.ID, false
	case f.Kind != wire.KindMessage:
	case f.ID == 0:
		f.Message.Key = rand.Text()
	default:
		p.sent = f.ID
	}
}

// came sees each frame of the server before the client does.
func (p *nativePeer) came(f *wire.Frame) {
	if f.Err != nil {
		p.hearing.warn("a frame of the server cannot be read: %s", f.Err.Text)
		return
	}
	switch in := f.Control.(type) {
	case *protowayv1.Joined:
		p.hearing.note("joined %s", printable(in.GetGroup()))
	case *protowayv1.Left:
		p.hearing.note("%s", leftNote(in))
	case *protowayv1.Goaway:
		p.hearing.note("the server asks to connect again: %s", printable(in.GetReason()))
	}
	switch f.Kind {
	case wire.KindMessage:
		in := newIncoming(p.target.dialect, &f.Message)
		in.Correlated = f.Re != 0 && f.Re == p.lastSent()
		p.hearing.message(in)
	case wire.KindAck:
		p.takeAck(f)
	default: // the client's own
	}
}

// leftNote says that a group was left. Of a ticket that cannot be read nobody knows
// the group.
func leftNote(in *protowayv1.Left) string {
	if in.GetGroup() == "" {
		return "a group of the session before is not joined again: " + printable(in.GetReason())
	}
	return "left " + printable(in.GetGroup()) + ": " + printable(in.GetReason())
}

func (p *nativePeer) lastSent() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent
}

func (p *nativePeer) takeAck(f *wire.Frame) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.Re != 0 && f.Re == p.signing && f.Ack.Error != nil {
		p.refused = true
	}
	if f.Re == 0 || f.Re != p.sent || f.Ack.Error != nil {
		return
	}
	p.acked = true
	if f.Ack.Reply.Type != "" {
		p.reply = newIncoming(p.target.dialect, &f.Ack.Reply)
	}
}

// shown is a dialect that shows a peer its frames.
type shown struct {
	wire.Dialect
	to *nativePeer
}

// Open starts the dialect on a connection, which numbers its frames anew.
func (d shown) Open(catalog *wire.Catalog, side wire.Side) wire.Session {
	d.to.mu.Lock()
	d.to.sent = 0
	d.to.mu.Unlock()
	return &shownSession{d.Dialect.Open(catalog, side), d.to}
}

type shownSession struct {
	wire.Session
	to *nativePeer
}

// Decode shows what comes.
func (s *shownSession) Decode(message []byte, text bool, handle func(*wire.Frame)) {
	s.Session.Decode(message, text, func(f *wire.Frame) {
		s.to.came(f)
		handle(f)
	})
}

// Append shows what goes.
func (s *shownSession) Append(dst []byte, f *wire.Frame) ([]byte, error) {
	s.to.goes(f)
	return s.Session.Append(dst, f)
}
