package load_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/protoway/protoway/cmd/internal/load"
)

// unmasked turns a frame of a client into one of a server.
func unmasked(frame []byte) []byte {
	header := 2
	switch frame[1] & 0x7f {
	case 126:
		header = 4
	case 127:
		header = 10
	}
	key, payload := frame[header:header+4], bytes.Clone(frame[header+4:])
	for i := range payload {
		payload[i] ^= key[i%4]
	}
	head := bytes.Clone(frame[:header])
	head[1] &= 0x7f
	return append(head, payload...)
}

func TestFramesOfAllSizes(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 9, 125, 126, 65535, 65536, 70001} {
		payload := strings.Repeat("abcdefghijk", n/11+1)[:n]
		frame := load.Frame(2, 0x12345678, []byte(payload))
		if binary.LittleEndian.Uint32(frame[len(frame)-n-4:]) != 0x12345678 {
			t.Fatalf("%d bytes: the key is not where it belongs", n)
		}
		whole := unmasked(frame)
		cut := len(whole) / 2
		messages, _, err := load.Stream(whole, whole[:cut], whole[cut:])
		if err != nil || !slices.Equal(messages, []string{payload, payload}) {
			t.Errorf("%d bytes: got %d messages, %v", n, len(messages), err)
		}
	}
}

func TestStreams(t *testing.T) {
	messages, pings, err := load.Stream([]byte("\x02\x01a\x89\x01p\x00\x01b\x8a\x00\x80\x01c\x82\x01d\x88\x05\x03\xf5why"))
	if !slices.Equal(messages, []string{"abc", "d"}) || !slices.Equal(pings, []string{"p"}) {
		t.Errorf("messages %q, pings %q", messages, pings)
	}
	if err == nil || err.Error() != "closed by the server with 1013 why" {
		t.Errorf("the close frame is %v", err)
	}
	for text, want := range map[string]string{
		"\x82\x81": "masked", "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff": "a frame of 9223372036854775807 bytes",
	} {
		if _, _, err := load.Stream([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// sink takes everything.
type sink struct{ acks, deliveries int }

func (*sink) Welcomed([]byte)        {}
func (*sink) Joined([]byte)          {}
func (s *sink) Acked(uint64, string) { s.acks++ }
func (s *sink) Delivered()           { s.deliveries++ }

func protocol(t testing.TB, dialect string) load.Protocol {
	t.Helper()
	s, err := load.NewScript(load.ScriptBench, dialect, 100, "room")
	if err != nil {
		t.Fatal(err)
	}
	s.Event = "event"
	p, err := load.NewProtocol(dialect, s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAllocsPerMessage(t *testing.T) {
	s := &sink{}
	for dialect, message := range map[string][]byte{
		load.DialectBinary:      []byte("\x0a\x04\x10\x01\x22\x00\x0a\x0d\x1a\x0b\x0a\x05event\x22\x02ro"),
		load.DialectJSON:        []byte(`{"type":"event","body":{},"group":"ro"}`),
		load.DialectProtoSocket: []byte(`{"headers":{"messageType":"event"},"body":{}}`),
		load.DialectOpcode:      []byte("Pxxx"),
	} {
		p := protocol(t, dialect)
		before, buffer := s.deliveries, make([]byte, 0, 1<<10)
		n := testing.AllocsPerRun(100, func() {
			buffer = p.Say(buffer[:0], load.Request, 7)
			if err := p.Read(message, s); err != nil {
				t.Error(err)
			}
		})
		if n != 0 || s.deliveries-before != 101 {
			t.Errorf("%s: %v allocations, %d deliveries", dialect, n, s.deliveries-before)
		}
	}
}

func FuzzStream(f *testing.F) {
	f.Add([]byte("\x02\x01a\x80\x01b"), 1)
	f.Add([]byte("\x82\x7e\x00\x80"), 3)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		once, _, onceErr := load.Stream(b)
		cut = max(0, min(cut, len(b)))
		twice, _, twiceErr := load.Stream(b[:cut], b[cut:])
		if !slices.Equal(once, twice) || (onceErr == nil) != (twiceErr == nil) {
			t.Errorf("at once %q %v, in pieces %q %v", once, onceErr, twice, twiceErr)
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("\x0a\x04\x10\x01\x22\x00"))
	f.Add([]byte(`{"re":1,"ack":{"code":"not_found"}}`))
	f.Add([]byte(`{"headers":{"messageType":"ack","uuid":"x-1-2"},"body":{"uuid":"x","errorMessage":"m","errorCode":4}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, dialect := range load.Dialects() {
			s := &sink{}
			if err := protocol(t, dialect).Read(b, s); err == nil && s.acks+s.deliveries > len(b) {
				t.Errorf("%s: %d acks and deliveries of %d bytes", dialect, s.acks, len(b))
			}
		}
	})
}
