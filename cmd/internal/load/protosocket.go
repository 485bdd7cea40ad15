package load

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"sync/atomic"
)

// protoSocket is the dialect of Proto Socket. A frame that comes with the uuid of
// an earlier one is answered with the stored ack, so each has a fresh one: the
// name of this run, a number, and the id that the ack is to name.
type protoSocket struct {
	script Script
	run    string
	auth   string // the authHeader, as JSON
	last   atomic.Uint64
}

var _ Protocol = (*protoSocket)(nil)

func newProtoSocket(script Script, token string) *protoSocket {
	auth := []byte("null")
	if token != "" {
		auth, _ = json.Marshal(token) // a string always encodes
	}
	return &protoSocket{script: script, run: rand.Text()[:10], auth: string(auth)}
}

func (*protoSocket) Subprotocol() string                 { return "" }
func (*protoSocket) Text() bool                          { return true }
func (*protoSocket) Ordered() bool                       { return false }
func (*protoSocket) Hello(dst []byte, _ Greeting) []byte { return dst }

// Heartbeat of this dialect is a frame of the application, if anything: it has
// none of its own.
func (*protoSocket) Heartbeat(dst []byte) []byte { return dst }

func (p *protoSocket) Say(dst []byte, verb Verb, id uint64) []byte {
	m := &p.script.Messages[verb]
	dst = append(dst, `{"headers":{"messageType":"`...)
	dst = append(dst, m.Type...)
	dst = append(dst, `","authHeader":`...)
	dst = append(dst, p.auth...)
	dst = append(dst, `,"ack":`...)
	dst = strconv.AppendBool(dst, id != 0)
	dst = append(dst, `,"retryCount":0,"apiVersion":1,"uuid":"`...)
	dst = append(dst, p.run...)
	dst = append(dst, '-')
	dst = strconv.AppendUint(dst, p.last.Add(1), 10)
	dst = append(dst, '-')
	dst = strconv.AppendUint(dst, id, 10)
	dst = append(dst, `"},"body":`...)
	if len(m.Body) == 0 {
		dst = append(dst, '{', '}')
	}
	dst = append(dst, m.Body...)
	return append(dst, '}')
}

func (p *protoSocket) Read(message []byte, to Sink) error {
	const begin = `{"headers":{"messageType":"`
	kind := quoted(message, begin)
	if kind == nil {
		return fmt.Errorf("the server has sent a message without a type")
	}
	headers, body, _ := bytes.Cut(message, []byte(`},"body":`))
	uuid := quoted(headers, `"uuid":"`)
	switch {
	case string(kind) == "ack":
		to.Acked(idOf(uuid), protoSocketCode(body))
	case uuid == nil && (p.script.Event == "" || string(kind) == p.script.Event):
		to.Delivered()
	}
	return nil
}

// idOf returns the id at the end of a uuid of ours; 0 if there is none.
func idOf(uuid []byte) uint64 {
	id, err := strconv.ParseUint(string(uuid[bytes.LastIndexByte(uuid, '-')+1:]), 10, 64)
	if err != nil {
		return 0
	}
	return id
}

// protoSocketCode names the error of an ack; empty for success.
func protoSocketCode(body []byte) string {
	if !bytes.Contains(body, []byte(`"errorMessage":`)) {
		return ""
	}
	_, code, found := bytes.Cut(body, []byte(`"errorCode":`))
	if !found {
		return "error"
	}
	return "error " + string(bytes.TrimRight(code, "}"))
}
