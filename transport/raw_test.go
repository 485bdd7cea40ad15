package transport_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/protoway/protoway/consumer"
)

// The first bytes of frames.
const (
	fin         = 0x80
	opCont      = 0x0
	opText      = 0x1
	opBinary    = 0x2
	opClose     = 0x8
	opPing      = 0x9
	opPong      = 0xA
	finText     = fin | opText
	finBinary   = fin | opBinary
	finCont     = fin | opCont
	finClose    = fin | opClose
	finPing     = fin | opPing
	finPong     = fin | opPong
	maskedBit   = 0x80
	testMask    = "\x37\xfa\x21\x3d"
	upgradeLine = "GET /ws HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)

// frame is what comes from a server.
type frame struct {
	first   byte
	payload string
}

func (f frame) String() string {
	return fmt.Sprintf("%02x %.40q (%d bytes)", f.first, f.payload, len(f.payload))
}

// lengthOf spells a length in its shortest form, with the bit of the mask.
func lengthOf(n int, mask byte) []byte {
	switch {
	case n <= 125:
		return []byte{mask | byte(n)}
	case n <= 0xFFFF:
		return binary.BigEndian.AppendUint16([]byte{mask | 126}, uint16(n))
	default:
		return binary.BigEndian.AppendUint64([]byte{mask | 127}, uint64(n))
	}
}

// masked spells a client's frame.
func masked[T string | []byte](first byte, payload T) []byte {
	b := append([]byte{first}, lengthOf(len(payload), maskedBit)...)
	b = append(b, testMask...)
	at := len(b)
	b = append(b, payload...)
	for i := range b[at:] {
		b[at+i] ^= testMask[i%4]
	}
	return b
}

// closing spells a client's close frame.
func closing(code int, reason string) []byte {
	return masked(finClose, append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...))
}

func join(frames ...[]byte) []byte { return bytes.Join(frames, nil) }

// rawClient speaks bytes.
type rawClient struct {
	testing.TB
	net.Conn
	tcp *net.TCPConn
	r   *bufio.Reader
}

// dial upgrades a connection to a WebSocket, with bytes right behind the request.
func (s *site) dial(t testing.TB, text bool, behind ...[]byte) *rawClient {
	t.Helper()
	conn, tcp := s.connect(t)
	c := &rawClient{t, conn, tcp, bufio.NewReader(conn)}
	request := upgradeLine + "Sec-WebSocket-Protocol: " + mirror{text: text}.Subprotocol() + "\r\n\r\n"
	c.send(append([]byte(request), join(behind...)...))
	response, err := http.ReadResponse(c.r, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the upgrade is answered %v, %v", response, err)
	}
	return c
}

func (c *rawClient) send(b []byte) {
	c.Helper()
	if _, err := c.Write(b); err != nil {
		c.Fatalf("write: %v", err)
	}
}

// trickle sends one byte at a time, as far as the server takes them.
func (c *rawClient) trickle(b []byte) {
	for i := range b {
		if _, err := c.Write(b[i : i+1]); err != nil {
			return
		}
	}
}

func (c *rawClient) tryRead() (f frame, err error) {
	var head [2]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return f, err
	}
	f.first = head[0]
	length := uint64(head[1])
	switch {
	case length > 127:
		return f, errors.New("a frame of the server is masked")
	case length > 125:
		long := make([]byte, 2+6*(length-126))
		if _, err := io.ReadFull(c.r, long); err != nil {
			return f, err
		}
		length = binary.BigEndian.Uint64(append(make([]byte, 8-len(long)), long...))
	}
	payload := make([]byte, length)
	_, err = io.ReadFull(c.r, payload)
	f.payload = string(payload)
	return f, err
}

// read returns the next frame.
func (c *rawClient) read() frame {
	c.Helper()
	f, err := c.tryRead()
	if err != nil {
		c.Fatalf("read: %v", err)
	}
	return f
}

// gets fails unless the next frames are these.
func (c *rawClient) gets(want ...frame) {
	c.Helper()
	for i, w := range want {
		if got := c.read(); got != w {
			c.Fatalf("frame %d is %v, want %v", i, got, w)
		}
	}
}

// alive fails unless a ping is answered.
func (c *rawClient) alive() {
	c.Helper()
	c.send(masked(finPing, "alive?"))
	c.gets(frame{finPong, "alive?"})
}

// skipTo reads up to a frame that begins so.
func (c *rawClient) skipTo(first byte) frame {
	c.Helper()
	for {
		if f := c.read(); f.first == first {
			return f
		}
	}
}

// refusedWith fails unless the server closes with a code and a reason, whatever
// it answers before, and then ends the stream.
func (c *rawClient) refusedWith(code consumer.CloseCode) {
	c.Helper()
	f := c.skipTo(finClose)
	if len(f.payload) < 3 || binary.BigEndian.Uint16([]byte(f.payload)) != uint16(code) {
		c.Fatalf("the server says %v, want close %v and why", f, code)
	}
	c.send(closing(int(code), ""))
	c.closeWrite()
	c.ends()
}

// getsClose fails unless the next frame is a close frame with a code; its reason
// is returned.
func (c *rawClient) getsClose(code consumer.CloseCode) (reason string) {
	c.Helper()
	f := c.read()
	if f.first != finClose || len(f.payload) < 2 {
		c.Fatalf("the server says %v, want close %v", f, code)
	}
	if got := binary.BigEndian.Uint16([]byte(f.payload)); got != uint16(code) {
		c.Fatalf("the server closes with %d %q, want %v", got, f.payload[2:], code)
	}
	return f.payload[2:]
}

// ends fails unless the stream ends cleanly: with TLS, that is with a goodbye.
func (c *rawClient) ends() {
	c.Helper()
	if f, err := c.tryRead(); !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		c.Fatalf("the stream goes on with %v, %v", f, err)
	}
}

// closeWrite ends this direction.
func (c *rawClient) closeWrite() {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		c.Fatal("the stream cannot be ended")
	}
}
