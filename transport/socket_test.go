package transport_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/protoway/protoway/consumer"
)

const largest = 16 << 20 // bytes of a message

// TestSizes sends messages of every size at which something changes, as a whole
// and in fragments.
func TestSizes(t *testing.T) {
	t.Parallel()
	inEachWay(t, consumer.Limits{MaxMessageBytes: largest}, func(s *site) {
		t := s.T
		for _, size := range []int{1, 125, 126, 127, 4095, 4096, 65535, 65536, 65537, 1 << 20} {
			payload := strings.Repeat("text", size/4+1)[:size]
			binary := s.dial(t, false)
			go binary.trySend(masked(finBinary, payload))
			binary.gets(said(payload))
			third := size / 3
			go binary.trySend(join(masked(opBinary, payload[:third]), masked(opCont, payload[third:2*third]), masked(finPing, "?"), masked(finCont, payload[2*third:])))
			binary.gets(pong("?"), said(payload))
			binary.alive()
			_ = binary.Close()
			text := s.dial(t, true, masked(finText, payload)) // and behind the request
			text.gets(saidText(payload))
			text.alive()
			_ = text.Close()
		}
	})
}

// TestLargest sends a message that has exactly the limit.
func TestLargest(t *testing.T) {
	t.Parallel()
	payload := strings.Repeat("sixteen megabyte", largest/16)
	message := masked(finText, payload)
	inEachWay(t, consumer.Limits{MaxMessageBytes: largest}, func(s *site) {
		t := s.T
		c := s.dial(t, true)
		go c.trySend(message)
		c.gets(saidText(payload))
		c.alive()
		_ = c.Close()
	})
}

// trySend is send for another goroutine: who reads sees what is missing.
func (c *rawClient) trySend(b []byte) { _, _ = c.Write(b) }

// TestTooLarge: what is above the limit is refused, and the connection ends by
// itself, though the client says nothing.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	const limit = 1 << 20
	message := make([]byte, limit+1)
	exact := join(masked(opBinary, message[:limit/2]), masked(opCont, message[:limit/2]), masked(finCont, ""))
	inEachWay(t, consumer.Limits{MaxMessageBytes: limit}, func(s *site) {
		t := s.T
		t.Parallel()
		c := s.dial(t, false)
		c.send(exact)
		c.gets(said(string(message[:limit])))
		c.send(closing(1000, ""))
		c.gets(frame{finClose, "\x03\xe8"})
		s.endsWith(t, 1000)
		for name, b := range map[string][]byte{
			"whole":       masked(finBinary, message),
			"fragments":   join(masked(opBinary, message[:limit/2]), masked(opCont, message[:limit/2]), masked(finCont, "x")),
			"header only": masked(finBinary, message)[:14],
		} {
			t.Run(name, func(t *testing.T) {
				c := s.dial(t, false)
				go c.trySend(b)
				if reason := c.getsClose(consumer.CloseMessageBig); !strings.Contains(reason, fmt.Sprint(limit)) {
					t.Errorf("the reason is %q", reason)
				}
				s.endsWith(t, consumer.CloseMessageBig)
				if f, err := c.tryRead(); err == nil {
					t.Errorf("the stream goes on with %v", f)
				}
			})
		}
	})
}

// TestPipelined sends many messages without waiting, in pieces that have nothing
// to do with frames.
func TestPipelined(t *testing.T) {
	t.Parallel()
	inEachWay(t, consumer.Limits{MaxMessageBytes: largest}, func(s *site) {
		t := s.T
		const count = 5000
		c := s.dial(t, false)
		var all []byte
		for i := range count {
			all = append(all, masked(finBinary, fmt.Sprintf("%d %s", i, long[:i%len(long)]))...)
		}
		go func() {
			for step := 1; len(all) > 0; step = step*7%9973 + 1 {
				n := min(step, len(all))
				c.trySend(all[:n])
				all = all[n:]
			}
		}()
		for i := range count {
			c.gets(said(fmt.Sprintf("%d %s", i, long[:i%len(long)])))
		}
	})
}

