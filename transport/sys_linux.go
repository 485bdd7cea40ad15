//go:build linux && !race

package transport

import (
	"syscall"
	"unsafe"
)

// The descriptors do not block, so that the scheduler need not be told of a call:
// that would cost more than many a read itself.

func sysWrite(fd uintptr, p []byte) (int, error) { return sysCall(syscall.SYS_WRITE, fd, p) }

func sysRead(fd uintptr, p []byte) (int, error) { return sysCall(syscall.SYS_READ, fd, p) }

func sysCall(number, fd uintptr, p []byte) (int, error) {
	n, _, failed := syscall.RawSyscall(number, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p))) //nolint:gosec // as package syscall does it
	if failed != 0 {
		return 0, failed
	}
	return int(n), nil
}
