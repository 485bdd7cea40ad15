package client

import (
	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// CallOption changes one [Caller.Call].
type CallOption func(*callOptions)

// callOptions is what the options of a call say.
type callOptions struct {
	key      string
	progress func(value float64, info string)
	messages []callMessage
}

// callMessage is a message that may come while a call runs.
type callMessage struct {
	example proto.Message
	fn      func(in proto.Message)
}

// check says what is wrong with the options of a call.
func (o *callOptions) check(catalog *wire.Catalog) error {
	for _, m := range o.messages {
		if m.example == nil {
			return status.InvalidArgument.Errorf("OnMessage: name the type of the message, such as *chatv1.Said")
		}
		if _, err := catalog.Of(m.example); err != nil {
			return status.InvalidArgument.Errorf("OnMessage: %w", err)
		}
	}
	return nil
}

// told reports whether anything but the ack interests the caller.
func (o *callOptions) told() bool { return o.progress != nil || len(o.messages) > 0 }

// Key names the intent of a call, so that the server runs it once however often
// it is sent. At most 128 bytes. Default: none.
func Key(key string) CallOption {
	return func(o *callOptions) { o.key = key }
}

// OnProgress is told how far the call has come: value goes from 0 to 1, info is
// for people. fn runs in the goroutine that called and before Call returns; what
// is slow there holds up the connection.
func OnProgress(fn func(value float64, info string)) CallOption {
	return func(o *callOptions) { o.progress = fn }
}

// OnMessage gets each M that the server sends on behalf of this call, besides
// the handlers of [Caller.OnMessage]. fn runs as that of [OnProgress] does.
func OnMessage[M proto.Message](fn func(in M)) CallOption {
	var example M
	return func(o *callOptions) {
		o.messages = append(o.messages, callMessage{example, func(in proto.Message) {
			if m, err := as[M](in); err == nil {
				fn(m)
			}
		}})
	}
}
