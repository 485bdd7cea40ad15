package client

import "context"

// Transport carries messages to a server and back: a WebSocket, or a pipe in
// memory. A [Conn] reads from one goroutine and writes from another.
type Transport interface {
	// Read returns the next message, which is valid until the next Read. An error
	// ends the connection; if it has a method Closed() (code int, reason string),
	// that says how the server closed it.
	Read(ctx context.Context) (message []byte, text bool, err error)
	// Write sends a message, which is valid during the call only, and blocks until it
	// is taken.
	Write(ctx context.Context, message []byte, text bool) error
	// Close ends the connection and makes Read return. It is called once.
	Close(code int, reason string) error
}
