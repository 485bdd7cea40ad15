//go:build linux || darwin

package consumer

import "golang.org/x/sys/unix"

// descriptors returns how many files and sockets the process may have open; 0 if
// there is no limit worth the name.
func descriptors() int {
	const endless = 1 << 30
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur >= endless {
		return 0
	}
	return int(limit.Cur)
}
