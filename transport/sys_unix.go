//go:build unix && (!linux || race)

package transport

import "syscall"

// Reads and writes are those of package syscall: the race detector knows that what
// was written is read, as for sockets of package net.

func sysWrite(fd uintptr, p []byte) (int, error) { return syscall.Write(int(fd), p) }

func sysRead(fd uintptr, p []byte) (int, error) { return syscall.Read(int(fd), p) }
