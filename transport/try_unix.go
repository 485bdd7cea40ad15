//go:build unix

package transport

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// canTry says that a socket can be asked what it takes or has without blocking.
const canTry = true

// tryWrite writes what the socket takes.
func tryWrite(fd uintptr, p []byte) (int, error) {
	for {
		n, err := sysWrite(fd, p)
		switch {
		case err == nil:
			return n, nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN):
			return 0, nil
		default:
			return 0, err
		}
	}
}

// tryRead reads what the socket has; errEmpty if that is nothing.
func tryRead(fd uintptr, p []byte) (int, error) {
	for {
		n, err := sysRead(fd, p)
		switch {
		case err == nil:
			return eof(n, nil)
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN):
			return 0, errEmpty
		default:
			return 0, err
		}
	}
}

// writable reports whether the socket takes something.
func writable(fd uintptr) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}} //nolint:gosec // descriptors are small
	n, err := unix.Poll(fds, 0)
	return err != nil || n > 0
}
