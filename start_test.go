package protoway_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/internal/testpeer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
)

// WrongReply has the right name and the wrong result.
type WrongReply struct{}

func (WrongReply) Greet(context.Context, *testv1.Greet) error { return nil }

// Empty handles nothing.
type Empty struct{}

// TestStartReportsEverythingAtOnce: all that is wrong is one error, which names
// each place.
func TestStartReportsEverythingAtOnce(t *testing.T) {
	nothing := func(context.Context, *testv1.Note) error { return nil }
	_, err := protoway.New(protoway.Config{
		Verifier: auth.HS256([]byte("short")),
		Secret:   []byte("short"),
		Paths: map[string]protoway.Path{
			"/a": {Receivers: []receivers.Receiver{
				receivers.Discover(&WrongReply{}),
				receivers.Discover(&Empty{}),
				receivers.Discover(&Greeter{}, receivers.For("Grete", receivers.Public())),
			}},
			"/b": {Receivers: []receivers.Receiver{
				receivers.Handle(func(context.Context, *testv1.Secret) error { return nil }, receivers.Public()),
				receivers.Handle(func(context.Context, *testv1.Small) error { return nil }, receivers.MaxBytes(17)),
				receivers.Handle(func(context.Context, *testv1.Slow) error { return nil }, receivers.Timeout(time.Second)),
				receivers.Handle(func(context.Context, *testv1.Event) error { return nil }),
				receivers.Handle(func(context.Context, *testv1.Greet) error { return nil }),
				receivers.Handle(func(context.Context, *protowayv1.Frame) error { return nil }),
			}},
			"/c": {Receivers: []receivers.Receiver{receivers.Discover(&Greeter{}), receivers.Reply(lateGreeting)}},
			"/d": {Groups: []string{"@mine"}},
			"e":  {Receivers: []receivers.Receiver{receivers.Handle(nothing)}},
		},
	})
	if err == nil {
		t.Fatal("it started")
	}
	for _, part := range []string{
		"the secret has 5 bytes",
		`WrongReply: method Greet returns only an error`,
		"Empty: no method handles a message",
		`an option is for method "Grete"`,
		"option Public: the schema of test.v1.Secret",
		"option MaxBytes(17): the schema of test.v1.Small allows 16",
		"option Timeout(1s): the schema of test.v1.Slow allows 50ms",
		"message test.v1.Event has origin SERVER",
		"test.v1.Greet: the schema says that test.v1.Greeting answers it",
		"protoway.v1.Frame: the message has no (protoway.v1.message) option",
		"answers test.v1.Greet already: at most one receiver may",
		`path "/d": `,
		`path "e": the name of a path starts with /`,
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q", part)
		}
	}
	if t.Failed() {
		t.Log(err)
	}
}

func TestStartNeedsAPath(t *testing.T) {
	if _, err := protoway.New(protoway.Config{}); err == nil || !strings.Contains(err.Error(), "Config.Paths") {
		t.Errorf("error %v", err)
	}
}

func TestStrictNamesWhatNobodyHandles(t *testing.T) {
	config := protoway.Config{Paths: map[string]protoway.Path{"/ws": {Receivers: []receivers.Receiver{whoAmI()}}}, Strict: true}
	_, err := protoway.New(config)
	if err == nil || !strings.Contains(err.Error(), "test.v1.Greet,") || strings.Contains(err.Error(), "Confirmed") || strings.Contains(err.Error(), "WhoAmI") {
		t.Errorf("strict: %v", err)
	}
	var log strings.Builder
	config.Strict, config.Logger = false, slog.New(slog.NewTextHandler(&log, nil))
	server, err := protoway.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "test.v1.Greet") {
		t.Errorf("the log says %q", log.String())
	}
}

