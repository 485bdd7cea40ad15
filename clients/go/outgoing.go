package client

import (
	"context"
	"runtime"
	"time"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// send encodes a frame and gives it to the writer; it waits while the queue of
// the writer is full.
func (c *Conn) send(ctx context.Context, f *wire.Frame) error { return c.sendCall(ctx, f, nil) }

// sendCall is send for the frame of a call, which can be taken back until it is
// written; see [Conn.takeBack].
func (c *Conn) sendCall(ctx context.Context, f *wire.Frame, p *pending) error {
	encoded, err := c.encode(f)
	if err != nil {
		return status.InvalidArgument.Errorf("the frame cannot be encoded: %w", err)
	}
	if most := int(c.welcome.Load().GetMaxMessageBytes()); most > 0 && len(encoded) > most {
		return status.InvalidArgument.Errorf("the frame has %d bytes, the server reads at most %d", len(encoded), most)
	}
	select {
	case <-c.end.closing: // looked at first: the queue may have room for what nobody will write
		return c.lost()
	case <-ctx.Done(): // and it may have room for what nobody waits for
		return status.From(ctx.Err())
	default:
	}
	select {
	case c.out <- outFrame{encoded, p}:
		return nil
	case <-ctx.Done():
		return status.From(ctx.Err())
	case <-c.end.closing:
		return c.lost()
	}
}

// write writes frames until the connection ends, and then closes the transport.
func (c *Conn) write() {
	defer close(c.end.quiet)
	batch := newBatch(c.options.dialect, c.out)
	for {
		select {
		case f := <-c.out:
			if batch.joins && c.calls.several() {
				runtime.Gosched() // callers that have just got their acks go first, so that their frames share a write
			}
			batch.first(f)
			if err := c.writeBatches(batch); err != nil {
				c.writeFailed(err)
			}
		case <-c.end.closing:
			c.hangUp(batch)
			return
		}
	}
}

// writeBatches writes what a batch has, and what has come meanwhile behind a frame
// that it had no room for.
func (c *Conn) writeBatches(b *batch) error {
	for {
		message := b.next(int(c.welcome.Load().GetMaxMessageBytes()))
		if message == nil {
			return nil
		}
		c.alive.lastWrite.Store(time.Now().UnixNano())
		if err := c.transport.Write(c.end.io, message, c.options.dialect.Text()); err != nil {
			return err
		}
	}
}

// closeGrace is how long the reader has to find out why a write failed: the
// server's reason for closing is read, not written.
const closeGrace = time.Second

func (c *Conn) writeFailed(err error) {
	timer := time.NewTimer(closeGrace)
	defer timer.Stop()
	select {
	case <-c.end.closing:
	case <-timer.C:
		c.finish(closed(closeAbnormal, err.Error()))
	}
}

// hangUp writes what waits, closes the transport and waits for the reader. What
// takes too long is cut, see [Conn.finish].
func (c *Conn) hangUp(b *batch) {
	defer c.end.cut()
	reason := c.end.get()
	for waiting := len(c.out); waiting > 0; waiting = min(waiting-1, len(c.out)) {
		b.first(<-c.out)
		if c.writeBatches(b) != nil {
			break
		}
	}
	_ = c.transport.Close(reason.Code, reason.Reason) // it has ended, one way or another
	c.end.cut()
	<-c.end.read
}
