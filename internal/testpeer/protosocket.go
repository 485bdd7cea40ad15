package testpeer

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// ProtoSocket is a client of Proto Socket that shows the bare frames.
type ProtoSocket struct {
	*websocket.Conn
	t testing.TB
}

// DialProtoSocket connects as clients of Proto Socket do: without a subprotocol.
func DialProtoSocket(t testing.TB, url string, header http.Header) *ProtoSocket {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, strings.Replace(url, "http", "ws", 1), &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	ws.SetReadLimit(1 << 20)
	return &ProtoSocket{ws, t}
}

// Say sends a text.
func (p *ProtoSocket) Say(text string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if err := p.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

// Next reads a frame.
func (p *ProtoSocket) Next() any {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	_, frame, err := p.Read(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(frame, &value); err != nil {
		p.t.Fatalf("%s: %v", frame, err)
	}
	return value
}

// Expect reads as many frames as are wanted, compares them and returns them. In
// what is wanted "*" stands for any text that is not empty, "<JWT>" for any token.
func (p *ProtoSocket) Expect(want ...any) []any {
	p.t.Helper()
	got := p.read(len(want))
	if !matches(got, want) {
		p.t.Errorf("\n got %v\nwant %v", got, want)
	}
	return got
}

// ExpectAny is Expect for frames that come in any order.
func (p *ProtoSocket) ExpectAny(want ...any) {
	p.t.Helper()
	got := p.read(len(want))
	for _, w := range want {
		if !slices.ContainsFunc(got, func(g any) bool { return matches(g, w) }) {
			p.t.Errorf("got %v, want %v in any order", got, want)
		}
	}
}

func (p *ProtoSocket) read(n int) []any {
	p.t.Helper()
	got := make([]any, n)
	for i := range got {
		got[i] = p.Next()
	}
	return got
}

// ProtoSocketFrame is a frame of a server: body nil is empty, uuid "" is none.
func ProtoSocketFrame(kind, uuid string, body map[string]any) map[string]any {
	headers := map[string]any{"messageType": kind}
	if uuid != "" {
		headers["uuid"] = uuid
	}
	if body == nil {
		body = map[string]any{}
	}
	return map[string]any{"headers": headers, "body": body}
}

// ProtoSocketAck is an ack of a frame, or of none; body has what it says besides
// the uuid.
func ProtoSocketAck(uuid string, body map[string]any) map[string]any {
	if body == nil {
		body = map[string]any{}
	}
	if uuid != "" {
		body["uuid"] = uuid
	}
	return ProtoSocketFrame("ack", uuid, body)
}

// matches compares JSON values.
func matches(got, want any) bool {
	switch want := want.(type) {
	case string:
		text, isText := got.(string)
		return isText && (text == want || want == "*" && text != "" || want == "<JWT>" && strings.Count(text, ".") == 2)
	case []any:
		list, isList := got.([]any)
		return isList && slices.EqualFunc(list, want, matches)
	case map[string]any:
		object, isObject := got.(map[string]any)
		if !isObject || len(object) != len(want) {
			return false
		}
		for name, value := range want {
			if !matches(object[name], value) {
				return false
			}
		}
		return true
	default:
		return reflect.DeepEqual(got, want)
	}
}
