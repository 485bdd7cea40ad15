package main

import (
	"context"
	"encoding/binary"
	"io"
	"slices"
	"time"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire"
)

// abuse is what is said on a fresh WebSocket, and the close codes that answer it.
type abuse struct {
	name  string
	raw   []byte
	codes []int // nil: any that is documented for a client that says nonsense
}

// nonsense are the codes that random bytes may have: they may be a frame that is
// forbidden, too large, no Hello, or never complete.
var nonsense = []int{closedCut, 1002, 1005, 1007, 1009, 4002, 4500, 1000, 1001, 3000}

// abuse says something and waits until the server has closed the connection.
func (w *worker) abuse(ctx context.Context, a abuse) {
	tcp, err := connect(ctx, w.addr)
	if err != nil {
		w.fail("%v", err)
		return
	}
	s, err := upgrade(tcp, "protoway.v1", false)
	if err != nil {
		_ = tcp.Close()
		w.fail("%v", err)
		return
	}
	_ = s.writeRaw(a.raw) // an error shows when reading
	w.mustEnd(s, a)
}

// mustEnd reads, without an answer, until the server has given the connection up.
func (w *worker) mustEnd(s *socket, a abuse) {
	defer func() { _ = s.tcp.Close() }()
	code := closedCut
	_ = s.tcp.SetReadDeadline(time.Now().Add(patience))
	for {
		opcode, payload, err := s.next()
		if err == nil && opcode == opClose && len(payload) >= 2 {
			code = int(binary.BigEndian.Uint16(payload))
			continue
		}
		if err == nil {
			continue
		}
		w.note(func(e *entries) { e.Connections++; e.Closes[code]++ })
		switch {
		case !isCut(err):
			w.fail("%s: the connection did not end: %v", a.name, err)
		case a.codes != nil && !slices.Contains(a.codes, code), a.codes == nil && !slices.Contains(nonsense, code):
			w.fail("%s: closed with %d instead of %v", a.name, code, a.codes)
		}
		return
	}
}

// halfOpenWorker falls silent at some stage, and never says goodbye: the server
// must find out by itself.
func halfOpenWorker(ctx context.Context, w *worker) {
	op := context.WithoutCancel(ctx)
	hello, err := wire.Protobuf.Open(w.catalog, wire.ClientSide).Append(nil, &wire.Frame{Kind: wire.KindHello, Control: &protowayv1.Hello{}})
	if err != nil {
		w.fail("%v", err)
		return
	}
	frame := appendFrame(nil, finBit|opBinary, hello)
	part := appendFrame(nil, finBit|opBinary, make([]byte, 10_000))[:5_000]
	stages := []abuse{
		{"silence before Hello", nil, []int{4002}},
		{"half of Hello", frame[:len(frame)/2], []int{4002}},
		{"pings before Hello", appendFrame(nil, finBit|opPing, nil), []int{4002}},
		{"silence after Hello", frame, []int{4001}},
		{"half of a message", append(slices.Clone(frame), part...), []int{4001}},
		{"a fragment", append(slices.Clone(frame), appendFrame(nil, opBinary, hello)...), []int{4001}},
		{"silence before the request", nil, nil},
		{"half of a request", []byte(request("protoway.v1")[:40]), nil},
	}
	for pause(ctx, time.Duration(w.rand.IntN(1000))*time.Millisecond) {
		stage := stages[w.rand.IntN(len(stages))]
		if stage.codes != nil {
			w.abuse(op, stage)
			continue
		}
		w.silentRequest(op, stage)
	}
}

// silentRequest never ends its request.
func (w *worker) silentRequest(ctx context.Context, a abuse) {
	tcp, err := connect(ctx, w.addr)
	if err != nil {
		w.fail("%v", err)
		return
	}
	defer func() { _ = tcp.Close() }()
	_, _ = tcp.Write(a.raw) // an error shows when reading
	_ = tcp.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, tcp); err != nil && !isCut(err) {
		w.fail("%s: the connection did not end: %v", a.name, err)
	}
	w.note(func(e *entries) { e.Connections++; e.Closes[closedCut]++ })
}
