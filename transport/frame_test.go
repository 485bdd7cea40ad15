package transport

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/protoway/protoway/consumer"
)

// head spells the head of a frame with a length in 1, 3 or 9 bytes.
func head(first byte, length uint64, form int, mask string) []byte {
	b := []byte{first}
	switch form {
	case 1:
		b = append(b, bitMask|byte(length))
	case 3:
		b = binary.BigEndian.AppendUint16(append(b, bitMask|length16), uint16(length))
	default:
		b = binary.BigEndian.AppendUint64(append(b, bitMask|length64), length)
	}
	return append(b, mask...)
}

func TestHeaderLengths(t *testing.T) {
	for _, c := range []struct {
		length uint64
		form   int // bytes of the length
		bad    bool
	}{
		{0, 1, false},
		{1, 1, false},
		{125, 1, false},
		{0, 3, true},
		{125, 3, true},
		{126, 3, false},
		{127, 3, false},
		{65535, 3, false},
		{0, 9, true},
		{125, 9, true},
		{126, 9, true},
		{65535, 9, true},
		{65536, 9, false},
		{1<<31 - 1, 9, false},
		{1 << 31, 9, false},
		{1 << 32, 9, false},
		{1<<63 - 1, 9, false},
		{1 << 63, 9, true},
		{math.MaxUint64, 9, true},
	} {
		t.Run(fmt.Sprintf("%d in %d", c.length, c.form), func(t *testing.T) {
			b := head(bitFin|opBinary, c.length, c.form, "mask")
			for cut := range b { // never decided from too little, and bad as soon as the length is there
				if _, ok, bad := parseHeader(b[:cut]); ok || (bad != nil && !(c.bad && cut > c.form)) {
					t.Errorf("%d bytes: ok %v, bad %v", cut, ok, bad)
				}
			}
			h, ok, bad := parseHeader(b)
			if c.bad {
				if bad == nil || bad.code != consumer.CloseProtocol {
					t.Errorf("taken: %+v", h)
				}
				return
			}
			want := header{opBinary, true, len(b), int(c.length), binary.LittleEndian.Uint32([]byte("mask"))}
			if bad != nil || !ok || h != want {
				t.Errorf("got %+v, %v, %v, want %+v", h, ok, bad, want)
			}
		})
	}
}

// TestHeaderBits goes through all values of the first byte, with each kind of
// length, masked or not.
func TestHeaderBits(t *testing.T) {
	known := map[byte]bool{0: true, 1: true, 2: true, 8: true, 9: true, 10: true}
	for first := range 256 {
		for _, second := range []byte{0, 1, 125, 126, 127} {
			for _, masked := range []bool{true, false} {
				first, opcode, fin := byte(first), byte(first)&0x0F, first >= 0x80
				b := append([]byte{first, second}, make([]byte, 12)...)
				if masked {
					b[1] |= 0x80
				}
				b[3] = 200 // a length of two bytes that needs them; with eight it is too large for any limit
				control := opcode >= 8
				good := masked && first&0x70 == 0 && known[opcode] && !(control && (!fin || second > 125))
				h, ok, bad := parseHeader(b)
				if (bad == nil && ok) != good {
					t.Fatalf("%08b %08b: good is %v, got %+v %v %v", b[0], b[1], good, h, ok, bad)
				}
				if bad != nil && (bad.code != consumer.CloseProtocol || bad.reason == "") {
					t.Fatalf("%08b %08b is refused with %+v", b[0], b[1], bad)
				}
				if good && (h.opcode != opcode || h.fin != fin || h.control() != control) {
					t.Fatalf("%08b %08b: got %+v", b[0], b[1], h)
				}
			}
		}
	}
}

func TestUnmask(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mask := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "mask")
		payload := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "payload")
		offset := rapid.IntRange(0, min(8, len(payload))).Draw(t, "offset") // of the memory, not of the mask
		want := bytes.Clone(payload[offset:])
		for i := range want {
			want[i] ^= mask[i%4]
		}
		unmask(payload[offset:], binary.LittleEndian.Uint32(mask))
		if !bytes.Equal(payload[offset:], want) {
			t.Fatalf("got %x, want %x", payload[offset:], want)
		}
	})
}

func TestAppendFrame(t *testing.T) {
	for _, c := range []struct {
		length int
		head   string
	}{
		{0, "\x82\x00"},
		{1, "\x82\x01"},
		{125, "\x82\x7d"},
		{126, "\x82\x7e\x00\x7e"},
		{127, "\x82\x7e\x00\x7f"},
		{65535, "\x82\x7e\xff\xff"},
		{65536, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"},
	} {
		payload := strings.Repeat("p", c.length)
		if got := string(appendFrame([]byte("before"), opBinary, []byte(payload))); got != "before"+c.head+payload {
			t.Errorf("%d bytes begin with %q", c.length, got[:min(len(got), 20)])
		}
	}
}

func TestClosePayloadIsCutAtACharacter(t *testing.T) {
	for name, c := range map[string]struct{ reason, want string }{
		"empty":       {"", ""},
		"fits":        {strings.Repeat("a", 123), strings.Repeat("a", 123)},
		"too long":    {strings.Repeat("a", 124), strings.Repeat("a", 123)},
		"two bytes":   {strings.Repeat("é", 70), strings.Repeat("é", 61)},
		"three bytes": {strings.Repeat("€", 50), strings.Repeat("€", 41)},
		"four bytes":  {"ab" + strings.Repeat("😀", 40), "ab" + strings.Repeat("😀", 30)},
		"no UTF-8":    {"abc\xff", "abc"},
	} {
		if got := string(closePayload(4321, c.reason)); got != "\x10\xe1"+c.want {
			t.Errorf("%s: got %q", name, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		reason := rapid.String().Draw(t, "reason") + string(rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "bytes"))
		payload := closePayload(1000, reason)
		if len(payload) > maxControl || !utf8.Valid(payload[2:]) || !strings.HasPrefix(reason, string(payload[2:])) {
			t.Fatalf("got %q", payload)
		}
		if code, bad := parseClose(payload); code != 1000 || bad != nil {
			t.Fatalf("it is read as %v, %v", code, bad)
		}
	})
}

// TestParseCloseCodes goes through all codes.
func TestParseCloseCodes(t *testing.T) {
	for code := range 1 << 16 {
		payload := binary.BigEndian.AppendUint16(nil, uint16(code))
		good := code >= 3000 && code < 5000 ||
			code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006
		got, bad := parseClose(payload)
		if (bad == nil) != good || good && int(got) != code {
			t.Errorf("%d is read as %v, %v", code, got, bad)
		}
		if bad != nil && bad.code != consumer.CloseProtocol {
			t.Errorf("%d is refused with %v", code, bad.code)
		}
	}
	if code, bad := parseClose(nil); code != consumer.CloseNoCode || bad != nil {
		t.Errorf("no payload is read as %v, %v", code, bad)
	}
	if _, bad := parseClose([]byte{3}); bad == nil || bad.code != consumer.CloseProtocol {
		t.Errorf("half a code is refused with %v", bad)
	}
	if _, bad := parseClose([]byte("\x03\xe8\xc3")); bad == nil || bad.code != consumer.CloseNotUTF8 {
		t.Errorf("half a character is refused with %v", bad)
	}
}
