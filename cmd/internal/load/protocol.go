package load

import (
	"fmt"
	"slices"
	"strings"
)

// Verb is what a scenario has a connection say.
type Verb int

// The verbs.
const (
	Request Verb = iota // to be answered
	Join                // take this connection into the group
	Publish             // tell everybody in the group
	verbs
)

// Message is a message that a verb stands for, in the dialect of the run.
type Message struct {
	// Type is its name on the wire.
	Type string
	// Body is the serialized message, or its JSON in the JSON dialects.
	Body []byte
}

// Script is what the verbs stand for.
type Script struct {
	Messages [verbs]Message
	// Event is the type that counts as a delivery. Empty: every message that
	// answers nothing.
	Event string
}

// Greeting is what a connection says first.
type Greeting struct {
	Token string
	// Secret and Ticket are those of an earlier connection, to be resumed, in the
	// form in which [Sink] got them.
	Secret, Ticket []byte
}

// helloID is the id of the first frame. Those of a scenario are smaller.
const helloID = 1 << 20

// Protocol is how a server is spoken to. One value serves all connections, so it
// keeps nothing about them.
type Protocol interface {
	// Subprotocol is what the upgrade offers; empty: nothing.
	Subprotocol() string
	// Text says that messages are text.
	Text() bool
	// Hello appends the first message; nothing if the protocol has none. It is
	// answered by Welcomed and by an ack of its id.
	Hello(dst []byte, g Greeting) []byte
	// Say appends the message of a verb. If id is not 0, it is to be acked.
	Say(dst []byte, verb Verb, id uint64) []byte
	// Heartbeat appends a sign of life; nothing if the protocol needs none.
	Heartbeat(dst []byte) []byte
	// Read tells what a message of the server holds.
	Read(message []byte, to Sink) error
	// Ordered says that acks come without ids, in the order of what they answer,
	// and for Publish not at all.
	Ordered() bool
}

// Sink is told what came from the server. What it gets is good until it returns.
type Sink interface {
	Welcomed(secret []byte)
	Joined(ticket []byte)
	// Acked ends a frame; code is empty for success. The id is 0 in ordered
	// protocols.
	Acked(id uint64, code string)
	Delivered()
}

// Dialects are the names of the protocols.
const (
	DialectBinary      = "protoway.v1"
	DialectJSON        = "protoway.v1.json"
	DialectProtoSocket = "proto-socket"
	DialectOpcode      = "opcode"
)

// Dialects returns the names of all protocols.
func Dialects() []string {
	return []string{DialectBinary, DialectJSON, DialectProtoSocket, DialectOpcode}
}

// newProtocol returns the protocol of a dialect.
func newProtocol(dialect string, script Script, token string) (Protocol, error) {
	switch dialect {
	case DialectBinary:
		return &binaryProtocol{script: script}, nil
	case DialectJSON:
		return &jsonProtocol{script: script}, nil
	case DialectProtoSocket:
		return newProtoSocket(script, token), nil
	case DialectOpcode:
		return &opcodeProtocol{script: script}, nil
	}
	return nil, unknown("dialect", dialect, Dialects())
}

func unknown(what, name string, known []string) error {
	slices.Sort(known)
	return fmt.Errorf("the %s %q is not known: use one of %s", what, name, strings.Join(known, ", "))
}

// opcodeProtocol is that of the servers which are compared: one byte says what a
// message is, E echo, S join, P publish, and the answer begins with the same one.
type opcodeProtocol struct{ script Script }

var _ Protocol = (*opcodeProtocol)(nil)

func (*opcodeProtocol) Subprotocol() string                 { return "" }
func (*opcodeProtocol) Text() bool                          { return false }
func (*opcodeProtocol) Ordered() bool                       { return true }
func (*opcodeProtocol) Hello(dst []byte, _ Greeting) []byte { return dst }
func (*opcodeProtocol) Heartbeat(dst []byte) []byte         { return dst }

func (p *opcodeProtocol) Say(dst []byte, verb Verb, _ uint64) []byte {
	dst = append(dst, "ESP"[verb])
	return append(dst, p.script.Messages[verb].Body...)
}

func (p *opcodeProtocol) Read(message []byte, to Sink) error {
	if len(message) == 0 {
		return fmt.Errorf("the server has sent an empty message")
	}
	switch message[0] {
	case 'E', 'S':
		to.Acked(0, "")
	case 'P':
		to.Delivered()
	default:
		return fmt.Errorf("the server has sent a message that begins with %q", message[0])
	}
	return nil
}
