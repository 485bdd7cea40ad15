package load

import (
	"encoding/binary"
	"errors"

	"github.com/protoway/protoway/status"
)

// Tags of frame.proto: the number of the field and, in the last three bits, how
// it is written.
const (
	tagFrames       = 1<<3 | 2 // Batch
	tagID           = 1 << 3   // Frame
	tagRe           = 2 << 3
	tagMessage      = 3<<3 | 2
	tagAck          = 4<<3 | 2
	tagHello        = 5<<3 | 2
	tagWelcome      = 6<<3 | 2
	tagJoined       = 9<<3 | 2
	tagHeartbeat    = 11<<3 | 2
	tagType         = 1<<3 | 2 // Message
	tagPayload      = 2<<3 | 2
	tagAckCode      = 1 << 3   // Ack
	tagHelloToken   = 3<<3 | 2 // Hello
	tagHelloResume  = 4<<3 | 2
	tagHelloClient  = 5<<3 | 2
	tagResumeSecret = 1<<3 | 2 // Resume
	tagResumeGroups = 2<<3 | 2
	tagResumeTicket = 1<<3 | 2 // Resume.Group
	tagSecret       = 2<<3 | 2 // Welcome
	tagTicket       = 2<<3 | 2 // Joined
)

var errMalformed = errors.New("the server has sent a batch that cannot be read")

// clientName is what Hello says about this client.
const clientName = "protoway-bench/1"

// binaryProtocol is protoway.v1. It is written by hand, since the generator has
// the machine together with the server and a message must cost it little.
type binaryProtocol struct{ script Script }

var _ Protocol = (*binaryProtocol)(nil)

func (*binaryProtocol) Subprotocol() string { return DialectBinary }
func (*binaryProtocol) Text() bool          { return false }
func (*binaryProtocol) Ordered() bool       { return false }

func (*binaryProtocol) Hello(dst []byte, g Greeting) []byte {
	var hello []byte
	if g.Token != "" {
		hello = appendField(hello, tagHelloToken, []byte(g.Token))
	}
	if len(g.Secret) > 0 {
		resume := appendField(nil, tagResumeSecret, g.Secret)
		if len(g.Ticket) > 0 {
			resume = appendField(resume, tagResumeGroups, appendField(nil, tagResumeTicket, g.Ticket))
		}
		hello = appendField(hello, tagHelloResume, resume)
	}
	hello = appendField(hello, tagHelloClient, []byte(clientName))
	f := binary.AppendUvarint([]byte{tagID}, helloID)
	return appendField(dst, tagFrames, appendField(f, tagHello, hello))
}

func (p *binaryProtocol) Say(dst []byte, verb Verb, id uint64) []byte {
	m := &p.script.Messages[verb]
	inner := sizeField(len(m.Type))
	if len(m.Body) > 0 {
		inner += sizeField(len(m.Body))
	}
	outer := sizeField(inner)
	if id != 0 {
		outer += 1 + sizeUvarint(id)
	}
	dst = appendLength(dst, tagFrames, outer)
	if id != 0 {
		dst = append(dst, tagID)
		dst = binary.AppendUvarint(dst, id)
	}
	dst = appendLength(dst, tagMessage, inner)
	dst = appendLength(dst, tagType, len(m.Type))
	dst = append(dst, m.Type...)
	if len(m.Body) > 0 {
		dst = appendField(dst, tagPayload, m.Body)
	}
	return dst
}

func (*binaryProtocol) Heartbeat(dst []byte) []byte {
	return append(dst, tagFrames, 2, tagHeartbeat, 0)
}

func (p *binaryProtocol) Read(message []byte, to Sink) error {
	batch := fields{rest: message}
	for batch.next() {
		if batch.tag != tagFrames {
			return errMalformed
		}
		if err := p.read(batch.bytes, to); err != nil {
			return err
		}
	}
	return batch.err()
}

// read tells what one frame holds.
func (p *binaryProtocol) read(b []byte, to Sink) error {
	var id, re, kind uint64
	var body []byte
	f := fields{rest: b}
	for f.next() {
		switch f.tag {
		case tagID:
			id = f.value
		case tagRe:
			re = f.value
		default:
			kind, body = f.tag, f.bytes
		}
	}
	switch kind {
	case tagAck:
		to.Acked(re, ackCode(body))
	case tagMessage:
		if id == 0 && re == 0 && (p.script.Event == "" || string(find(body, tagType)) == p.script.Event) {
			to.Delivered()
		}
	case tagWelcome:
		to.Welcomed(find(body, tagSecret))
	case tagJoined:
		to.Joined(find(body, tagTicket))
	}
	return f.err()
}

// ackCode returns the name of an ack's code; empty for success.
func ackCode(ack []byte) string {
	f := fields{rest: ack}
	if !f.next() || f.tag != tagAckCode || f.value == 0 {
		return "" // the code is the first field, and left out if it is OK
	}
	return status.Code(f.value).String() //nolint:gosec // codes are small
}

// find returns the last value of a field; nil if there is none.
func find(b []byte, tag uint64) (found []byte) {
	for f := (fields{rest: b}); f.next(); {
		if f.tag == tag {
			found = f.bytes
		}
	}
	return found
}

// fields goes through the fields of a serialized message.
type fields struct {
	rest  []byte
	tag   uint64
	value uint64
	bytes []byte
	bad   bool
}

// next takes the next field.
func (f *fields) next() bool {
	if len(f.rest) == 0 {
		return false
	}
	f.tag, f.bytes = f.uvarint(), nil
	switch f.tag & 7 {
	case 0:
		f.value = f.uvarint()
	case 1:
		f.bytes = f.take(8)
	case 2:
		f.bytes = f.take(f.uvarint())
	case 5:
		f.bytes = f.take(4)
	default:
		f.bad = true
	}
	return !f.bad
}

func (f *fields) uvarint() uint64 {
	v, n := binary.Uvarint(f.rest)
	if n <= 0 {
		f.bad = true
		return 0
	}
	f.rest = f.rest[n:]
	return v
}

func (f *fields) take(n uint64) []byte {
	if f.bad || n > uint64(len(f.rest)) {
		f.bad = true
		return nil
	}
	b := f.rest[:n:n]
	f.rest = f.rest[n:]
	return b
}

func (f *fields) err() error {
	if f.bad {
		return errMalformed
	}
	return nil
}

func appendField(dst []byte, tag byte, value []byte) []byte {
	return append(appendLength(dst, tag, len(value)), value...)
}

func appendLength(dst []byte, tag byte, n int) []byte {
	return binary.AppendUvarint(append(dst, tag), uint64(n)) //nolint:gosec // a length is not negative
}

// sizeField is the size of a field with a tag of one byte.
func sizeField(n int) int { return 1 + sizeUvarint(uint64(n)) + n } //nolint:gosec // a length is not negative

func sizeUvarint(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}
