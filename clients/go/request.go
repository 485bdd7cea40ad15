package client

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// maxRequests is how many requests of the server are answered at a time; further
// ones are refused.
const maxRequests = 256

// requestRetry is when a request that was refused for load may come again.
const requestRetry = 200 * time.Millisecond

// request is the frame of the server that a handler is answering. Its id is 0
// for what belongs to the connection and to no frame.
type request struct {
	conn *Conn
	id   uint64
}

type requestKey struct{}

// answering returns the request that a handler with ctx is answering; 0 if ctx
// belongs to none of this connection.
func (c *Conn) answering(ctx context.Context) uint64 {
	if r, ok := ctx.Value(requestKey{}).(request); ok && r.conn == c {
		return r.id
	}
	return 0
}

// takeRequest answers a frame of the server that asks for an ack.
func (c *Conn) takeRequest(f *wire.Frame, fns []handlerFunc, in proto.Message) {
	h := c.handlers
	if h.answering.Load() >= maxRequests { // only the reader adds, so it stays true or gets better
		c.ack(f.ID, wire.Message{}, status.ResourceExhausted.Errorf("the client answers %d requests, which is the limit", maxRequests).After(requestRetry))
		return
	}
	id, e := f.ID, f.Message.Entry
	h.answering.Add(1)
	c.end.working.Go(func() {
		defer h.answering.Add(-1)
		ctx, cancel := context.WithCancel(context.WithValue(h.requests, requestKey{}, request{c, id}))
		defer cancel()
		reply, err := c.handle(ctx, fns, in)
		if err == nil {
			err = checkReply(e, reply)
		}
		if status.CodeOf(err) == status.Internal {
			c.logger.Error("a request of the server failed", "type", e.Type, "error", err)
		}
		c.ack(id, replyOf(e, reply), status.From(err))
	})
}

// checkReply says whether a reply is what the schema says.
func checkReply(e *wire.Entry, reply proto.Message) error {
	switch {
	case e.Reply == nil:
		return nil
	case reply == nil || !reply.ProtoReflect().IsValid():
		return fmt.Errorf("the handlers of %s returned neither a reply nor an error", e.Name())
	case proto.MessageName(reply) != e.Reply.Name():
		return fmt.Errorf("a handler of %s returned %s, the schema says %s", e.Name(), proto.MessageName(reply), e.Reply.Name())
	}
	return nil
}

// replyOf returns the reply of a message as frames carry it; empty if the schema
// knows none.
func replyOf(e *wire.Entry, reply proto.Message) wire.Message {
	if e.Reply == nil {
		return wire.Message{}
	}
	return wire.Message{Type: e.Reply.Type, Entry: e.Reply, Value: reply}
}

// ack acks a frame of the server. A reply that cannot be encoded or is too large
// becomes an error: there is an ack in any case, unless the connection has ended.
func (c *Conn) ack(id uint64, reply wire.Message, err *status.Error) {
	f := wire.NewAck(id, err)
	if err == nil {
		f.Ack.Reply = reply
	}
	failure := c.send(context.Background(), &f) // waits for the writer, and ends with the connection
	if status.CodeOf(failure) != status.InvalidArgument {
		return
	}
	c.logger.Error("an answer cannot be sent", "error", failure)
	f = wire.NewAck(id, status.Internal.Errorf("the answer cannot be sent"))
	_ = c.send(context.Background(), &f) // has nothing left that could fail
}
