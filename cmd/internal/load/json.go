package load

import (
	"bytes"
	"fmt"
	"strconv"
)

// jsonProtocol is protoway.v1.json. It reads what it needs out of the text by
// the places where the server is known to write it: without spaces and in a
// fixed order.
type jsonProtocol struct{ script Script }

var _ Protocol = (*jsonProtocol)(nil)

func (*jsonProtocol) Subprotocol() string { return DialectJSON }
func (*jsonProtocol) Text() bool          { return true }
func (*jsonProtocol) Ordered() bool       { return false }

func (*jsonProtocol) Hello(dst []byte, g Greeting) []byte {
	dst = append(dst, `{"id":`...)
	dst = strconv.AppendInt(dst, helloID, 10)
	dst = append(dst, `,"hello":{`...)
	if g.Token != "" {
		dst = fmt.Appendf(dst, `"token":%q,`, g.Token)
	}
	if len(g.Secret) > 0 {
		dst = fmt.Appendf(dst, `"resume":{"secret":"%s"`, g.Secret)
		if len(g.Ticket) > 0 {
			dst = fmt.Appendf(dst, `,"groups":[{"ticket":"%s"}]`, g.Ticket)
		}
		dst = append(dst, `},`...)
	}
	return fmt.Appendf(dst, `"client":%q}}`, clientName)
}

func (p *jsonProtocol) Say(dst []byte, verb Verb, id uint64) []byte {
	m := &p.script.Messages[verb]
	dst = append(dst, '{')
	if id != 0 {
		dst = append(dst, `"id":`...)
		dst = strconv.AppendUint(dst, id, 10)
		dst = append(dst, ',')
	}
	dst = append(dst, `"type":"`...)
	dst = append(dst, m.Type...)
	dst = append(dst, '"')
	if len(m.Body) > 0 {
		dst = append(dst, `,"body":`...)
		dst = append(dst, m.Body...)
	}
	return append(dst, '}')
}

func (*jsonProtocol) Heartbeat(dst []byte) []byte { return append(dst, `{"heartbeat":{}}`...) }

func (p *jsonProtocol) Read(message []byte, to Sink) error {
	rest, hasRe := bytes.CutPrefix(message, []byte(`{"re":`))
	var re uint64
	for hasRe && len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9' {
		re, rest = re*10+uint64(rest[0]-'0'), rest[1:]
	}
	switch {
	case hasRe && bytes.HasPrefix(rest, []byte(`,"ack":{`)):
		to.Acked(re, jsonCode(rest[len(`,"ack":{`):]))
	case bytes.HasPrefix(message, []byte(`{"ack":{`)):
		to.Acked(0, jsonCode(message[len(`{"ack":{`):]))
	case bytes.HasPrefix(message, []byte(`{"type":"`)):
		if p.script.Event == "" || string(quoted(message, `{"type":"`)) == p.script.Event {
			to.Delivered()
		}
	case bytes.HasPrefix(message, []byte(`{"welcome":`)):
		to.Welcomed(quoted(message, `"secret":"`))
	case bytes.HasPrefix(message, []byte(`{"joined":`)):
		to.Joined(quoted(message, `"ticket":"`))
	case len(message) == 0 || message[0] != '{':
		return fmt.Errorf("the server has sent a message that is no JSON object")
	}
	return nil
}

// jsonCode returns the code at the beginning of an ack; empty for success.
func jsonCode(ack []byte) string {
	if !bytes.HasPrefix(ack, []byte(`"code":"`)) {
		return ""
	}
	return string(quoted(ack, `"code":"`))
}

// quoted returns the text between after and the next quote, which is no escaped
// one in what is looked for: types, codes and base64. It is nil if there is none.
func quoted(b []byte, after string) []byte {
	_, b, found := bytes.Cut(b, []byte(after))
	if !found {
		return nil
	}
	b, _, found = bytes.Cut(b, []byte{'"'})
	if !found {
		return nil
	}
	return b
}
