package client

import (
	"context"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire"
)

// Authenticate changes who the connection is: the user of a token, or nobody if
// it is empty. When that is another user, the server leaves all groups that
// receivers joined. A token that is refused ends the old identity too.
func (c *Conn) Authenticate(ctx context.Context, token string) error {
	f := control(wire.KindAuthenticate, &protowayv1.Authenticate{Token: token})
	_, err := c.ask(ctx, &f, newPending(callOptions{}))
	return err
}

// takeAuthenticate gets the fresh token that the server asks for.
func (c *Conn) takeAuthenticate(f *wire.Frame) {
	c.ackControl(f)
	if c.options.link.asked != nil {
		c.options.link.asked()
		return
	}
	if c.options.events.authenticate == nil {
		return
	}
	if !c.handlers.authenticating.CompareAndSwap(false, true) {
		return // a fresh one is on its way
	}
	c.end.working.Go(func() {
		defer c.handlers.authenticating.Store(false)
		c.guard(c.reauthenticate)
	})
}

// reauthenticate sends a fresh token.
func (c *Conn) reauthenticate(ctx context.Context) {
	token, err := c.options.events.authenticate(ctx)
	if err == nil && token != "" {
		err = c.Authenticate(ctx, token)
	}
	if err != nil {
		c.logger.Warn("the server asked for a fresh token and did not get one", "error", err)
	}
}
