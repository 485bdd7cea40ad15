package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	soakv1 "github.com/protoway/protoway/bench/gen/soak/v1"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire"
)

// chaosWorker sends frames that are well-formed, mutated or noise. Each whose id
// another decoder can read is acked once, and the connection stays, or it is
// closed for load.
func chaosWorker(ctx context.Context, w *worker) {
	op := context.WithoutCancel(ctx)
	for pause(ctx, 50*time.Millisecond) {
		p, err := w.dial(op, w.ledger, dialing{json: w.number%2 == 1})
		if err != nil {
			w.failUnless(ctx, err)
			continue
		}
		for range 50 {
			for range 1 + w.rand.IntN(5) {
				w.mangle(p)
			}
			p.drain(op)
			if p.isOver() || !pause(ctx, 5*time.Millisecond) {
				break
			}
		}
		if _, err := p.call(op, &soakv1.Echo{}); err == nil {
			p.drain(op)
			p.close()
			continue
		}
		if <-p.done; p.code != 4000 && p.code != 1013 {
			w.fail("mutated frames ended the connection with %d", p.code)
		}
	}
}

// mangle sends a message of some frames.
func (w *worker) mangle(p *peer) {
	var message []byte
	frames := 1
	if p.dialect.Joins() {
		frames += w.rand.IntN(5)
	}
	for range frames {
		encoded, err := p.session.Append(nil, w.anyFrame(p))
		if err != nil {
			w.fail("%v", err)
			return
		}
		if w.rand.IntN(2) == 0 {
			encoded = w.mutate(encoded)
		}
		message = append(message, encoded...)
	}
	if w.rand.IntN(20) == 0 {
		message = w.mutate(message)
	}
	if p.dialect.Text() { // else the transport ends the connection
		message = bytes.ToValidUTF8(message, []byte("?"))
	}
	p.mu.Lock()
	for _, id := range idsOf(message, p.dialect.Text()) {
		if !p.ended {
			p.await(id, nil)
		}
	}
	p.mu.Unlock()
	_ = p.write(p.opcode(), message) // who reads learns of an error
}

