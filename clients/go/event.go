package client

import (
	"context"
	"encoding/json"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// Event is a message of the server for programs that know nothing but names.
type Event struct {
	// Type is its name on the wire.
	Type string
	// Group is where it was published; empty if it was sent to this client alone.
	Group string
	// Body is the message as JSON. It is nil if it cannot be that: over a binary
	// dialect, when the type is not linked into the program.
	Body json.RawMessage

	entry   *wire.Entry
	payload []byte // as the dialect spells it
	session wire.Session
	err     error // why there is no body
}

// Decode stores the message in v: a proto.Message, or what encoding/json decodes
// an object into. Errors are *status.Error: InvalidArgument for a message that is
// not what v is, or that cannot be JSON.
func (e Event) Decode(v any) error {
	if e.session == nil {
		return status.InvalidArgument.Errorf("the event did not come from a server")
	}
	if m, ok := v.(proto.Message); ok {
		if err := e.session.Unmarshal(e.payload, m); err != nil {
			return status.InvalidArgument.Errorf("%q is no %s: %w", e.Type, proto.MessageName(m), err)
		}
		return nil
	}
	if e.err != nil {
		return asStatus(e.err)
	}
	if err := json.Unmarshal(e.Body, v); err != nil {
		return status.InvalidArgument.Errorf("%q does not fit into a %T: %w", e.Type, v, err)
	}
	return nil
}

// takeSeen shows a message to those who see all of its type.
func (c *Conn) takeSeen(f *wire.Frame, events []eventFunc, last bool) {
	m := &f.Message
	in := Event{Type: m.Type, Group: m.Group, entry: m.Entry, payload: slices.Clone(m.Payload), session: c.wire}
	text, position := c.options.dialect.Text(), m.Position
	c.deliver(func(ctx context.Context) {
		in.Body, in.err = toJSON(text, in.entry, in.Type, in.payload)
		for _, fn := range events {
			_, _ = c.handleOne(ctx, func(ctx context.Context, _ proto.Message) (proto.Message, error) {
				fn(ctx, in)
				return nil, nil
			}, nil)
		}
		if last {
			c.advance(in.Group, position)
		}
	})
}
