package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/protoway/protoway/status"
)

// Dial connects to a gateway by WebSocket; url begins with ws:// or wss://, as
// in "wss://example.com/ws". ctx ends the attempt, not the connection.
//
// Errors are those of [Open]; Unavailable if the server cannot be reached; and,
// if it refuses the upgrade, the code that stands for its HTTP status.
func Dial(ctx context.Context, url string, opts ...Option) (*Conn, error) {
	return dial(ctx, url, newOptions(opts))
}

func dial(ctx context.Context, url string, o *options) (*Conn, error) {
	subprotocol := o.dialect.Subprotocol()
	ws, response, err := websocket.Dial(ctx, url, &websocket.DialOptions{
		HTTPHeader:      o.header,
		Subprotocols:    []string{subprotocol},
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return nil, refused(ctx, response, err)
	}
	ws.SetReadLimit(o.readLimit)
	if spoken := ws.Subprotocol(); spoken != subprotocol {
		_ = ws.CloseNow() // nothing was said yet
		return nil, status.FailedPrecondition.Errorf("the server speaks the subprotocol %q instead of %q", spoken, subprotocol)
	}
	return open(ctx, &socket{ws: ws}, o)
}

// refused returns why there is no connection.
func refused(ctx context.Context, response *http.Response, err error) error {
	if ctx.Err() != nil {
		return status.From(ctx.Err())
	}
	if response == nil {
		return status.Unavailable.Wrap(err, "the server cannot be reached: "+err.Error())
	}
	body, _ := io.ReadAll(response.Body) // at most 1 KiB, which Dial has read
	text := fmt.Sprintf("the server refused the connection with HTTP %d: %s", response.StatusCode, strings.TrimSpace(string(body)))
	failure := codeOf(response.StatusCode).Wrap(&refusal{response.StatusCode, err}, text)
	return failure.After(retryAfter(response.Header.Get("Retry-After"), time.Now()))
}

// refusal is an upgrade that the server, or something in front of it, refused.
type refusal struct {
	status int // of HTTP
	cause  error
}

// Error says how it was refused.
func (r *refusal) Error() string { return r.cause.Error() }

// Unwrap returns the cause.
func (r *refusal) Unwrap() error { return r.cause }

// passing reports whether another attempt may succeed: the server drains, or a
// proxy finds no server.
func (r *refusal) passing() bool {
	switch r.status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	default:
		return false
	}
}

// retryAfter reads a Retry-After header: seconds or a date, RFC 9110 10.2.3; 0 if
// it says nothing.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// codeOf returns the first code that stands for an HTTP status.
func codeOf(httpStatus int) status.Code {
	for code := range status.Code(status.NumCodes) {
		if code != status.OK && code.HTTP() == httpStatus {
			return code
		}
	}
	return status.Unknown
}

// socket is a WebSocket as a connection sees it.
type socket struct {
	ws     *websocket.Conn
	buffer bytes.Buffer // the message that was read last
}

var _ Transport = (*socket)(nil)

// maxKeptRead is the largest read buffer that is kept between messages.
const maxKeptRead = 64 << 10

// Read returns the next message.
func (s *socket) Read(ctx context.Context) (message []byte, text bool, err error) {
	kind, reader, err := s.ws.Reader(ctx)
	if err != nil {
		return nil, false, explain(err)
	}
	if s.buffer.Cap() > maxKeptRead {
		s.buffer = bytes.Buffer{}
	}
	s.buffer.Reset()
	if _, err := s.buffer.ReadFrom(reader); err != nil {
		return nil, false, explain(err)
	}
	return s.buffer.Bytes(), kind == websocket.MessageText, nil
}

// Write sends a message.
func (s *socket) Write(ctx context.Context, message []byte, text bool) error {
	kind := websocket.MessageBinary
	if text {
		kind = websocket.MessageText
	}
	return s.ws.Write(ctx, kind, message)
}

// Close says goodbye, unless the connection was cut.
func (s *socket) Close(code int, reason string) error {
	if code == closeAbnormal {
		return s.ws.CloseNow()
	}
	return s.ws.Close(websocket.StatusCode(code), reason)
}

// socketError is how a WebSocket was closed with a code.
type socketError struct{ cause websocket.CloseError }

// Error says how it was closed.
func (e *socketError) Error() string { return e.cause.Error() }

// Closed returns the close code and the reason.
func (e *socketError) Closed() (code int, reason string) { return int(e.cause.Code), e.cause.Reason }

// explain returns the error of a read with what the server said.
func explain(err error) error {
	var stated websocket.CloseError
	switch {
	case errors.As(err, &stated):
		return &socketError{stated}
	case errors.Is(err, websocket.ErrMessageTooBig):
		return &socketError{websocket.CloseError{Code: websocket.StatusMessageTooBig, Reason: err.Error()}}
	default:
		return err
	}
}
