package consumer

import (
	"errors"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/status"
)

// refusal is an error that some dialects tell by a message.
type refusal struct {
	err     *status.Error
	message proto.Message
}

func (r *refusal) Error() string { return r.err.Error() }

func (r *refusal) Unwrap() error { return r.err }

// RefuseWith returns an error of a receiver whose clients of Proto Socket expect a
// message instead of an error: they get m and an ack of success, as for a login
// that fails. Native clients get err, with m as its detail.
func RefuseWith(m proto.Message, err *status.Error) error {
	return &refusal{err.WithDetail(m), m}
}

// unmask returns a failure with the text that Config.Forward gives to what was
// not said through package status.
func (n *Node) unmask(failure *status.Error) *status.Error {
	if n.forward == nil || failure == nil || !failure.Masked() {
		return failure
	}
	cause := errors.Unwrap(failure)
	text := n.forwarded(cause)
	if text == "" {
		return failure
	}
	return status.Internal.Wrap(cause, text)
}

// forwarded returns what a client is told about err; nothing if that panics.
func (n *Node) forwarded(err error) (text string) {
	defer func() {
		if reason := recover(); reason != nil {
			n.observer.Panicked("error formatter")
			n.logger.Error("the error formatter panicked", "panic", reason)
			text = ""
		}
	}()
	return validText(n.forward(err))
}

// logFailure logs what a client is not told.
func (c *Consumer) logFailure(kind string, err error) {
	var cause error
	if coded, ok := errors.AsType[*status.Error](err); ok {
		cause = errors.Unwrap(coded)
	}
	c.log().Error("a receiver failed", "type", kind, "error", err, "cause", cause)
}
