package protoway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/internal/testpeer"
	"github.com/protoway/protoway/internal/testschema/gen/demo"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
)

// recorded is a case of wire/testdata/protosocket/vectors.json.
type recorded struct {
	Name, Category string
	Context        struct{ User string }
	Send           []string
	Expect         [][]any
	Unordered      bool
}

// Legacy is the receivers behind the recorded cases.
type Legacy struct{}

func (Legacy) DoFail(_ context.Context, in *demo.DoFail) error { panic("boom " + in.GetHow()) }
func (Legacy) AdminOp(context.Context, *demo.AdminOp) error    { return nil }
func (Legacy) OpenOp(context.Context, *demo.OpenOp) error      { return nil }
func (Legacy) EmptyOp(context.Context, *demo.EmptyOp) error    { return nil }
func (Legacy) StaffOp(context.Context, *demo.StaffOp) error    { return nil }
func (Legacy) DupOp(context.Context, *demo.DupOp) error        { return status.App(1, "first") }

func (Legacy) AllTypes(ctx context.Context, in *demo.AllTypes) error {
	raw, err := proto.Marshal(in)
	if err != nil {
		return err
	}
	reply := &demo.AllTypesReply{}
	if err := proto.Unmarshal(raw, reply); err != nil {
		return err
	}
	return consumer.From(ctx).Send(ctx, reply)
}

func (Legacy) GetThing(ctx context.Context, in *demo.GetThing) error {
	switch in.GetId() {
	case "missing":
		return status.App(404, "Resource not found")
	case "nocode":
		return status.Unknown.Errorf("No code")
	case "empty":
		return status.App(7, "")
	default:
		return consumer.From(ctx).Send(ctx, &demo.Thing{Id: in.GetId(), Name: "n"})
	}
}

func (Legacy) LongOp(ctx context.Context, in *demo.LongOp) error {
	return consumer.From(ctx).Async(func(ctx context.Context) (proto.Message, error) {
		switch in.GetHow() {
		case "err":
			panic("bg boom")
		case "fpserr":
			return nil, status.App(9, "bg failed")
		case "sync":
			return nil, consumer.From(ctx).Send(ctx, &demo.Thing{Id: "bg"})
		case "localcoro":
			return nil, consumer.From(ctx).Send(ctx, &demo.Thing{Id: "from-local-coro"})
		default:
			return nil, consumer.From(ctx).Send(ctx, &demo.Thing{Id: in.GetHow()})
		}
	})
}

func (Legacy) GroupOp(ctx context.Context, in *demo.GroupOp) error {
	me := consumer.From(ctx)
	switch in.GetAction() {
	case "add":
		return me.Join(ctx, in.GetGroup())
	case "rm":
		return me.Leave(ctx, in.GetGroup())
	default:
		return me.Broadcast(ctx, in.GetGroup(), &demo.Thing{Id: "bc"})
	}
}

// legacyUsers are the users behind the recorded cases.
var legacyUsers = map[string]auth.User{
	"alice": {ID: "1", Name: "alice"},
	"root":  {ID: "2", Name: "root", Superuser: true, Groups: auth.NewSet("bad")},
	"bob":   {ID: "3", Name: "bob", Groups: auth.NewSet("staff")},
	"carl":  {ID: "4", Name: "carl", Groups: auth.NewSet("staff", "bad")},
}

// startLegacy runs the receivers behind the recorded cases.
func startLegacy(t *testing.T) string {
	t.Helper()
	session := func(r *http.Request) (*auth.User, error) {
		if user, known := legacyUsers[r.Header.Get("X-Session-User")]; known {
			return &user, nil
		}
		return nil, nil
	}
	_, url := start(t, protoway.Config{Paths: map[string]protoway.Path{"/ws": {Groups: []string{"app"}, Identify: session}}},
		receivers.Discover(Legacy{},
			receivers.For("AdminOp", receivers.Permissions("auth.add_user")),
			receivers.For("StaffOp", receivers.AllowGroups("staff"), receivers.DenyGroups("bad"))),
		receivers.Handle(func(context.Context, *demo.DupOp) error { return nil }))
	return url
}

// dialLegacy connects as a Proto Socket client does: without a subprotocol.
func dialLegacy(t *testing.T, url, user string) *websocket.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testpeer.Patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, strings.Replace(url, "http", "ws", 1), &websocket.DialOptions{HTTPHeader: http.Header{"X-Session-User": {user}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	return ws
}

// TestProtoSocketVectors replays what was recorded against the original server.
func TestProtoSocketVectors(t *testing.T) {
	text, err := os.ReadFile("wire/testdata/protosocket/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Cases []recorded }
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	replayed := 0
	for _, c := range all.Cases {
		if len(c.Expect) == 0 || strings.HasPrefix(c.Name, "login-") {
			continue // what clients make of frames; and login, which has no receiver yet
		}
		replayed++
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			ws := dialLegacy(t, startLegacy(t), c.Context.User)
			for i, frame := range c.Send {
				for name, user := range legacyUsers {
					frame = strings.ReplaceAll(frame, "<JWT:"+name+">", token(t, user))
				}
				writeText(t, ws, frame)
				expect(t, ws, c.Expect[i], c.Unordered)
			}
			// Nothing else comes, and the connection is still open.
			writeText(t, ws, `{"headers":{"messageType":"open-op","ack":true,"uuid":"last"},"body":{}}`)
			expect(t, ws, []any{map[string]any{"headers": map[string]any{"messageType": "ack", "uuid": "last"}, "body": map[string]any{"uuid": "last"}}}, false)
		})
	}
	if replayed < 30 {
		t.Errorf("only %d cases were replayed", replayed)
	}
}

