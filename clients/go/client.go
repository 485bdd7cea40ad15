// Package client talks to a Protoway gateway.
//
//	c := client.New("wss://example.com/ws", client.WithTokenSource(token))
//	client.On(c, func(ctx context.Context, in *chatv1.Said) { fmt.Println(in.GetText()) })
//	if err := c.Connect(ctx); err != nil {
//		return err
//	}
//	defer c.Close()
//	err := c.Call(ctx, &chatv1.JoinRoom{Room: "tea"}, &chatv1.RoomJoined{})
//
// A [Client] connects again whenever the connection is lost, and sends again what
// was not acked. A [Conn], which [Dial] makes, is one connection and nothing more.
// Both are a [Caller], which is all that the typed clients of protoc-gen-protoway
// need, and [Client.Untyped] is for programs that know only names.
//
// The one idea: a call is a frame with an id, and whatever happens to it comes
// back as one ack: a reply or a *status.Error.
package client

import (
	"context"
	"net/url"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// Client is a connection to a server that outlives connections. All its methods
// may be called concurrently, and handlers may be added before [Client.Connect].
//
// Messages are handled one after the other, those of a lost connection before
// those of the next. What is sent waits in an outbox until it is acked, in its
// order; see [Client.Call].
//
// It owns one goroutine, which makes the sessions and owns theirs; [Client.Done]
// says when all have ended.
type Client struct {
	url     string
	options *options
	session wire.Session // spells and reads payloads
	outbox  *outbox
	backoff *backoff
	life    context.Context // ended when nothing shall run any more
	kill    context.CancelFunc
	ready   chan struct{} // closed when the first session is prepared
	done    chan struct{}
	linked  sync.Once // the messages of the program are in the catalog

	// Of the goroutine that makes sessions.
	resume   Resume
	sessions int
	owed     bool            // OnSession has not run to its end
	before   <-chan struct{} // closed when the handlers of the last connection have ended

	mu      sync.Mutex // guards what follows
	state   State
	started bool
	conn    *Conn // of the session; nil if there is none
}

var _ Caller = (*Client)(nil)

// New makes a client of a server; address begins with ws:// or wss://, as in
// "wss://example.com/ws". It does nothing before [Client.Connect].
func New(address string, opts ...Option) *Client {
	o := newOptions(opts)
	c := &Client{
		url: address, options: o,
		session: o.dialect.Open(o.catalog, wire.ClientSide),
		backoff: newBackoff(o.resilient.least, o.resilient.most),
		ready:   make(chan struct{}), done: make(chan struct{}),
		resume: o.resume, owed: true,
	}
	c.outbox = newOutbox(o.resilient.frames, o.resilient.bytes, c.undelivered)
	c.life, c.kill = context.WithCancel(context.Background())
	o.link.owner, o.link.life = c, c.life
	for _, register := range o.handlers {
		register(c)
	}
	o.handlers = nil // the connections share their functions
	return c
}

// Connect starts the client and returns when there is a session and [OnSession]
// has run on it. An error closes the client: an attempt showed that others would
// not succeed either, or ctx ended. What may pass, such as a server that cannot be
// reached, is tried again until then.
//
// Errors are *status.Error: Unauthenticated if the token was refused; the code of
// the HTTP status if the upgrade was refused with another one than 429, 502, 503
// or 504; Canceled with a [CloseError] as its cause if the server closed for good;
// InvalidArgument for an address that cannot be one; Canceled or DeadlineExceeded
// if ctx ended; FailedPrecondition if the client was started before.
func (c *Client) Connect(ctx context.Context) error {
	if err := c.start(); err != nil {
		return err
	}
	go c.run()
	select {
	case <-c.ready:
		return nil
	case <-c.done:
		return c.Err()
	case <-ctx.Done():
		err := status.From(ctx.Err())
		if last := c.State().Err; last != nil {
			err = err.Code.Wrap(ctx.Err(), err.Text+"; the last attempt: "+last.Error())
		}
		c.outbox.close(err)
		_ = c.Close()
		return err
	}
}

// start says whether the client may be started.
func (c *Client) start() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Phase == PhaseClosed {
		return c.state.Err
	}
	if c.started {
		return status.FailedPrecondition.Errorf("the client was started before: make another one")
	}
	c.started = true
	return nil
}

// checkAddress says what is wrong with an address.
func checkAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return status.InvalidArgument.Errorf("the address is not valid: %w", err)
	}
	switch u.Scheme {
	case "ws", "wss", "http", "https":
	default:
		return status.InvalidArgument.Errorf("the address %q does not begin with ws:// or wss://", u.Redacted())
	}
	if u.Host == "" {
		return status.InvalidArgument.Errorf("the address %q names no host", u.Redacted())
	}
	return nil
}

// Close ends the client: its connection is closed with code 1000, calls fail with
// Canceled, contexts of handlers are canceled. It does not wait for what is in the
// outbox, see [Client.Flush], nor for handlers, so that a handler may call it. It
// always returns nil.
func (c *Client) Close() error {
	c.outbox.close(status.Canceled.Errorf("the client was closed"))
	c.kill()
	c.mu.Lock()
	conn, started := c.conn, c.started
	c.started = true
	c.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
	if !started {
		c.enter(State{Phase: PhaseClosed, Err: c.outbox.reason()})
		close(c.done)
	}
	return nil
}

// Flush waits until every message has been acked or has failed. Errors are
// *status.Error, of ctx.
func (c *Client) Flush(ctx context.Context) error {
	select {
	case <-c.outbox.emptied():
		return nil
	case <-ctx.Done():
		return status.From(ctx.Err())
	}
}

// Done is closed when the client is closed and the last handler has returned.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err returns why the client is closed, as a *status.Error: Canceled after
// [Client.Close], and else as [Client.Connect] says. It is nil before.
func (c *Client) Err() error {
	if s := c.State(); s.Phase == PhaseClosed {
		return s.Err
	}
	return nil
}

// State returns where the client stands.
func (c *Client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// enter changes the state and tells the application.
func (c *Client) enter(s State) {
	c.mu.Lock()
	c.state = s
	c.mu.Unlock()
	if fn := c.options.resilient.state; fn != nil {
		fn(s)
	}
}

// OnMessage calls fn for each message of example's type, on every session;
// [Caller] says more, and [Conn.OnMessage] in what order.
func (c *Client) OnMessage(example proto.Message, fn func(ctx context.Context, in proto.Message) (proto.Message, error)) {
	c.options.registry.add(example, fn)
}
