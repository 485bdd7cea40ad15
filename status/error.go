package status

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// Error is how a frame failed. Its fields reach the client, its cause does not.
type Error struct {
	// Code says what kind of failure it is.
	Code Code
	// Text is for people.
	Text string
	// AppCode is the application's own code; 0 if it stated none.
	AppCode int32
	// RetryAfter is when the frame may be sent again; 0 if not stated.
	RetryAfter time.Duration
	// Details are for programs.
	Details []*anypb.Any

	http  int // instead of the code's
	cause error
}

// Error returns code and text: "not_found: no room \"x\"".
func (e *Error) Error() string {
	if e.AppCode != 0 {
		return fmt.Sprintf("%s %d: %s", e.Code, e.AppCode, e.Text)
	}
	return e.Code.String() + ": " + e.Text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// HTTP returns the HTTP status of the error, which is its Proto Socket code too.
func (e *Error) HTTP() int {
	if e.http != 0 {
		return e.http
	}
	return e.Code.HTTP()
}

// Masked reports whether the text tells nothing, since the cause was not made by
// this package.
func (e *Error) Masked() bool {
	return e.Code == Internal && e.cause != nil && e.Text == internalText
}

// Is reports whether target is an [Error] of the same code and app code without
// a text, so that errors.Is(err, &status.Error{Code: status.NotFound}) works.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Text == "" && t.Code == e.Code && t.AppCode == e.AppCode
}

// WithDetail returns a copy of e with one more detail. A detail that cannot be
// serialized is left out, since an error must not fail.
func (e *Error) WithDetail(detail proto.Message) *Error {
	c := *e
	packed, err := anypb.New(detail)
	if err != nil {
		return &c
	}
	c.Details = append(append([]*anypb.Any(nil), e.Details...), packed)
	return &c
}

// internalText is all that a client learns about an error that was not made by
// this package.
const internalText = "internal error"

// From returns err as an [Error]; nil stays nil. It is the only place that maps
// context errors: Canceled and DeadlineExceeded. Any other error is Internal with
// a text that tells nothing.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var coded *Error
	switch {
	case errors.As(err, &coded) && coded != nil:
		return coded
	case errors.Is(err, context.Canceled):
		return Canceled.Wrap(err, "canceled")
	case errors.Is(err, context.DeadlineExceeded):
		return DeadlineExceeded.Wrap(err, "deadline exceeded")
	default:
		return Mask(err)
	}
}

// CodeOf returns the code of err: OK for nil.
func CodeOf(err error) Code {
	if err == nil {
		return OK
	}
	return From(err).Code
}
