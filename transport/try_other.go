//go:build !unix

package transport

import "errors"

const canTry = false

var errUnsupported = errors.New("not on this system")

func tryWrite(uintptr, []byte) (int, error) { return 0, errUnsupported }

func tryRead(uintptr, []byte) (int, error) { return 0, errUnsupported }

func writable(uintptr) bool { return false }
