package client

import (
	"context"
	"time"

	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// send encodes a frame and gives it to the writer; it waits while the queue of
// the writer is full.
func (c *Conn) send(ctx context.Context, f *wire.Frame) error {
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
	default:
	}
	select {
	case c.out <- encoded:
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
	for {
		select {
		case encoded := <-c.out:
			if err := c.writeOne(encoded); err != nil {
				c.writeFailed(err)
			}
		case <-c.end.closing:
			c.hangUp()
			return
		}
	}
}

func (c *Conn) writeOne(encoded []byte) error {
	c.alive.lastWrite.Store(time.Now().UnixNano())
	return c.transport.Write(c.end.io, encoded, c.options.dialect.Text())
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
// takes too long is cut.
func (c *Conn) hangUp() {
	timer := time.AfterFunc(closeTimeout, c.end.cut)
	defer timer.Stop()
	defer c.end.cut()
	reason := c.end.get()
	if reason.Code == closeAbnormal {
		c.end.cut() // there is nobody to say anything to
	}
	for waiting := len(c.out); waiting > 0; waiting-- {
		if c.writeOne(<-c.out) != nil {
			break
		}
	}
	_ = c.transport.Close(reason.Code, reason.Reason) // it has ended, one way or another
	c.end.cut()
	<-c.end.read
}
