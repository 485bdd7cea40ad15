package client

import (
	"context"
	"crypto/rand"
	"time"

	"google.golang.org/protobuf/proto"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// Call sends in and waits for its ack, over as many sessions as it takes; [Caller]
// says more. While there is none it waits, too.
//
// It has a random key unless [Key] states one, so that it is sent again after a
// lost connection, in its order, and runs once. It is also sent again when the
// server refuses it for load or for the moment: ResourceExhausted and Aborted with
// a delay of at most 30 s, Unavailable; and once, with a fresh token, when it is
// Unauthenticated and there is a [WithTokenSource]. Types whose rules say dedupe
// NONE have no key: once written they are not sent again.
//
// When ctx ends first, the call is given up: a message that was not sent on this
// session is not sent any more. One that was may have been handled, or still be.
//
// Besides those of Caller, errors are ResourceExhausted if the outbox is full,
// Aborted if the message was sent and the client has become another user since,
// and Canceled with a [CloseError] as its cause if one without a key was sent and
// the connection ended; after the client is closed, those of [Client.Err].
func (c *Client) Call(ctx context.Context, in, out proto.Message, opts ...CallOption) error {
	e, m, err := c.compose(in, out, opts)
	if err != nil {
		return err
	}
	reply, err := c.ask(ctx, m)
	if err != nil || out == nil {
		return err
	}
	return readReply(c.session, e, reply, out)
}

// Send sends in and does not wait: no error means that it is in the outbox. There
// it has a key and is sent until it is acked, as with [Client.Call], however long
// that takes; if it fails in the end, that is logged as a warning. [Conn.Send]
// writes it once and never learns what became of it; so does this one when ctx is
// that of [OnSession] or of a request of the server. Else ctx does not matter.
//
// Errors are *status.Error: InvalidArgument for a message that cannot be sent,
// ResourceExhausted if the outbox is full, and those of [Client.Err].
func (c *Client) Send(ctx context.Context, in proto.Message) error {
	_, m, err := c.compose(in, nil, nil)
	if err != nil {
		return err
	}
	return c.post(ctx, m)
}

// compose makes a message that can be sent.
func (c *Client) compose(in, out proto.Message, opts []CallOption) (*wire.Entry, message, error) {
	e, err := c.options.outgoing(in, out)
	if err != nil {
		return nil, message{}, err
	}
	payload, err := c.options.spell(in)
	if err != nil {
		return nil, message{}, status.InvalidArgument.Errorf("the message cannot be encoded: %w", err)
	}
	m := message{kind: e.Type, payload: payload}
	err = m.complete(c.options.catalog, e, opts)
	return e, m, err
}

// complete adds what options and rules say; e is nil if the type is not known.
func (m *message) complete(catalog *wire.Catalog, e *wire.Entry, opts []CallOption) error {
	for _, opt := range opts {
		opt(&m.options)
	}
	if e != nil {
		m.identity = e.Rules.GetIdentity()
		m.keyless = e.Rules.GetDedupe() == protowayv1.Rules_NONE
	}
	if len(m.options.key) > wire.MaxKeyBytes {
		return status.InvalidArgument.Errorf("the key has %d bytes, at most %d are allowed", len(m.options.key), wire.MaxKeyBytes)
	}
	return m.options.check(catalog)
}

// keyed makes a key for a message that may be sent again.
func (m *message) keyed() {
	if m.options.key == "" && !m.keyless {
		m.options.key, m.generated = rand.Text(), true
	}
}

// ask sends a message and returns its reply.
func (c *Client) ask(ctx context.Context, m message) (wire.Message, error) {
	if conn := c.direct(ctx); conn != nil {
		return c.askNow(ctx, conn, m)
	}
	if err := ctx.Err(); err != nil {
		return wire.Message{}, status.From(err)
	}
	m.keyed()
	e, err := c.outbox.add(m)
	if err != nil {
		return wire.Message{}, err
	}
	for {
		select {
		case came := <-e.events:
			e.options.tell(came)
		case <-e.done:
			e.tellRest()
			return e.ack.Reply, ackError(&e.ack)
		case <-ctx.Done():
			if why := status.From(ctx.Err()); c.outbox.giveUp(e, why) {
				return wire.Message{}, why
			}
		}
	}
}

// tellRest tells the caller what came before the ack and was not told.
func (e *entry) tellRest() {
	for {
		select {
		case came := <-e.events:
			e.options.tell(came)
		default:
			return
		}
	}
}

// post sends a message for whose ack nobody waits.
func (c *Client) post(ctx context.Context, m message) error {
	if conn := c.direct(ctx); conn != nil {
		return conn.sendMessage(ctx, c.options.spelled(m.kind, m.payload, ""))
	}
	m.keyed()
	m.posted = true
	_, err := c.outbox.add(m)
	return err
}

// undelivered logs that a message failed for whose ack nobody waits.
func (c *Client) undelivered(e *entry) {
	c.options.logger.Warn("a message was not delivered", "type", e.kind, "error", e.ack.Error)
}

// direct returns the connection to which a context belongs, that of [OnSession]
// or of a request of the server; nil for any other one.
func (c *Client) direct(ctx context.Context) *Conn {
	if r, ok := ctx.Value(requestKey{}).(request); ok && r.conn.options.link.owner == c {
		return r.conn
	}
	return nil
}

// askNow sends a message on a connection, past the outbox. One whose key the
// server refused for load must come again on this connection, or no later one
// with a key would be handled: when the caller gives up, the connection ends.
func (c *Client) askNow(ctx context.Context, conn *Conn, m message) (wire.Message, error) {
	givenUp := closed(closeAbnormal, "a refused message was given up")
	undo := func() {}
	if m.identity {
		undo = c.outbox.identify(&m)
	}
	for refused := false; ; refused = true {
		f := wire.Frame{Kind: wire.KindMessage, Message: c.options.spelled(m.kind, m.payload, m.options.key)}
		p := newPending(m.options)
		reply, err := conn.ask(ctx, &f, p)
		failure := status.From(err)
		if failure == nil {
			return reply, nil
		}
		if refused && ctx.Err() != nil && p.stage.Load() != stageWritten {
			conn.finish(givenUp)
			return wire.Message{}, failure
		}
		if m.options.key == "" || m.keyless || failure.Code != status.ResourceExhausted || failure.RetryAfter == 0 {
			undo()
			return wire.Message{}, failure
		}
		timer := time.NewTimer(failure.RetryAfter)
		select {
		case <-timer.C:
		case <-conn.end.closing:
			timer.Stop()
			return wire.Message{}, conn.lost()
		case <-ctx.Done():
			timer.Stop()
			conn.finish(givenUp)
			return wire.Message{}, status.From(ctx.Err())
		}
	}
}
