package load

import (
	"context"
	"time"
)

// RunGoroutines is Run with the driver of systems without epoll.
func RunGoroutines(ctx context.Context, config Config) (*Result, error) {
	e, err := newEngine(config)
	if err != nil {
		return nil, err
	}
	e.driver = newGoroutines(e.config.Connections, e.failed)
	return e.run(ctx)
}

// Records returns a histogram of durations.
func Records(durations ...time.Duration) *Histogram {
	h := &Histogram{}
	for _, d := range durations {
		h.Record(d)
	}
	return h
}

// NewProtocol returns the protocol of a dialect.
func NewProtocol(dialect string, script Script) (Protocol, error) {
	return newProtocol(dialect, script, "")
}

// Frame returns a frame as clients send it.
func Frame(opcode byte, key uint32, payload []byte) []byte {
	return appendFrame(nil, opcode, key, payload)
}

// collector keeps what a stream holds.
type collector struct{ Messages, Pings []string }

func (c *collector) message(payload []byte) error {
	c.Messages = append(c.Messages, string(payload))
	return nil
}

func (c *collector) ping(payload []byte) { c.Pings = append(c.Pings, string(payload)) }

// Stream reads frames of a server that come in pieces.
func Stream(pieces ...[]byte) (messages, pings []string, err error) {
	var s stream
	c := &collector{}
	for _, piece := range pieces {
		if err := s.feed(piece, c); err != nil {
			return c.Messages, c.Pings, err
		}
	}
	return c.Messages, c.Pings, nil
}
