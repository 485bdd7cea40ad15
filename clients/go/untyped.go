package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// Untyped sends and receives messages by their names, with bodies in JSON. Over
// [wire.JSON] it needs no schema and changes nothing: numbers of any size arrive
// as they were written. Over [wire.Protobuf] it knows the messages of the
// catalog and those that are linked into the program; others are InvalidArgument.
type Untyped struct {
	client *Client
}

// Untyped returns c for programs that know nothing but names.
func (c *Client) Untyped() *Untyped {
	c.linked.Do(func() { learnLinked(c.options.catalog) })
	return &Untyped{c}
}

// learnLinked adds the messages that are linked into the program to a catalog.
// One whose name is taken stays out.
func learnLinked(catalog *wire.Catalog) {
	var types []protoreflect.MessageType
	protoregistry.GlobalTypes.RangeMessages(func(mt protoreflect.MessageType) bool {
		types = append(types, mt)
		return true
	})
	_ = catalog.Add(types...) // most have no rules: they are plain data
}

// Call sends a message and returns its reply; nil if it has none. params is the
// body: a value that encoding/json turns into an object, a proto.Message, or JSON
// as json.RawMessage, which is sent byte by byte; nil is {}. Options and errors
// are those of [Client.Call].
func (u *Untyped) Call(ctx context.Context, typ string, params any, opts ...CallOption) (json.RawMessage, error) {
	m, err := u.compose(typ, params, opts)
	if err != nil {
		return nil, err
	}
	reply, err := u.client.ask(ctx, m)
	if err != nil || reply.Type == "" {
		return nil, err
	}
	return toJSON(u.client.options.dialect.Text(), reply.Entry, reply.Type, reply.Payload)
}

// Send sends a message and does not wait; [Client.Send] says more.
func (u *Untyped) Send(ctx context.Context, typ string, params any) error {
	m, err := u.compose(typ, params, nil)
	if err != nil {
		return err
	}
	return u.client.post(ctx, m)
}

// OnEvent calls fn for each message of a type that comes from the server, besides
// the handlers of [Client.OnMessage] and before them; "" or "*" is every type.
// It answers nothing: a request of the server that has no other handler is acked
// Unimplemented.
func (u *Untyped) OnEvent(typ string, fn func(ctx context.Context, in Event)) {
	if typ == "*" {
		typ = ""
	}
	u.client.options.registry.addEvent(typ, fn)
}

// compose makes a message.
func (u *Untyped) compose(typ string, params any, opts []CallOption) (message, error) {
	o := u.client.options
	if typ == "" {
		return message{}, status.InvalidArgument.Errorf("the message has no type")
	}
	body, err := bodyOf(params)
	if err != nil {
		return message{}, err
	}
	e := o.catalog.FromClient(typ)
	m := message{kind: typ}
	if m.payload, err = o.fromJSON(e, typ, body); err != nil {
		return message{}, err
	}
	err = m.complete(o.catalog, e, opts)
	return m, err
}

// bodyOf returns params as one JSON object.
func bodyOf(params any) ([]byte, error) {
	var body []byte
	var err error
	switch p := params.(type) {
	case nil:
		return []byte("{}"), nil
	case proto.Message:
		body, err = (&options{dialect: wire.JSON}).spell(p)
	default:
		body, err = json.Marshal(p)
	}
	if err != nil {
		return nil, status.InvalidArgument.Errorf("the body is no JSON: %w", err)
	}
	if raw, ok := params.(json.RawMessage); ok {
		body = raw // Marshal has checked it; its spaces stay
	}
	if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, status.InvalidArgument.Errorf("the body of a message is a JSON object, such as {\"room\":\"tea\"}")
	}
	return body, nil
}

// asStatus returns err as a *status.Error, with its text.
func asStatus(err error) *status.Error {
	if failure, ok := errors.AsType[*status.Error](err); ok {
		return failure
	}
	return status.Internal.Wrap(err, err.Error())
}
