package transport

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/protoway/protoway/consumer"
)

// TestEndBehindMuch: events are told once, so of a socket that has more than one
// turn reads, and the end of its stream behind that, all is read and the end found.
func TestEndBehindMuch(t *testing.T) {
	const frames, turn = 1200, loopReads * loopBuffer
	sent := bytes.Repeat(masked(bitFin|opBinary, make([]byte, 1000), "mask"), frames)
	if len(sent) < 2*turn {
		t.Fatalf("%d bytes are read in two turns", len(sent))
	}
	for name, end := range map[string]func(fd int) error{
		"ends": func(fd int) error { return unix.Shutdown(fd, unix.SHUT_WR) },
		"says goodbye": func(fd int) error {
			_, err := unix.Write(fd, masked(bitFin|opClose, nil, "mask"))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := filledSocket(t, sent)
			if err := end(theirs); err != nil {
				t.Fatal(err)
			}
			p, err := newPoller()
			if err != nil {
				t.Fatal(err)
			}
			defer p.stop()
			e := &eventEnd{fd: ours, loop: p.loops[0]}
			from := &tape{}
			done := make(chan struct{})
			c := &conn{limits: newReadLimits(tapeLimit), end: e, ended: func() { close(done) }}
			s := newStation(t)
			s.node.Open(c, consumer.Opening{Path: s.path, Dialect: from})
			if err := e.watch(c); err != nil {
				t.Fatal(err)
			}
			<-done
			if len(from.messages) != frames {
				t.Errorf("%d messages came, want %d", len(from.messages), frames)
			}
		})
	}
}

// filledSocket returns a socket that has bytes to be read, and its other side.
func filledSocket(t *testing.T, b []byte) (ours, theirs int) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(pair[1]) })
	if err := unix.SetsockoptInt(pair[1], unix.SOL_SOCKET, unix.SO_SNDBUF, 2*len(b)); err != nil {
		t.Fatal(err)
	}
	for len(b) > 0 {
		n, err := unix.Write(pair[1], b)
		if err != nil {
			t.Fatalf("%d bytes do not fit: %v", len(b), err)
		}
		b = b[n:]
	}
	return pair[0], pair[1]
}
