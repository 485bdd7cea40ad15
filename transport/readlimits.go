package transport

import (
	"fmt"
	"sync/atomic"

	"github.com/protoway/protoway/consumer"
)

// readLimits bound what clients may have the server keep before a message is
// complete. All connections of a server share one.
type readLimits struct {
	message int // bytes of one message
	total   int64
	kept    atomic.Int64 // bytes of what is not complete, of all connections
}

// partialBudget is how much all connections may have in messages that are not
// complete, at least; a larger limit of messages allows more.
const partialBudget = 256 << 20

func newReadLimits(message int) *readLimits {
	return &readLimits{message: message, total: int64(max(partialBudget, 16*message))}
}

// take counts memory, and reports whether there is enough.
func (l *readLimits) take(bytes int) bool { return l.kept.Add(int64(bytes)) <= l.total }

// give counts memory that is free again.
func (l *readLimits) give(bytes int) { l.kept.Add(-int64(bytes)) }

func (l *readLimits) tooBig() *failure {
	return &failure{consumer.CloseMessageBig, fmt.Sprintf("a message has more than %d bytes", l.message)}
}

func (l *readLimits) short() *failure {
	return &failure{consumer.CloseTryLater, "too many large messages are coming in: try again later"}
}
