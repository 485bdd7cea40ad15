package client

import (
	"context"
	"time"
)

// Reconnects is reconnects, for the comparison with the server.
var Reconnects = reconnects

// WithTransport has a Client connect by something else than a WebSocket.
func WithTransport(connect func(ctx context.Context) (Transport, error)) Option {
	return func(o *options) { o.resilient.transport = connect }
}

// Backoff is backoff with a known source of randomness.
func Backoff(least, most time.Duration, random func(below int64) int64) (next func(atLeast time.Duration) time.Duration, reset func()) {
	b := newBackoff(least, most)
	b.random = random
	return b.next, b.reset
}

// RetryAfter is retryAfter.
var RetryAfter = retryAfter
