package main

import (
	"context"
	"encoding/json"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/wire"
	"github.com/protoway/protoway/wire/protojson"
)

// peer is a connection to a server that outlives connections, in whatever dialect.
// One message is sent at a time.
type peer interface {
	// Open connects and returns when the first session is prepared. The first
	// attempt has to succeed; later ones are repeated.
	Open(ctx context.Context) error
	// Call sends a message and returns its reply.
	Call(ctx context.Context, m outgoing) (reply incoming, err error)
	// Send sends a message for which the server is not asked to ack, on the session
	// of whose context ctx is.
	Send(ctx context.Context, m outgoing) error
	// Done is closed when there will be no other session; Err says why.
	Done() <-chan struct{}
	Err() error
	// Close ends everything.
	Close()
}

// outgoing is a message to send.
type outgoing struct {
	kind string
	body json.RawMessage
	key  string
	// progress is told how far it has come; nil if nobody is.
	progress func(value float64, info string)
}

// incoming is a message of the server.
type incoming struct {
	Type, Group string
	// Body is the message as JSON; nil if the schema does not know it.
	Body json.RawMessage
	// Payload is the serialized message if there is no Body.
	Payload []byte
	// Correlated says that it came for the message that is being sent.
	Correlated bool
}

// hearing is what a peer tells of. Each may be nil, and must return soon.
type hearing struct {
	// message gets what comes, replies excepted.
	message func(in incoming)
	// note is told what happens to the connection and its groups, warn what a
	// person should know in any case.
	note, warn func(format string, args ...any)
	// session prepares each session that does not continue the one before, and
	// tells of what goes wrong. Its context ends with the session. After an error
	// it is also asked for a session that continues this one.
	session func(ctx context.Context, first bool) error
	// signIn says to sign in even if nothing is sent.
	signIn bool
}

// newPeer makes the peer that speaks the dialect of a target.
func newPeer(t *target, h hearing) peer {
	if h.message == nil {
		h.message = func(incoming) {}
	}
	if h.note == nil {
		h.note = func(string, ...any) {}
	}
	if h.warn == nil {
		h.warn = func(string, ...any) {}
	}
	if h.session == nil {
		h.session = func(context.Context, bool) error { return nil }
	}
	if t.dialect == wire.ProtoSocket {
		return newProtoSocketPeer(t, h)
	}
	return newNativePeer(t, h)
}

// checkType says whether a message of a type can be sent.
func (t *target) checkType(kind string) error {
	switch {
	case kind == "":
		return usagef("the type is empty: state one such as join-room")
	case t.schema != nil:
		return t.schema.check(kind)
	case !t.dialect.Text() && t.catalog.FromClient(kind) == nil:
		return usagef("the dialect %s is binary, so a body needs the schema: state it with --schema, or speak %s", t.dialect.Name(), wire.JSON.Name())
	default:
		return nil
	}
}

// newIncoming translates a message of a frame.
func newIncoming(dialect wire.Dialect, m *wire.Message) incoming {
	in := incoming{Type: m.Type, Group: m.Group}
	switch {
	case dialect.Text() && len(m.Payload) == 0:
		in.Body = json.RawMessage("{}")
	case dialect.Text():
		in.Body = append(in.Body, m.Payload...)
	default:
		in.Body = binaryBody(m)
	}
	if in.Body == nil {
		in.Payload = append([]byte{}, m.Payload...)
	}
	return in
}

// binaryBody translates a serialized message; nil if the schema does not know it.
func binaryBody(m *wire.Message) json.RawMessage {
	if m.Entry == nil {
		return nil
	}
	value := m.Entry.Message.New().Interface()
	if proto.Unmarshal(m.Payload, value) != nil {
		return nil
	}
	body, err := protojson.Options{}.Append(nil, value)
	if err != nil {
		return nil
	}
	return body
}

// within limits a context to a time, and names it in the error.
func within(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, timeout, &timeoutError{timeout})
}
