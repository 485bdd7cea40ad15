package client

import (
	"errors"
	"fmt"

	"github.com/protoway/protoway/status"
)

// CloseError says how a connection ended.
type CloseError struct {
	// Code is the status code of the WebSocket close frame; 1000 if this side
	// closed, 1006 if the connection was cut.
	Code int
	// Reason is for people.
	Reason string
	// Reconnect says whether connecting again makes sense.
	Reconnect bool
}

// Close codes that this side uses; docs/protocol.md lists all.
const (
	closeNormal   = 1000 // the application closed it
	closeProtocol = 1002 // the server did what the protocol does not allow
	closeAbnormal = 1006 // it was cut; never sent
	closeSlow     = 4000 // handlers took too long
	closeIdle     = 4001 // nothing was heard for three heartbeats
)

// Error returns code and reason.
func (e *CloseError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("connection closed with code %d", e.Code)
	}
	return fmt.Sprintf("connection closed with code %d: %s", e.Code, e.Reason)
}

func closed(code int, reason string) *CloseError {
	return &CloseError{Code: code, Reason: reason, Reconnect: reconnects(code)}
}

// reconnects reports whether a client connects again after a close code, see
// docs/protocol.md.
func reconnects(code int) bool {
	switch code {
	case 1001, closeAbnormal, 1011, 1012, 1013:
		return true
	default:
		return code >= 4000 && code < 4500
	}
}

// closedBy returns what an error of a transport says about the end.
func closedBy(err error) *CloseError {
	var stated interface {
		Closed() (code int, reason string)
	}
	if errors.As(err, &stated) {
		return closed(stated.Closed())
	}
	return closed(closeAbnormal, err.Error())
}

// lost is how a call fails whose connection has ended.
func (c *Conn) lost() error {
	cause := c.end.get()
	return status.Canceled.Wrap(cause, "the connection ended: "+cause.Error())
}
