package client

import (
	"context"
	"time"
)

// resilient is what the options of a [Client] say beyond those of a connection.
type resilient struct {
	least, most   time.Duration // of the backoff
	frames, bytes int           // of the outbox
	tokens        func(ctx context.Context) (string, error)
	state         func(State)
	session       func(ctx context.Context, s Session) error
	transport     func(ctx context.Context) (Transport, error) // instead of a WebSocket, for tests
}

const (
	defaultOutboxFrames = 10_000
	defaultOutboxBytes  = 16 << 20
)

func newResilient() resilient {
	return resilient{
		least: defaultBackoffMin, most: defaultBackoffMax,
		frames: defaultOutboxFrames, bytes: defaultOutboxBytes,
	}
}

// WithBackoff bounds how long a [Client] waits before it connects again: a random
// time up to least, then up to twice as much after each attempt that fails, and
// never more than most unless the server asks for it. Default: 500 ms and 30 s.
func WithBackoff(least, most time.Duration) Option {
	return func(o *options) { o.resilient.least, o.resilient.most = least, most }
}

// WithOutbox bounds what waits in a [Client] for its ack, in frames and in bytes
// of their payloads; calls beyond fail with ResourceExhausted at once. Default:
// 10,000 frames and 16 MiB.
func WithOutbox(frames, bytes int) Option {
	return func(o *options) { o.resilient.frames, o.resilient.bytes = frames, bytes }
}

// WithTokenSource asks fn for the token of a [Client] before each attempt to
// connect, once more if the server refuses it, and when it expires while the
// client is connected; never twice at a time. An empty token is nobody. All tokens
// must be of one user: a program in which another one signs in makes another
// Client.
//
// An error of fn with the code Unauthenticated or PermissionDenied closes the
// client, as does a fresh token that the server refuses; after any other one the
// client tries again later. Default: the token of [WithToken].
func WithTokenSource(fn func(ctx context.Context) (token string, err error)) Option {
	return func(o *options) { o.resilient.tokens = fn }
}

// OnState is told each [State] of a [Client], in order. fn must not wait for the
// client; what is slow there holds it up.
func OnState(fn func(State)) Option {
	return func(o *options) { o.resilient.state = fn }
}

// OnSession runs on each session of a [Client] that does not continue the one
// before, so that the application joins its groups or signs in anew: on the first
// session; when a group was not restored; when the client is not the same user as
// at the end of the session before; and when fn failed or was cut off on the
// session before.
//
// It runs before anything that waits in the outbox is sent. Calls with its ctx
// pass by the outbox: they go out on this session or fail with it, without a key
// unless the caller states one. Calls with another context wait until fn has
// returned, so fn must not wait for them. ctx ends with the session, and when fn
// returns. An error is logged, and the outbox is sent nevertheless.
func OnSession(fn func(ctx context.Context, s Session) error) Option {
	return func(o *options) { o.resilient.session = fn }
}