// anyFrame is one of some frames.
func (w *worker) anyFrame(p *peer) *wire.Frame {
	values := []proto.Message{
		&soakv1.Echo{Data: []byte("data")}, &soakv1.Enter{Group: "chaos"}, &soakv1.Publish{Group: "chaos"},
		&soakv1.Nap{Millis: 1}, &soakv1.Nap{Millis: 2, Async: true}, &soakv1.Once{Lane: "a"},
	}
	key := ""
	if w.rand.IntN(3) == 0 {
		key = string(rune('a' + w.rand.IntN(20))) //nolint:gosec // a small number
	}
	f := p.message(values[w.rand.IntN(len(values))], key)
	if w.rand.IntN(5) == 0 {
		f = w.anyControl()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastID++
	f.ID = p.lastID
	return f
}

func (w *worker) anyControl() *wire.Frame {
	switch w.rand.IntN(6) {
	case 0:
		return &wire.Frame{Kind: wire.KindHello, Control: &protowayv1.Hello{Token: "x"}}
	case 1:
		return &wire.Frame{Kind: wire.KindWelcome, Control: &protowayv1.Welcome{}}
	case 2:
		return &wire.Frame{Kind: wire.KindAuthenticate, Control: &protowayv1.Authenticate{Token: "x"}}
	case 3:
		return &wire.Frame{Kind: wire.KindJoined, Control: &protowayv1.Joined{Group: "chaos"}}
	case 4:
		return &wire.Frame{Kind: wire.KindSettled, Control: &protowayv1.Settled{Ids: []uint64{1, 2, 3}}}
	default:
		return &wire.Frame{Kind: wire.KindHeartbeat, Control: &protowayv1.Heartbeat{}}
	}
}

// mutate changes, cuts, doubles or replaces bytes.
func (w *worker) mutate(raw []byte) []byte {
	raw = slices.Clone(raw)
	for range 1 + w.rand.IntN(3) {
		if len(raw) == 0 {
			return raw
		}
		at := w.rand.IntN(len(raw))
		switch w.rand.IntN(5) {
		case 0:
			raw[at] = byte(w.rand.Uint32()) //nolint:gosec // any byte
		case 1:
			raw[at] ^= 1 << w.rand.IntN(8)
		case 2:
			raw = raw[:at]
		case 3:
			raw = slices.Delete(raw, at, min(at+1+w.rand.IntN(4), len(raw)))
		default:
			raw = slices.Insert(raw, at, byte(w.rand.Uint32())) //nolint:gosec // any byte
		}
	}
	return raw
}

// idsOf returns the ids in a message that ask for an ack, as decoders that are
// not ours read them.
func idsOf(message []byte, text bool) (ids []uint64) {
	if text {
		return idsOfJSON(message)
	}
	for len(message) > 0 && message[0] == 0x0a {
		raw, n := protowire.ConsumeBytes(message[1:])
		if n < 0 {
			break
		}
		message = message[1+n:]
		if id := idOf(raw); id != 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// idOf reads a frame with the generated code or, if that cannot, field by field
// up to the first error.
func idOf(raw []byte) (id uint64) {
	frame := &protowayv1.Frame{}
	if proto.Unmarshal(raw, frame) == nil {
		if frame.GetAck() != nil { // acks are never acked
			return 0
		}
		return frame.GetId()
	}
	for len(raw) > 0 {
		num, typ, n := protowire.ConsumeTag(raw)
		if n < 0 {
			break
		}
		size := protowire.ConsumeFieldValue(num, typ, raw[n:])
		if size < 0 {
			break
		}
		if num == 1 && typ == protowire.VarintType {
			id, _ = protowire.ConsumeVarint(raw[n:])
		}
		raw = raw[n+size:]
	}
	return id
}

func idsOfJSON(text []byte) []uint64 {
	var parts map[string]json.RawMessage
	var id uint64
	if json.Unmarshal(text, &parts) != nil || json.Unmarshal(parts["id"], &id) != nil || id == 0 {
		return nil
	}
	if _, isMessage := parts["type"]; !isMessage && parts["ack"] != nil {
		return nil
	}
	return []uint64{id}
}

// noiseWorker breaks the rules of WebSockets and of the handshake.
func noiseWorker(ctx context.Context, w *worker) {
	op := context.WithoutCancel(ctx)
	for pause(ctx, time.Duration(10+w.rand.IntN(100))*time.Millisecond) {
		raw := make([]byte, 1+w.rand.IntN(200))
		for i := range raw {
			raw[i] = byte(w.rand.Uint32()) //nolint:gosec // any byte
		}
		masked := func(first byte, payload []byte) []byte { return appendFrame(nil, first, payload) }
		unmasked := append([]byte{finBit | opBinary, byte(min(len(raw), 125))}, raw[:min(len(raw), 125)]...)
		huge := append([]byte{finBit | opBinary, 0x80 | 127}, binary.BigEndian.AppendUint64(nil, 1<<62)...)
		abuses := []abuse{
			{"random bytes", raw, nil},
			{"a frame without a mask", unmasked, []int{1002}},
			{"a reserved bit", masked(finBit|0x40|opBinary, raw), []int{1002}},
			{"an opcode of nothing", masked(finBit|0x3, raw), []int{1002}},
			{"a fragmented ping", masked(opPing, []byte("x")), []int{1002}},
			{"a long ping", masked(finBit|opPing, make([]byte, 126)), []int{1002}},
			{"a continuation of nothing", masked(finBit|opContinuation, raw), []int{1002}},
			{"a message inside another one", append(masked(opBinary, raw), masked(opBinary, raw)...), []int{1002}},
			{"a close code that is reserved", masked(finBit|opClose, []byte{0x03, 0xED}), []int{1002}},
			{"a text that is not UTF-8", masked(finBit|opText, []byte{0xFF, 0xFE}), []int{1007}},
			{"a frame that announces too much", append(huge, 1, 2, 3, 4), []int{1009}},
			{"noise for Hello", masked(finBit|opBinary, raw), []int{4500}},
			{"a heartbeat for Hello", masked(finBit|opBinary, []byte{0x0a, 0x02, 0x5a, 0x00}), []int{4500}},
		}
		w.abuse(op, abuses[w.rand.IntN(len(abuses))])
	}
}
