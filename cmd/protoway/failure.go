package main

import (
	"errors"
	"fmt"
	"io"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// usageError is a mistake in the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// usagef makes an error of the command line: exit code 2. Like every error of
// this tool its text is what was wrong, where, and what to do.
func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// errSaid is the error of a command that has said itself what was wrong: exit
// code 1, and nothing is printed.
var errSaid = errors.New("said already")

// report prints an error and returns the exit code for it.
func report(w io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	if !errors.Is(err, errSaid) {
		fmt.Fprintln(w, "protoway:", err)
	}
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitFailed
}
