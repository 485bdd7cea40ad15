//go:build !linux

package transport

import (
	"errors"
	"net"
)

const eventMode = false

var errNoEvents = errors.New("this system has no event mode")

type poller struct{}

func newPoller() (*poller, error) { return nil, errNoEvents }

func (*poller) stop() {}

func (*poller) adopt(*net.TCPConn) (*eventEnd, error) { return nil, errNoEvents }

type eventEnd struct{ blockingEnd }

func (*eventEnd) watch(*conn) error { return errNoEvents }
