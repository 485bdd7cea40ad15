package protoway_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/internal/testpeer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
)

// What clients of Proto Socket send and get. The recorded cases are replayed by
// examples/protosocket.

// legacyFrame is a frame that asks for an ack.
func legacyFrame(kind, uuid, body string) string {
	return `{"headers":{"messageType":"` + kind + `","ack":true,"uuid":"` + uuid + `"},"body":` + body + `}`
}

// failed is what an ack says about an error.
func failed(code float64, text string) map[string]any {
	return map[string]any{"errorMessage": text, "errorCode": code}
}

var (
	legacyFrom = testpeer.ProtoSocketFrame
	legacyAck  = testpeer.ProtoSocketAck
)

// TestProtoSocketResends: a frame that comes again with its uuid is answered as
// before and does not run again.
func TestProtoSocketResends(t *testing.T) {
	var runs atomic.Int64
	_, url := start(t, protoway.Config{Limits: consumer.Limits{DedupePerUser: 2}}, counted(&runs))
	p := testpeer.DialProtoSocket(t, url, nil)
	for range 3 {
		p.Say(`{"headers":{"messageType":"greet","ack":true,"uuid":"a","retryCount":1},"body":{"name":"Ada"}}`)
		p.Expect(legacyFrom("greeting", "a", map[string]any{"text": "run 1"}), legacyAck("a", nil))
	}
	// Past the bound of keys frames run all the same: these clients give one to each.
	for i := range 5 {
		uuid := fmt.Sprint("b", i)
		p.Say(legacyFrame("greet", uuid, `{"name":"Ada"}`))
		p.Expect(legacyFrom("greeting", uuid, map[string]any{"text": fmt.Sprint("run ", i+2)}), legacyAck(uuid, nil))
	}
}

// TestProtoSocketResendsWhatWasSent: what a receiver sent during a frame is part
// of its answer, also for another connection of the same user that asks again.
func TestProtoSocketResendsWhatWasSent(t *testing.T) {
	var runs atomic.Int64
	_, url := start(t, protoway.Config{}, notes(func(ctx context.Context, text string) error {
		runs.Add(1)
		if text == "much" {
			text = strings.Repeat("x", 600<<10)
		}
		for range 2 {
			if err := consumer.From(ctx).Send(ctx, &testv1.Event{Text: text}); err != nil {
				return err
			}
		}
		return nil
	}))
	ada := as(t, auth.User{ID: "ada"}).Header
	event := func(uuid string) map[string]any { return legacyFrom("event", uuid, map[string]any{"text": "*"}) }
	first, second := testpeer.DialProtoSocket(t, url, ada), testpeer.DialProtoSocket(t, url, ada)
	for _, p := range []*testpeer.ProtoSocket{first, first, second} {
		p.Say(legacyFrame("note", "a", `{"text":"hi"}`))
		p.Expect(event("a"), event("a"), legacyAck("a", nil))
	}
	if runs.Load() != 1 {
		t.Errorf("it ran %d times", runs.Load())
	}
	// What is too much to be kept is not sent again, and not run again.
	first.Say(legacyFrame("note", "b", `{"text":"much"}`))
	first.Expect(event("b"), event("b"), legacyAck("b", nil))
	second.Say(legacyFrame("note", "b", `{"text":"much"}`))
	second.Expect(legacyAck("b", failed(409, "*")))
	if runs.Load() != 2 {
		t.Errorf("it ran %d times", runs.Load())
	}
}

// TestProtoSocketEndsUsers: a token that expires is answered by token-invalid.
func TestProtoSocketEndsUsers(t *testing.T) {
	short, err := auth.NewIssuer(secret, auth.IssuerConfig{AccessLifetime: 1100 * time.Millisecond}).AccessToken(&auth.User{ID: "1"})
	if err != nil {
		t.Fatal(err)
	}
	_, url := start(t, protoway.Config{}, receivers.Handle(func(context.Context, *testv1.Secret) error { return nil }))
	p := testpeer.DialProtoSocket(t, url, nil)
	p.Say(`{"headers":{"messageType":"secret","ack":true,"uuid":"u1","authHeader":"` + short + `"},"body":{}}`)
	p.Expect(legacyAck("u1", nil))
	p.Expect(legacyFrom("token-invalid", "", nil))
	p.Say(legacyFrame("secret", "u2", "{}"))
	p.Expect(legacyAck("u2", failed(401, "*")))
}

