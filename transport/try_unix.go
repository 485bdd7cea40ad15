//go:build unix

package transport

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// canTry says that a socket can be asked what it takes or has without blocking.
const canTry = true

// Reads and writes are those of package syscall: the race detector knows that what
// was written is read, as for sockets of package net.

// tryWrite writes what the socket takes.
func tryWrite(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), p)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN):
			return 0, nil
		case err != nil:
			return 0, err
		default:
			return n, nil
		}
	}
}

// tryRead reads what the socket has; errEmpty if that is nothing.
func tryRead(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), p)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN):
			return 0, errEmpty
		case err != nil:
			return 0, err
		default:
			return eof(n, nil)
		}
	}
}

// writable reports whether the socket takes something.
func writable(fd uintptr) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}} //nolint:gosec // descriptors are small
	n, err := unix.Poll(fds, 0)
	return err != nil || n > 0
}
