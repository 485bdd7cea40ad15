package client

import (
	"context"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// Open begins a connection over a transport, which it closes. It returns when
// the server has welcomed the client; ctx ends the attempt, not the connection.
//
// Errors are *status.Error: Unauthenticated if the token was refused and
// [WithAnonymous] was not given, what else the server acked if it could not check
// the token, Canceled with a [CloseError] as its cause if the connection ended,
// Canceled or DeadlineExceeded if ctx did.
func Open(ctx context.Context, transport Transport, opts ...Option) (*Conn, error) {
	return open(ctx, transport, newOptions(opts))
}

func open(ctx context.Context, transport Transport, o *options) (*Conn, error) {
	c := newConn(transport, o)
	err := c.hello(ctx)
	if err != nil && !(o.anonymous && status.CodeOf(err) == status.Unauthenticated) {
		if ctx.Err() != nil { // nobody waits for a farewell
			c.finish(closed(closeAbnormal, "the handshake was given up"))
		}
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// hello greets the server and waits for its ack, which follows Welcome.
func (c *Conn) hello(ctx context.Context) error {
	p := newPending(callOptions{})
	f := control(wire.KindHello, c.options.hello)
	f.ID = c.calls.add(p)
	if err := c.send(ctx, &f); err != nil {
		return err
	}
	_, err := c.await(ctx, p)
	return err
}
