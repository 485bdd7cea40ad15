package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Sizes of an event loop.
const (
	loopEvents = 512
	loopBuffer = 256 << 10
	// edge is EPOLLET, which package syscall has as a negative number.
	edge = 1 << 31
)

// epoll is the driver that costs least: one goroutine for all connections, one
// buffer, and a system call to read and one to write for whatever came at once.
type epoll struct {
	fd      int
	failed  func(c *conn, err error)
	buffer  []byte
	events  []syscall.EpollEvent
	touched []*conn // by step

	mu      sync.Mutex // guards sockets, while connections are added
	sockets []socket   // by the index of the connection
}

// socket is a connection and its descriptor; that of no connection is 0.
type socket struct {
	c  *conn
	fd int
}

var _ driver = (*epoll)(nil)

// newDriver returns the best driver for a dialer.
func newDriver(size int, secure *tls.Config, failed func(*conn, error)) (driver, error) {
	if secure != nil {
		return newGoroutines(size, failed), nil
	}
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	return &epoll{
		fd: fd, failed: failed, buffer: make([]byte, loopBuffer),
		events: make([]syscall.EpollEvent, loopEvents), sockets: make([]socket, size),
	}, nil
}

// add takes the descriptor out of the hands of the runtime, whose poller would
// wake up for each packet.
func (e *epoll) add(c *conn, nc net.Conn) error {
	fd, err := duplicate(nc)
	_ = nc.Close()
	if err != nil {
		return err
	}
	e.mu.Lock()
	e.sockets[c.index] = socket{c, fd}
	e.mu.Unlock()
	event := syscall.EpollEvent{
		Events: syscall.EPOLLIN | syscall.EPOLLOUT | syscall.EPOLLRDHUP | edge,
		Fd:     int32(c.index), //nolint:gosec // fewer than descriptors
	}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(e.fd, syscall.EPOLL_CTL_ADD, fd, &event))
}

func duplicate(nc net.Conn) (fd int, err error) {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return 0, fmt.Errorf("a %T has no descriptor", nc)
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0, err
	}
	controlled := raw.Control(func(of uintptr) {
		if fd, err = syscall.Dup(int(of)); err == nil {
			syscall.CloseOnExec(fd)
		}
	})
	return fd, errors.Join(controlled, os.NewSyscallError("dup", err))
}

func (e *epoll) run(ctx context.Context, step func() time.Duration) error {
	for {
		wait := step()
		for _, c := range e.touched {
			e.flush(e.sockets[c.index])
		}
		e.touched = e.touched[:0]
		if wait < 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		// Rounded down: what is less than a millisecond away is waited for without
		// sleeping, since its latency is measured from the time it was due.
		n, err := syscall.EpollWait(e.fd, e.events, int(min(wait, longestWait)/time.Millisecond))
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return os.NewSyscallError("epoll_wait", err)
		}
		for i := range max(n, 0) {
			e.handle(&e.events[i])
		}
	}
}

func (e *epoll) handle(event *syscall.EpollEvent) {
	e.mu.Lock()
	s := e.sockets[event.Fd]
	e.mu.Unlock()
	if s.fd == 0 {
		return
	}
	if err := e.read(s, event.Events&^uint32(syscall.EPOLLIN|syscall.EPOLLOUT) != 0); err != nil {
		e.drop(s, err)
		return
	}
	e.flush(s)
}

// read reads all there is: nothing more is said about it. If it came short, only
// the end can be left.
func (e *epoll) read(s socket, ended bool) error {
	for {
		n, err := syscall.Read(s.fd, e.buffer)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			return nil
		case err != nil:
			return os.NewSyscallError("read", err)
		case n == 0:
			return errLost
		}
		if err := s.c.feed(e.buffer[:n]); err != nil {
			return err
		}
		if n < len(e.buffer) && !ended {
			return nil
		}
	}
}

// flush writes what is to be sent, as far as the socket takes it.
func (e *epoll) flush(s socket) {
	if s.fd == 0 || len(s.c.out) == 0 {
		return
	}
	b := s.c.out
	for len(b) > 0 {
		n, err := syscall.Write(s.fd, b)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if errors.Is(err, syscall.EAGAIN) {
			break
		}
		if err != nil {
			e.drop(s, os.NewSyscallError("write", err))
			return
		}
		b = b[n:]
	}
	s.c.out = append(s.c.out[:0], b...)
}

func (e *epoll) do(fn func()) { fn() }

func (e *epoll) dirty(c *conn) { e.touched = append(e.touched, c) }

// drop ends a connection.
func (e *epoll) drop(s socket, err error) {
	e.sockets[s.c.index].fd = 0
	_ = syscall.Close(s.fd)
	s.c.failed = err
	e.failed(s.c, err)
}

func (e *epoll) close() {
	if e.fd < 0 {
		return
	}
	for i, s := range e.sockets {
		if s.fd != 0 {
			_ = syscall.Close(s.fd)
			e.sockets[i].fd = 0
		}
	}
	_ = syscall.Close(e.fd)
	e.fd = -1
}
