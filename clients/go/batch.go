package client

import "github.com/protoway/protoway/wire"

// maxBatchBytes is how large a message of several frames may become, if the server
// does not read less. A larger frame is a message of its own. Larger messages would
// save nothing: by then what the system does for each write hardly counts.
const maxBatchBytes = 64 << 10

// outFrame is an encoded frame on its way to the writer.
type outFrame struct {
	encoded []byte
	call    *pending // whose it is; nil if nobody takes it back
}

// batch makes messages of frames: of those that came while a message was written,
// as many as fit, in their order. It waits for none, so a lone frame is written at
// once.
type batch struct {
	joins  bool // frames may be in one message
	queue  <-chan outFrame
	buffer []byte   // of the message of several frames that was made last
	held   outFrame // the first of the next message, if it has bytes
}

func newBatch(dialect wire.Dialect, queue <-chan outFrame) *batch {
	return &batch{joins: dialect.Joins(), queue: queue}
}

// first says what begins the next message. There is nothing else that would.
func (b *batch) first(f outFrame) {
	if f.taken() {
		b.held = f
	}
}

// next returns the next message, which is valid until it is called again; nil if
// nothing began one. most is how many bytes the server reads, 0 if it does not say.
func (b *batch) next(most int) []byte {
	message := b.held.encoded
	b.held = outFrame{}
	if !b.joins || message == nil {
		return message
	}
	if most == 0 || most > maxBatchBytes {
		most = maxBatchBytes
	}
	for frames := 1; frames < wire.MaxBatchFrames; {
		select {
		case f := <-b.queue:
			if !f.taken() {
				continue
			}
			if len(message)+len(f.encoded) > most {
				b.held = f
				return message
			}
			if frames == 1 {
				message = append(b.buffer[:0], message...)
			}
			message = append(message, f.encoded...)
			b.buffer = message
			frames++
		default:
			return message
		}
	}
	return message
}

// taken has the writer take a frame; false if its call was taken back.
func (f *outFrame) taken() bool {
	return f.call == nil || f.call.stage.CompareAndSwap(stageWaiting, stageWritten)
}

// The stages of the frame of a call.
const (
	stageWaiting   uint32 = iota // for the writer
	stageWritten                 // or just about to be
	stageTakenBack               // it will never be written
)

// takeBack ends a call whose frame the writer has not taken; false if it has.
func (c *Conn) takeBack(p *pending) bool {
	if !p.stage.CompareAndSwap(stageWaiting, stageTakenBack) {
		return false
	}
	c.calls.take(p.id)
	return true
}
