//go:build linux && !race

package transport

import (
	"syscall"
	"unsafe"
)

// The sockets do not block, so that the scheduler need not be told of a call: that
// would cost more than many a read itself. The calls are those for sockets, which
// take a shorter way through the kernel than those for any file.

func sysWrite(fd uintptr, p []byte) (int, error) {
	return sysCall(syscall.SYS_SENDTO, fd, p, syscall.MSG_NOSIGNAL)
}

func sysRead(fd uintptr, p []byte) (int, error) { return sysCall(syscall.SYS_RECVFROM, fd, p, 0) }

func sysCall(number, fd uintptr, p []byte, flags uintptr) (int, error) {
	n, _, failed := syscall.RawSyscall6(number, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), flags, 0, 0) //nolint:gosec // as package syscall does it
	if failed != 0 {
		return 0, failed
	}
	return int(n), nil
}