// TestHalfOpen: a client that ends its direction without a word has ended.
func TestHalfOpen(t *testing.T) {
	t.Parallel()
	inEachWay(t, consumer.Limits{MaxMessageBytes: 1 << 20}, func(s *site) {
		t := s.T
		for name, b := range map[string][]byte{
			"at rest":               nil,
			"inside a header":       {finBinary},
			"inside a message":      masked(finBinary, long)[:100],
			"inside of fragments":   masked(opBinary, long),
			"behind many bytes":     masked(opBinary, make([]byte, 6000)),
			"behind very many":      masked(finBinary, make([]byte, 300_000))[:200_000],
			"behind what is broken": masked(finBinary|0x70, ""),
		} {
			t.Run(name, func(t *testing.T) {
				// All comes with the request, the end of the stream too: nothing
				// comes later that would wake a reader.
				conn, _ := s.connect(t)
				c := &rawClient{TB: t, Conn: conn}
				request := upgradeLine + "Sec-WebSocket-Protocol: mirror.binary\r\n\r\n"
				c.send(append([]byte(request), b...))
				c.closeWrite()
				want := consumer.CloseAbnormal
				if strings.Contains(name, "broken") {
					want = consumer.CloseProtocol
				}
				s.endsWith(t, want)
				if _, err := io.Copy(io.Discard, conn); err != nil {
					t.Errorf("the stream ends with %v", err)
				}
			})
		}
	})
}

func TestReset(t *testing.T) {
	t.Parallel()
	inEachWay(t, consumer.Limits{MaxMessageBytes: 1 << 20}, func(s *site) {
		t := s.T
		for _, b := range [][]byte{nil, masked(finBinary, long)[:100], masked(opText, long), masked(finBinary, "/flood 200")} {
			c := s.dial(t, false)
			c.send(b)
			if strings.Contains(string(b), string(masked(finBinary, "/flood 200"))) {
				c.read() // it has begun
			}
			if err := c.tcp.SetLinger(0); err != nil {
				t.Fatal(err)
			}
			_ = c.tcp.Close()
			s.endsWith(t, consumer.CloseAbnormal)
		}
		if n := s.server.Stats().Connections; n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
}

// TestServerCloses: with a code and a reason, and then it waits for the answer.
func TestServerCloses(t *testing.T) {
	t.Parallel()
	inEachWay(t, consumer.Limits{}, func(s *site) {
		t := s.T
		t.Parallel()
		answers := s.dial(t, false, masked(finBinary, "before"), masked(finBinary, "/close grüße"))
		answers.gets(said("before"))
		if reason := answers.getsClose(consumer.CloseByServer); reason != "grüße" {
			t.Errorf("the reason is %q", reason)
		}
		answers.send(join(masked(finBinary, "too late"), masked(finPing, "too late"), closing(4003, "")))
		answers.ends()
		s.endsWith(t, consumer.CloseByServer)

		silent := s.dial(t, false, masked(finBinary, "/close"))
		began := time.Now()
		silent.getsClose(consumer.CloseByServer)
		if f, err := silent.tryRead(); err == nil {
			t.Errorf("the stream goes on with %v", f)
		}
		if took := time.Since(began); took < 4*time.Second {
			t.Errorf("it was cut after %v", took)
		}
		s.endsWith(t, consumer.CloseByServer)
	})
}

func TestShutdownSaysGoingAway(t *testing.T) {
	t.Parallel()
	inEachWay(t, consumer.Limits{}, func(s *site) {
		t := s.T
		c := s.dial(t, false)
		c.alive()
		go s.end()
		c.getsClose(consumer.CloseGoingAway)
		c.send(closing(1001, ""))
		c.ends()
		s.endsWith(t, consumer.CloseGoingAway)
	})
}
