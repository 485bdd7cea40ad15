package transport

import (
	"encoding/binary"
	"math"
	"unicode/utf8"

	"github.com/protoway/protoway/consumer"
)

// The opcodes of RFC 6455 section 5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

// The bits of the first two bytes of a frame.
const (
	bitFin     = 0x80
	bitsRSV    = 0x70
	bitsOpcode = 0x0F
	bitMask    = 0x80
	bitsLength = 0x7F
)

const (
	length16   = 126 // the length follows in two bytes
	length64   = 127 // in eight
	maxControl = 125 // the longest payload of a control frame
	maskBytes  = 4
)

// header is the head of a client's frame.
type header struct {
	opcode byte
	fin    bool
	size   int    // bytes of the header itself
	length int    // bytes of the payload
	mask   uint32 // as the bytes stand, little-endian
}

// control reports whether the frame is a close, a ping or a pong.
func (h *header) control() bool { return h.opcode >= opClose }

// failure is why the server ends a connection: what the close frame says.
type failure struct {
	code   consumer.CloseCode
	reason string
}

func violation(reason string) *failure { return &failure{consumer.CloseProtocol, reason} }

// parseHeader reads the head of a frame; ok is false if b does not have all of it.
func parseHeader(b []byte) (h header, ok bool, bad *failure) {
	if len(b) < 2 {
		return h, false, nil
	}
	h.opcode, h.fin, h.size = b[0]&bitsOpcode, b[0]&bitFin != 0, 2
	if bad := checkBits(b[0], b[1]); bad != nil {
		return h, false, bad
	}
	switch length := b[1] & bitsLength; length {
	case length16:
		if len(b) < 4 {
			return h, false, nil
		}
		h.length, h.size = int(binary.BigEndian.Uint16(b[2:])), 4
	case length64:
		if len(b) < 10 {
			return h, false, nil
		}
		h.length, h.size = longLength(b[2:]), 10
	default:
		h.length = int(length)
	}
	if h.size == 4 && h.length < length16 || h.size == 10 && h.length <= 0xFFFF {
		return h, false, violation("the length of a frame is not in its shortest form")
	}
	if len(b) < h.size+maskBytes {
		return h, false, nil
	}
	h.mask = binary.LittleEndian.Uint32(b[h.size:])
	h.size += maskBytes
	return h, true, nil
}

// longLength reads a length of eight bytes. What is too large for any limit is
// the largest number; what the format forbids is 0, which is too short a form.
func longLength(b []byte) int {
	length := binary.BigEndian.Uint64(b)
	if length>>63 != 0 {
		return 0
	}
	return int(min(length, math.MaxInt))
}

// checkBits refuses what no client of this server may send.
func checkBits(first, second byte) *failure {
	opcode := first & bitsOpcode
	switch {
	case first&bitsRSV != 0:
		return violation("a reserved bit is set, and no extension was agreed upon")
	case opcode > opBinary && opcode < opClose || opcode > opPong:
		return violation("a frame has an opcode that means nothing")
	case second&bitMask == 0:
		return violation("a frame of a client is not masked")
	case opcode >= opClose && (first&bitFin == 0 || second&bitsLength > maxControl):
		return violation("a control frame is fragmented or too long")
	}
	return nil
}

// unmask undoes the mask of a payload, in place.
func unmask(b []byte, mask uint32) {
	wide := uint64(mask)<<32 | uint64(mask)
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^wide)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= byte(mask >> (8 * (i % maskBytes))) //nolint:gosec // one byte of it is meant
	}
}

// appendFrame appends a frame of the server: final and not masked.
func appendFrame(dst []byte, opcode byte, payload []byte) []byte {
	return append(appendHeader(dst, opcode, len(payload)), payload...)
}

// appendHeader appends the header of such a frame, for a payload of n bytes.
func appendHeader(dst []byte, opcode byte, n int) []byte {
	switch {
	case n < length16:
		return append(dst, bitFin|opcode, byte(n)) //nolint:gosec // less than 126
	case n <= 0xFFFF:
		return append(dst, bitFin|opcode, length16, byte(n>>8), byte(n)) //nolint:gosec // the lowest bytes are meant
	default:
		return binary.BigEndian.AppendUint64(append(dst, bitFin|opcode, length64), uint64(n))
	}
}

// closePayload returns the payload of a close frame, cut to what fits.
func closePayload(code consumer.CloseCode, reason string) []byte {
	const most = maxControl - 2
	for len(reason) > most || !utf8.ValidString(reason) {
		if len(reason) > most {
			reason = reason[:most]
		}
		for len(reason) > 0 && !utf8.ValidString(reason) {
			reason = reason[:len(reason)-1]
		}
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...) //nolint:gosec // codes have four digits
}

// parseClose reads the payload of a client's close frame.
func parseClose(payload []byte) (consumer.CloseCode, *failure) {
	switch {
	case len(payload) == 0:
		return consumer.CloseNoCode, nil
	case len(payload) == 1:
		return 0, violation("a close frame has half a code")
	case !utf8.Valid(payload[2:]):
		return 0, &failure{consumer.CloseNotUTF8, "the reason of a close frame is not UTF-8"}
	}
	code := consumer.CloseCode(binary.BigEndian.Uint16(payload))
	if !sendable(code) {
		return 0, violation("a close frame has a code that must not be sent")
	}
	return code, nil
}

// sendable reports whether a close frame may have this code: RFC 6455 section
// 7.4, and what was registered since.
func sendable(code consumer.CloseCode) bool {
	switch {
	case code >= 3000 && code <= 4999:
		return true
	case code == 1004 || code == 1005 || code == 1006:
		return false
	default:
		return code >= 1000 && code <= 1014
	}
}
