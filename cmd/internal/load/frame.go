package load

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Opcodes of RFC 6455, section 5.2.
const (
	opContinue = 0x0
	opText     = 0x1
	opBinary   = 0x2
	opClose    = 0x8
	opPing     = 0x9
	opPong     = 0xa

	finalBit = 0x80
	maskBit  = 0x80
)

// maxMessage bounds what a server may send in one message.
const maxMessage = 64 << 20

// appendFrame appends a whole frame of a client to dst, with the payload masked
// by key.
func appendFrame(dst []byte, opcode byte, key uint32, payload []byte) []byte {
	dst = append(dst, finalBit|opcode)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, maskBit|byte(n))
	case n <= 0xffff:
		dst = append(dst, maskBit|126, byte(n>>8), byte(n)) //nolint:gosec // the two bytes of n
	default:
		dst = append(dst, maskBit|127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	dst = binary.LittleEndian.AppendUint32(dst, key)
	begin := len(dst)
	dst = append(dst, payload...)
	mask(dst[begin:], key)
	return dst
}

// mask masks b in place, eight bytes at a time.
func mask(b []byte, key uint32) {
	for wide := uint64(key)<<32 | uint64(key); len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^wide)
	}
	for i := range b {
		b[i] ^= byte(key >> (8 * (i & 3))) //nolint:gosec // the byte that is wanted
	}
}

// frame is a frame of a server.
type frame struct {
	opcode  byte
	final   bool
	payload []byte
	size    int // of the whole frame
}

var errMasked = errors.New("the server has sent a masked frame")

// parseFrame reads the frame at the start of b. Its size is 0 if b does not hold
// it whole.
func parseFrame(b []byte) (frame, error) {
	if len(b) < 2 {
		return frame{}, nil
	}
	if b[1]&maskBit != 0 {
		return frame{}, errMasked
	}
	length, header := uint64(b[1]), 2
	switch {
	case length == 126 && len(b) >= 4:
		length, header = uint64(binary.BigEndian.Uint16(b[2:])), 4
	case length == 127 && len(b) >= 10:
		length, header = binary.BigEndian.Uint64(b[2:]), 10
	case length >= 126:
		return frame{}, nil
	}
	if length > maxMessage {
		return frame{}, fmt.Errorf("the server has sent a frame of %d bytes", length)
	}
	size := header + int(length)
	if len(b) < size {
		return frame{}, nil
	}
	return frame{b[0] & 0xf, b[0]&finalBit != 0, b[header:size], size}, nil
}

// closedError is the close frame of a server.
type closedError struct {
	code   uint16 // 0 if the frame states none
	reason string
}

func (e closedError) Error() string {
	if e.reason == "" {
		return fmt.Sprintf("closed by the server with %d", e.code)
	}
	return fmt.Sprintf("closed by the server with %d %s", e.code, e.reason)
}

func closeOf(payload []byte) closedError {
	if len(payload) < 2 {
		return closedError{}
	}
	return closedError{binary.BigEndian.Uint16(payload), string(payload[2:])}
}

// messages is told what a stream of frames holds. What it gets is good until it
// returns.
type messages interface {
	message(payload []byte) error
	ping(payload []byte)
}

// stream makes messages of the bytes of a connection.
type stream struct {
	rest []byte // a frame that is not whole yet
	open []byte // a message that is not whole yet; nil: none is open
}

// feed takes the next bytes. A close frame comes back as a closedError.
func (s *stream) feed(b []byte, to messages) error {
	if len(s.rest) > 0 {
		s.rest = append(s.rest, b...)
		b = s.rest
	}
	for {
		f, err := parseFrame(b)
		if err != nil {
			return err
		}
		if f.size == 0 {
			s.keep(b)
			return nil
		}
		if err := s.take(f, to); err != nil {
			return err
		}
		b = b[f.size:]
	}
}

// keep keeps what is not whole. b may be the end of rest itself.
func (s *stream) keep(b []byte) {
	if len(b) == 0 {
		s.rest = s.rest[:0]
		return
	}
	s.rest = append(s.rest[:0], b...)
}

func (s *stream) take(f frame, to messages) error {
	switch f.opcode {
	case opClose:
		return closeOf(f.payload)
	case opPing:
		to.ping(f.payload)
		return nil
	case opPong:
		return nil
	}
	if f.opcode != opContinue && f.final {
		return to.message(f.payload)
	}
	if s.open = append(s.open, f.payload...); len(s.open) > maxMessage {
		return fmt.Errorf("the server has sent a message of more than %d bytes", maxMessage)
	}
	if !f.final {
		return nil
	}
	whole := s.open
	s.open = nil
	return to.message(whole)
}
