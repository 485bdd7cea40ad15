// Package status says how a frame ended.
//
// A receiver returns an error made by a [Code]; it reaches the client in the
// ack, whatever the client's dialect:
//
//	return nil, status.NotFound.Errorf("no room %q", name)
//
// The one idea: only what was said through this package reaches the wire. Any
// other error is Internal, and its text stays on the server.
package status

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

// Code says how a frame ended. Numbers and meanings are those of gRPC.
type Code int32

// The codes; frame.proto says what each means.
const (
	OK                 = Code(protowayv1.Code_OK)
	Canceled           = Code(protowayv1.Code_CANCELED)
	Unknown            = Code(protowayv1.Code_UNKNOWN)
	InvalidArgument    = Code(protowayv1.Code_INVALID_ARGUMENT)
	DeadlineExceeded   = Code(protowayv1.Code_DEADLINE_EXCEEDED)
	NotFound           = Code(protowayv1.Code_NOT_FOUND)
	AlreadyExists      = Code(protowayv1.Code_ALREADY_EXISTS)
	PermissionDenied   = Code(protowayv1.Code_PERMISSION_DENIED)
	ResourceExhausted  = Code(protowayv1.Code_RESOURCE_EXHAUSTED)
	FailedPrecondition = Code(protowayv1.Code_FAILED_PRECONDITION)
	Aborted            = Code(protowayv1.Code_ABORTED)
	OutOfRange         = Code(protowayv1.Code_OUT_OF_RANGE)
	Unimplemented      = Code(protowayv1.Code_UNIMPLEMENTED)
	Internal           = Code(protowayv1.Code_INTERNAL)
	Unavailable        = Code(protowayv1.Code_UNAVAILABLE)
	DataLoss           = Code(protowayv1.Code_DATA_LOSS)
	Unauthenticated    = Code(protowayv1.Code_UNAUTHENTICATED)
)

// NumCodes is how many codes there are; they are numbered from 0 without a gap.
const NumCodes = int(Unauthenticated) + 1

// Valid reports whether c is one of the codes.
func (c Code) Valid() bool { return c >= 0 && int(c) < NumCodes }

// String returns the name of the code as JSON dialects, logs and metrics show
// it: "not_found".
func (c Code) String() string {
	if !c.Valid() {
		return fmt.Sprintf("code_%d", int32(c))
	}
	return table[c].name
}

// ParseCode returns the code with a name that [Code.String] gives.
func ParseCode(name string) (Code, bool) {
	for code := range table {
		if table[code].name == name {
			return Code(code), true
		}
	}
	return Unknown, false
}

// Errorf makes an error of this code. The text is shown to the client; an error
// wrapped with %w is kept for logs and errors.Is, and is part of the text only
// if it is formatted into it, which %w does.
func (c Code) Errorf(format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	return &Error{Code: c, Text: wrapped.Error(), cause: errors.Unwrap(wrapped)}
}

// Wrap makes an error of this code whose text is shown to the client and whose
// cause is for logs only.
func (c Code) Wrap(cause error, text string) *Error {
	return &Error{Code: c, Text: text, cause: cause}
}

// TooLarge makes an InvalidArgument error about something that has too many
// bytes, which HTTP calls 413.
func TooLarge(format string, args ...any) *Error {
	err := InvalidArgument.Errorf(format, args...)
	err.http = http.StatusRequestEntityTooLarge
	return err
}

// Mask makes an Internal error that tells a client nothing; the cause is for logs.
func Mask(cause error) *Error { return Internal.Wrap(cause, internalText) }

// App makes an error with a code of the application's own, which reaches the
// client unchanged in every dialect.
func App(code int32, format string, args ...any) *Error {
	err := Unknown.Errorf(format, args...)
	err.AppCode = code
	return err
}

// After returns a copy of e that tells the client when the frame may be sent
// again. It is rounded up to milliseconds.
func (e *Error) After(delay time.Duration) *Error {
	c := *e
	c.RetryAfter = delay
	return &c
}