// TestProtoSocketResends: a frame that comes again with its uuid is answered as
// before and does not run again.
func TestProtoSocketResends(t *testing.T) {
	var runs atomic.Int64
	_, url := start(t, protoway.Config{Limits: consumer.Limits{DedupePerUser: 2}}, counted(&runs))
	ws := dialLegacy(t, url, "")
	frame := func(uuid string) string {
		return `{"headers":{"messageType":"greet","ack":true,"uuid":"` + uuid + `","retryCount":1},"body":{"name":"Ada"}}`
	}
	answer := func(uuid, text string) []any {
		headers := func(kind string) map[string]any { return map[string]any{"messageType": kind, "uuid": uuid} }
		return []any{
			map[string]any{"headers": headers("greeting"), "body": map[string]any{"text": text}},
			map[string]any{"headers": headers("ack"), "body": map[string]any{"uuid": uuid}},
		}
	}
	for range 3 {
		writeText(t, ws, frame("a"))
		expect(t, ws, answer("a", "run 1"), false)
	}
	// Past the bound of keys frames run all the same: these clients give one to each.
	for i := range 5 {
		uuid := fmt.Sprint("b", i)
		writeText(t, ws, frame(uuid))
		expect(t, ws, answer(uuid, fmt.Sprint("run ", i+2)), false)
	}
}

// TestProtoSocketEndsUsers: a token that expires is answered by token-invalid, and
// so is one that is bad, once.
func TestProtoSocketEndsUsers(t *testing.T) {
	short, err := auth.NewIssuer(secret, auth.IssuerConfig{AccessLifetime: 1100 * time.Millisecond}).AccessToken(&auth.User{ID: "1"})
	if err != nil {
		t.Fatal(err)
	}
	ws := dialLegacy(t, startLegacy(t), "")
	writeText(t, ws, `{"headers":{"messageType":"get-thing","ack":true,"uuid":"u1","authHeader":"`+short+`"},"body":{"id":"1"}}`)
	thing := map[string]any{"headers": map[string]any{"messageType": "thing", "uuid": "u1"}, "body": map[string]any{"id": "1", "name": "n"}}
	expect(t, ws, []any{thing, protoSocketAck("u1", nil)}, false)
	expect(t, ws, []any{map[string]any{"headers": map[string]any{"messageType": "token-invalid"}, "body": map[string]any{}}}, false)
	writeText(t, ws, `{"headers":{"messageType":"get-thing","ack":true,"uuid":"u2"},"body":{"id":"1"}}`)
	expect(t, ws, []any{protoSocketAck("u2", map[string]any{"errorMessage": "*", "errorCode": 401.0})}, false)
}

// TestProtoSocketRefusesBinary with an ack that names no frame.
func TestProtoSocketRefusesBinary(t *testing.T) {
	ws := dialLegacy(t, startLegacy(t), "")
	ctx, cancel := context.WithTimeout(t.Context(), testpeer.Patience)
	defer cancel()
	if err := ws.Write(ctx, websocket.MessageBinary, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	expect(t, ws, []any{protoSocketAck("", map[string]any{"errorMessage": "*", "errorCode": 400.0})}, false)
}

// protoSocketAck is an ack of a frame, or of none.
func protoSocketAck(uuid string, body map[string]any) map[string]any {
	headers := map[string]any{"messageType": "ack"}
	if body == nil {
		body = map[string]any{}
	}
	if uuid != "" {
		headers["uuid"], body["uuid"] = uuid, uuid
	}
	return map[string]any{"headers": headers, "body": body}
}

func writeText(t *testing.T, ws *websocket.Conn, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testpeer.Patience)
	defer cancel()
	if err := ws.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// expect reads as many frames as are wanted and compares them.
func expect(t *testing.T, ws *websocket.Conn, want []any, unordered bool) {
	t.Helper()
	var got []any
	for range want {
		ctx, cancel := context.WithTimeout(context.Background(), testpeer.Patience)
		_, frame, err := ws.Read(ctx)
		cancel()
		if err != nil {
			t.Fatalf("%v after %v, want %v", err, got, want)
		}
		var value any
		if err := json.Unmarshal(frame, &value); err != nil {
			t.Fatalf("%s: %v", frame, err)
		}
		got = append(got, value)
	}
	if unordered {
		for _, w := range want {
			if !slices.ContainsFunc(got, func(g any) bool { return matches(g, w) }) {
				t.Errorf("got %v, want %v in any order", got, want)
			}
		}
		return
	}
	if !matches(got, want) {
		t.Errorf("\n got %v\nwant %v", got, want)
	}
}

// matches compares JSON values; "*" stands for any text that is not empty.
func matches(got, want any) bool {
	switch want := want.(type) {
	case string:
		text, isText := got.(string)
		return isText && (text == want || want == "*" && text != "")
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

// TestProtoSocketBoundsWhatIsSaidBack: a huge uuid is refused and not repeated.
func TestProtoSocketBoundsWhatIsSaidBack(t *testing.T) {
	ws := dialLegacy(t, startLegacy(t), "")
	writeText(t, ws, `{"headers":{"messageType":"open-op","ack":true,"uuid":"`+strings.Repeat("u", 10_000)+`"},"body":{}}`)
	expect(t, ws, []any{protoSocketAck("", map[string]any{"errorMessage": "*", "errorCode": 400.0})}, false)
}