// TestRulesThatCannotBeEnforcedAreRefused: never ignored in silence.
func TestRulesThatCannotBeEnforcedAreRefused(t *testing.T) {
	for name, rules := range map[string]*protowayv1.Rules{
		"rate_limit":    {Origin: protowayv1.Rules_CLIENT, RateLimit: &protowayv1.RateLimit{Burst: 1}},
		"period":        {Origin: protowayv1.Rules_CLIENT, RateLimit: &protowayv1.RateLimit{Count: 1, Per: durationpb.New(-1)}},
		"SHARED":        {Origin: protowayv1.Rules_CLIENT, Dedupe: protowayv1.Rules_SHARED},
		"slow_consumer": {Origin: protowayv1.Rules_SERVER, SlowConsumer: &protowayv1.SlowConsumer{Policy: protowayv1.SlowConsumer_LATEST, Key: "missing"}},
		"9":             {Origin: protowayv1.Rules_SERVER, SlowConsumer: &protowayv1.SlowConsumer{Policy: 9}},
	} {
		_, err := protoway.New(protoway.Config{
			Paths:    map[string]protoway.Path{"/ws": {}},
			Messages: []proto.Message{ruled(t, rules)},
		})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	allowed := &protowayv1.Rules{
		Origin: protowayv1.Rules_SERVER, ClientCache: &protowayv1.ClientCache{Ttl: durationpb.New(time.Hour)},
		SlowConsumer: &protowayv1.SlowConsumer{Policy: protowayv1.SlowConsumer_DROP},
	}
	start(t, protoway.Config{Messages: []proto.Message{ruled(t, allowed)}})
}

// ruled makes a message with rules, without generated code.
func ruled(t *testing.T, rules *protowayv1.Rules) proto.Message {
	t.Helper()
	options := &descriptorpb.MessageOptions{}
	proto.SetExtension(options, protowayv1.E_Message, rules)
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: new("ruled.proto"), Package: new("ruled.v1"), Syntax: new("proto3"),
		Dependency:  []string{"protoway/v1/annotations.proto"},
		MessageType: []*descriptorpb.DescriptorProto{{Name: new("Ruled"), Options: options}},
	}, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return dynamicpb.NewMessage(file.Messages().Get(0))
}

func TestPublicByDefault(t *testing.T) {
	silent := receivers.Handle(func(context.Context, *testv1.Silent) error { return nil })
	_, url := start(t, protoway.Config{PublicByDefault: true}, silent)
	ok(t, testpeer.Dial(t, url, testpeer.Options{}).Call(&testv1.Silent{}))
	_, url = start(t, protoway.Config{}, receivers.Handle(func(context.Context, *testv1.Silent) error { return nil }, receivers.Public()))
	ok(t, testpeer.Dial(t, url, testpeer.Options{}).Call(&testv1.Silent{}))
}

func TestOperatorEndpoints(t *testing.T) {
	server, url := start(t, protoway.Config{Pools: consumer.Pools{SyncWorkers: 3}}, whoAmI())
	base := strings.TrimSuffix(url, "/ws")
	get := func(path string) (int, string) {
		response, err := http.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(text)
	}
	p := testpeer.Dial(t, url, testpeer.Options{}, fromServer...)
	mustBe(t, p, "")
	for _, path := range []string{"/healthz", "/readyz"} {
		if code, text := get(path); code != 200 || text != "ok\n" {
			t.Errorf("%s: %d %q", path, code, text)
		}
	}
	if code, text := get("/ws"); code != http.StatusUpgradeRequired || !strings.Contains(text, "WebSocket") {
		t.Errorf("a page opened at the WebSocket's path: %d %q", code, text)
	}
	_, text := get("/metrics")
	for _, line := range []string{"protoway_connections 1", `protoway_frames_acked_total{code="ok",type="who-am-i"} 1`, `protoway_handler_seconds_count{type="who-am-i"} 1`} {
		if !strings.Contains(text, line) {
			t.Errorf("/metrics lacks %q", line)
		}
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if code, _ := get("/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("/readyz while draining: %d", code)
	}
}
