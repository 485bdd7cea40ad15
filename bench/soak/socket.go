package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
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

// finBit is set in the last frame of a message.
const finBit = 0x80

// socket is the client's side of a WebSocket, made by hand: it may break every
// rule. Writes may come from several goroutines, reads from one.
type socket struct {
	tcp *net.TCPConn
	in  *bufio.Reader

	mu sync.Mutex // held while writing
}

// connect opens a TCP connection.
func connect(ctx context.Context, addr string) (*net.TCPConn, error) {
	conn, err := (&net.Dialer{Timeout: patience, KeepAlive: -1}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// request is an upgrade.
func request(subprotocol string) string {
	offer := ""
	if subprotocol != "" {
		offer = "Sec-WebSocket-Protocol: " + subprotocol + "\r\n"
	}
	return "GET /ws HTTP/1.1\r\nHost: soak\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" + offer + "\r\n"
}

// upgrade makes a TCP connection a WebSocket. A small buffer of the kernel lets a
// client that does not read be noticed soon.
func upgrade(tcp *net.TCPConn, subprotocol string, small bool) (*socket, error) {
	if small {
		if err := tcp.SetReadBuffer(4 << 10); err != nil {
			return nil, err
		}
	}
	_ = tcp.SetDeadline(time.Now().Add(patience)) // an error shows when it is used
	if _, err := io.WriteString(tcp, request(subprotocol)); err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(tcp, 4<<10)
	response, err := http.ReadResponse(in, nil)
	if err != nil {
		return nil, err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("the upgrade was refused: %s", response.Status)
	}
	_ = tcp.SetDeadline(time.Time{})
	return &socket{tcp: tcp, in: in}, nil
}

// appendFrame appends a frame, masked as a client must.
func appendFrame(dst []byte, first byte, payload []byte) []byte {
	dst = append(dst, first)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, 0x80|byte(n))
	case n <= 0xFFFF:
		dst = binary.BigEndian.AppendUint16(append(dst, 0x80|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 0x80|127), uint64(n))
	}
	var mask [4]byte
	binary.LittleEndian.PutUint32(mask[:], rand.Uint32()) //nolint:gosec // a mask hides nothing here
	dst = append(dst, mask[:]...)
	for i, b := range payload {
		dst = append(dst, b^mask[i&3])
	}
	return dst
}

// write sends one frame.
func (s *socket) write(first byte, payload []byte) error {
	return s.writeRaw(appendFrame(make([]byte, 0, len(payload)+14), first, payload))
}

// writeRaw sends bytes as they are.
func (s *socket) writeRaw(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.tcp.SetWriteDeadline(time.Now().Add(patience))
	_, err := s.tcp.Write(b)
	return err
}

// dribble sends bytes one by one, with nothing between them.
func (s *socket) dribble(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range b {
		if _, err := s.tcp.Write(b[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

// next reads one frame of the server, which are whole messages or control frames.
func (s *socket) next() (opcode byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(s.in, head[:]); err != nil {
		return 0, nil, err
	}
	if head[0]&finBit == 0 || head[1]&0x80 != 0 {
		return 0, nil, errors.New("the server sent a fragment or a masked frame")
	}
	length := uint64(head[1])
	if length >= 126 {
		var wide [8]byte
		size := 2
		if length == 127 {
			size = 8
		}
		if _, err := io.ReadFull(s.in, wide[8-size:]); err != nil {
			return 0, nil, err
		}
		length = binary.BigEndian.Uint64(wide[:])
	}
	if length > 64<<20 {
		return 0, nil, fmt.Errorf("the server announced a frame of %d bytes", length)
	}
	payload = make([]byte, length)
	_, err = io.ReadFull(s.in, payload)
	return head[0] & 0x0F, payload, err
}

// reset ends the connection without a word to the peer but RST.
func (s *socket) reset() {
	_ = s.tcp.SetLinger(0)
	_ = s.tcp.Close()
}

// isCut reports whether an error of a read means that the server ended the
// connection without a close frame.
func isCut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "reset by peer")
}

// isTimeout reports whether a deadline has passed.
func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
