//go:build !linux

package load

import "crypto/tls"

// newDriver returns the best driver for a dialer.
func newDriver(size int, _ *tls.Config, failed func(*conn, error)) (driver, error) {
	return newGoroutines(size, failed), nil
}