// TestProtoSocketRefuses what is no frame, or too large, with a code and an open
// connection.
func TestProtoSocketRefuses(t *testing.T) {
	_, url := start(t, protoway.Config{}, notes(func(context.Context, string) error { return nil }),
		receivers.Handle(func(context.Context, *testv1.Small) error { return nil }))
	p := testpeer.DialProtoSocket(t, url, nil)
	ctx, cancel := context.WithTimeout(t.Context(), testpeer.Patience)
	defer cancel()
	if err := p.Write(ctx, websocket.MessageBinary, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	p.Expect(legacyAck("", failed(400, "*")))
	// A huge uuid is not said back.
	p.Say(legacyFrame("note", strings.Repeat("u", 10_000), "{}"))
	p.Expect(legacyAck("", failed(400, "*")))
	p.Say(legacyFrame("small", "u", `{"text":"more than sixteen bytes"}`))
	p.Expect(legacyAck("u", failed(413, "*")))
	p.Say(legacyFrame("note", "v", "{}"))
	p.Expect(legacyAck("v", nil))
}

// TestProtoSocketProgress: work in the background says how far it has come, that
// it has ended, and is acked then.
func TestProtoSocketProgress(t *testing.T) {
	_, url := start(t, protoway.Config{}, notes(func(ctx context.Context, text string) error {
		me := consumer.From(ctx)
		if err := me.Progress(ctx, 0.25, "working"); err != nil {
			return err
		}
		if text == "fail" {
			return status.App(9, "bg failed")
		}
		return nil
	}))
	p := testpeer.DialProtoSocket(t, url, nil)
	progress := func(body map[string]any) map[string]any { return legacyFrom("async-progress", "", body) }
	p.Say(legacyFrame("note", "a", "{}"))
	p.Expect(progress(map[string]any{"key": "a", "progress": 0.25, "info": "working"}),
		progress(map[string]any{"key": "a", "progress": 1.0, "done": true}), legacyAck("a", nil))
	p.Say(legacyFrame("note", "b", `{"text":"fail"}`))
	p.Expect(progress(map[string]any{"key": "b", "progress": 0.25, "info": "working"}),
		progress(map[string]any{"key": "b", "done": true, "errorMessage": "bg failed", "errorCode": 9.0}),
		legacyAck("b", failed(9, "bg failed")))
}

// TestMinAPIVersion: a client that is too old is told so once, and served.
func TestMinAPIVersion(t *testing.T) {
	_, url := start(t, protoway.Config{MinAPIVersion: 3}, notes(func(context.Context, string) error { return nil }))
	say := func(p *testpeer.ProtoSocket, uuid, version string) {
		p.Say(`{"headers":{"messageType":"note","ack":true,"uuid":"` + uuid + `","apiVersion":` + version + `},"body":{}}`)
	}
	old := testpeer.DialProtoSocket(t, url, nil)
	say(old, "a", "2")
	old.Expect(legacyFrom("upgrade-api-version", "", map[string]any{"latest": 3.0}), legacyAck("a", nil))
	say(old, "b", "2")
	old.Expect(legacyAck("b", nil))
	current := testpeer.DialProtoSocket(t, url, nil)
	for i, version := range []string{"3", "4", "null", `"2"`, "1e0", "99999999999", "0"} {
		say(current, fmt.Sprint(i), version)
		current.Expect(legacyAck(fmt.Sprint(i), nil))
	}
}

// TestForwardErrors: what was not said through package status stays here, unless
// the configuration says otherwise, and then as it says.
func TestForwardErrors(t *testing.T) {
	format := func(err error) string {
		if strings.Contains(err.Error(), "format") {
			panic("the formatter itself")
		}
		return "seen: " + err.Error()
	}
	for _, c := range []struct {
		config protoway.Config
		says   map[string]string // by what the receiver is asked to do
	}{
		{protoway.Config{ErrorFormatter: format}, map[string]string{"error": "internal error", "panic": "internal error", "coded": "coded"}},
		{protoway.Config{ForwardErrors: true}, map[string]string{"error": "error", "panic": "panic", "coded": "coded"}},
		{
			protoway.Config{ForwardErrors: true, ErrorFormatter: format},
			map[string]string{"error": "seen: error", "panic": "seen: panic", "coded": "coded", "format": "internal error"},
		},
	} {
		_, url := start(t, c.config, notes(func(_ context.Context, text string) error {
			switch text {
			case "panic":
				panic(text)
			case "coded":
				return status.Internal.Wrap(errors.New("a cause"), text)
			default:
				return errors.New(text)
			}
		}))
		p := testpeer.Dial(t, url, testpeer.Options{})
		for asked, text := range c.says {
			ack := p.Call(&testv1.Note{Text: asked})
			fails(t, ack, status.Internal)
			if ack.Ack.Error.Text != text {
				t.Errorf("%s: the client learned %q, want %q", asked, ack.Ack.Error.Text, text)
			}
		}
	}
}

// TestPingsDuringHandlers: Flutter clients ping every second and give up when
// there is no pong within one.
func TestPingsDuringHandlers(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	_, url := start(t, protoway.Config{}, notes(func(context.Context, string) error {
		close(began)
		<-release
		return nil
	}))
	p := testpeer.DialProtoSocket(t, url, nil)
	p.Say(legacyFrame("note", "a", "{}"))
	await(t, "the handler's begin", began)
	read := make(chan struct{})
	go func() { // a pong is seen by who reads
		defer close(read)
		p.Expect(legacyAck("a", nil))
	}()
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if err := p.Ping(ctx); err != nil {
			t.Errorf("no pong within a second: %v", err)
		}
		cancel()
	}
	close(release) // only now: every pong came while the handler was blocked
	await(t, "the ack", read)
}
