package client

import (
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
)

const (
	// connectTimeout is how long one attempt may take, handshake included.
	connectTimeout = 30 * time.Second
	// settleTimeout is how long the next attempt waits for handlers whose
	// positions it has to state.
	settleTimeout = 5 * time.Second
)

// run makes one session after the other until the client is closed.
func (c *Client) run() {
	defer close(c.done)
	defer c.kill()
	for {
		c.enter(State{Phase: PhaseConnecting})
		wait, err := c.try()
		if c.life.Err() == nil && fatal(err) {
			c.outbox.close(asStatus(err))
		}
		if reason := c.outbox.reason(); reason != nil {
			c.enter(State{Phase: PhaseClosed, Err: reason})
			c.settle()
			return
		}
		if wait > 0 {
			c.enter(State{Phase: PhaseWaiting, Next: time.Now().Add(wait), Err: err})
			c.pause(wait)
		}
	}
}

// try connects and stays until the connection has ended. It returns how long to
// wait before the next attempt, and why there has to be one.
func (c *Client) try() (wait time.Duration, err error) {
	s, err := c.connect()
	if err != nil {
		c.options.logger.Debug("an attempt to connect failed", "error", err)
		return c.backoff.next(status.From(err).RetryAfter), err
	}
	opened := time.Now()
	err = s.live()
	if time.Since(opened) >= steadyAfter {
		c.backoff.reset()
	}
	if err == nil {
		return 0, nil // after Goaway the time has been waited for
	}
	c.options.logger.Debug("a session ended", "error", err)
	return c.backoff.next(0), err
}

// pause waits between attempts.
func (c *Client) pause(wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.life.Done():
	}
}

// settle waits for the last handler.
func (c *Client) settle() {
	if c.before != nil {
		<-c.before
	}
}

// fatal reports whether no further attempt would succeed.
func fatal(err error) bool {
	if refused, ok := errors.AsType[*refusal](err); ok {
		return !refused.passing()
	}
	if ended, ok := errors.AsType[*CloseError](err); ok {
		return !ended.Reconnect
	}
	switch status.CodeOf(err) {
	case status.Unauthenticated, status.PermissionDenied, status.FailedPrecondition, status.InvalidArgument:
		return true
	default:
		return false
	}
}

// connect makes a session. A token that is refused may have expired on its way:
// the source is asked once more.
func (c *Client) connect() (*session, error) {
	ctx, cancel := context.WithTimeout(c.life, connectTimeout)
	defer cancel()
	token, err := c.token(ctx)
	if err != nil {
		return nil, err
	}
	s, err := c.dial(ctx, token)
	var refused *refusal
	if status.CodeOf(err) != status.Unauthenticated || errors.As(err, &refused) || c.options.resilient.tokens == nil {
		return s, err
	}
	again, failed := c.token(ctx)
	if failed != nil {
		return nil, failed
	}
	if again == token {
		return nil, err
	}
	return c.dial(ctx, again)
}

// token returns the token to connect with.
func (c *Client) token(ctx context.Context) (string, error) {
	if c.options.resilient.tokens == nil {
		return c.options.hello.GetToken(), nil
	}
	token, err := c.options.resilient.tokens(ctx)
	if err != nil {
		return "", asTokenError(err)
	}
	return token, nil
}

// asTokenError returns why there is no token, with the code that says whether
// there may be one later.
func asTokenError(err error) *status.Error {
	var stated *status.Error
	code := status.Unavailable
	if errors.As(err, &stated) && (stated.Code == status.Unauthenticated || stated.Code == status.PermissionDenied) {
		code = stated.Code
	}
	text := err.Error()
	if stated != nil { // the code is said already
		text = strings.Replace(text, code.String()+": "+stated.Text, stated.Text, 1)
	}
	return code.Wrap(err, "there is no token to connect with: "+text)
}

// dial makes a connection that continues the one before.
func (c *Client) dial(ctx context.Context, token string) (*session, error) {
	s := newSession(c)
	o := *c.options
	o.resume = c.resume
	o.hello = proto.CloneOf(o.hello)
	o.hello.Token, o.hello.Resume = token, o.resume.proto()
	o.hello.Features = append(o.hello.Features, featureSettled)
	o.link.before = c.before
	o.link.goaway = func(in *protowayv1.Goaway) {
		select {
		case s.goaway <- in:
		default: // one is enough
		}
	}
	if o.resilient.tokens != nil {
		o.link.asked = func() { signal(s.asked) }
	}
	var err error
	if s.conn, err = c.open(ctx, &o); err != nil {
		return nil, err
	}
	c.before = s.conn.Done()
	return s, nil
}

// open connects.
func (c *Client) open(ctx context.Context, o *options) (*Conn, error) {
	if o.resilient.transport == nil {
		if err := checkAddress(c.url); err != nil {
			return nil, err
		}
		return dial(ctx, c.url, o)
	}
	transport, err := o.resilient.transport(ctx)
	if err != nil {
		return nil, err
	}
	return open(ctx, transport, o)
}
