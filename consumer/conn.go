package consumer

import (
	"strconv"
	"time"
)

// Conn is the transport under a consumer. A transport calls [Consumer.Receive]
// for each message it reads, from one goroutine at a time, and [Consumer.Closed]
// once, after the last.
type Conn interface {
	// Attach is called once, before everything else, with whose connection it is.
	Attach(c *Consumer)
	// Write sends messages in their order and does not block. It reports whether
	// the network has taken them all; if not, the connection keeps what is left and
	// calls [Consumer.Written] once that was taken, and Write is not called before.
	// It is called from one goroutine at a time. The messages are valid during the
	// call.
	Write(messages [][]byte, text bool) (done bool, err error)
	// Close starts to end the connection with a close code and does not block.
	Close(code CloseCode, reason string)
	// Partial returns since when a message has been coming in that is not complete;
	// the zero time if there is none.
	Partial() time.Time
	// Abort ends the connection at once, also while a write waits. The other side learns
	// no code; code is what Closed is told.
	Abort(code CloseCode)
}

// Headroom is how many bytes a [HeadroomConn] gets in front of a message.
const Headroom = 10

// HeadroomConn is a [Conn] that writes one message from where it stands. Most
// writes are of that kind: an answer on a connection that has no other to write.
type HeadroomConn interface {
	Conn
	// WriteOne is Write for one message, which is behind the first [Headroom] bytes
	// of buffer. These may be used for the transport's own header.
	WriteOne(buffer []byte, text bool) (done bool, err error)
}

// CloseCode is the status code of a WebSocket close frame. From 4000 to 4499 and
// for 1001, 1006, 1011, 1012 and 1013 a client reconnects, with backoff; from
// 4500 on and for all others it does not.
type CloseCode int

// The close codes of the gateway.
const (
	CloseNormal       CloseCode = 1000 // the client asked for it
	CloseGoingAway    CloseCode = 1001 // the server shuts down
	CloseProtocol     CloseCode = 1002 // the client broke the rules of WebSockets
	CloseNoCode       CloseCode = 1005 // the client stated no code; never sent
	CloseAbnormal     CloseCode = 1006 // the connection was cut; never sent
	CloseNotUTF8      CloseCode = 1007 // a text of the client is not UTF-8
	CloseMessageBig   CloseCode = 1009 // a message was larger than the server reads
	CloseInternal     CloseCode = 1011 // the server failed, and not in a receiver
	CloseTryLater     CloseCode = 1013 // the server has no room for the handshake
	CloseSlow         CloseCode = 4000 // the client read too slowly: its queue is full or a write was stuck
	CloseIdle         CloseCode = 4001 // nothing was heard from the client for three heartbeats
	CloseHandshake    CloseCode = 4002 // no Hello within the handshake timeout
	CloseByServer     CloseCode = 4003 // a receiver or the server API closed it
	CloseTooFast      CloseCode = 4004 // the client went on sending faster than it may
	CloseTooMany      CloseCode = 4005 // the user has as many connections as allowed
	CloseStalled      CloseCode = 4006 // a message was begun and not completed in time
	CloseNoHello      CloseCode = 4500 // the first frame was not Hello
	CloseRefused      CloseCode = 4501 // a receiver's Connected refused it
	CloseDisconnected CloseCode = 4502 // a receiver closed it for good
)

// Reconnect reports whether a client should connect again after this code.
func (c CloseCode) Reconnect() bool {
	switch c {
	case CloseGoingAway, CloseAbnormal, CloseInternal, 1012, CloseTryLater:
		return true
	default:
		return c >= 4000 && c < 4500
	}
}

// String returns the number.
func (c CloseCode) String() string { return strconv.Itoa(int(c)) }
