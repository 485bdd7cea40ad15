package auth

import (
	"context"
	"time"
)

// Store keeps small values for a while: revoked tokens, the ticket key, keys of
// frames. It is made of built-in types, so that brokers satisfy it without
// importing this package. [MemoryStore] is the one for a single node.
//
// A ttl of 0 keeps the value until it is deleted; a negative one is refused. Every
// write sets the ttl anew. Values are never empty: storing an empty one is a
// status.InvalidArgument error, so an empty old always means absent.
type Store interface {
	// Get returns the value of key, and whether there is one. The value is the
	// caller's own.
	Get(ctx context.Context, key string) ([]byte, bool, error)
	// SetIfAbsent stores value if key has none, and reports whether it did.
	SetIfAbsent(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error)
	// CompareAndSwap stores value if key still has old, nil for none, and
	// reports whether it did.
	CompareAndSwap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error)
	// Delete removes key; that there is none is no error.
	Delete(ctx context.Context, key string) error
}
