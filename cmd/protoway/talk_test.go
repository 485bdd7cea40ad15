package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/status"
)

// signedInConfig is of a server for whoever has a token.
func signedInConfig(secret []byte) protoway.Config {
	return protoway.Config{
		Verifier: auth.HS256(secret),
		Paths: map[string]protoway.Path{"/ws": {Receivers: []receivers.Receiver{
			receivers.Handle(func(context.Context, *testv1.Secret) error { return nil }),
		}}},
	}
}

// talkingConfig is of a server that does all that can be told of one call.
func talkingConfig() protoway.Config {
	return protoway.Config{Paths: map[string]protoway.Path{"/ws": {Receivers: []receivers.Receiver{
		receivers.Reply(func(ctx context.Context, in *testv1.Greet) (*testv1.Greeting, error) {
			me := consumer.From(ctx)
			if err := me.Progress(ctx, 0.5, "half"); err != nil {
				return nil, err
			}
			if err := me.Send(ctx, &testv1.Event{Text: "on the way", Number: 7}); err != nil {
				return nil, err
			}
			return &testv1.Greeting{Text: "hello " + in.GetName()}, nil
		}),
		receivers.Handle(func(_ context.Context, in *testv1.Note) error {
			failure := status.App(7, "no %s", in.GetText()).After(1500 * time.Millisecond)
			return failure.WithDetail(durationpb.New(time.Second))
		}),
	}}}}
}

// serveTLS runs a server whose certificate nobody knows.
func serveTLS(t *testing.T) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = nil
	server.StartTLS()
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "https:", "wss:", 1) + "/ws"
}

// What comes of a call is printed in any dialect: progress, what is sent
// meanwhile, and the reply.
func TestCall(t *testing.T) {
	url, schema := serveConfig(t, talkingConfig()), schemaFile(t, "internal/testschema/proto")
	for _, dialect := range dialectNames() {
		line := []string{"call", url, "greet", `{"name":"Ada"}`, "--dialect", dialect, "--schema", schema}
		did := hear(t, "", line...)
		did.wants(t, exitOK, "event {\"text\":\"on the way\",\"number\":\"7\"}\n{\n  \"text\": \"hello Ada\"\n}\n", " 50 % half\n")
		did = hear(t, "", append(line, "--json")...)
		want := `{"type":"event","body":{"text":"on the way","number":"7"},"correlated":true}` + "\n" + `{"type":"greeting","body":{"text":"hello Ada"}}` + "\n"
		if did.code != exitOK || did.out != want {
			t.Errorf("%s: %+v", dialect, did)
		}
	}
}

// A reply that the schema does not know is shown as bytes.
func TestCallUnknownReply(t *testing.T) {
	setBuf(t)
	url := serveConfig(t, talkingConfig())
	t.Chdir(t.TempDir())
	write(t, "greet.proto", "syntax = \"proto3\";\npackage other.v1;\n/*\norigin = client\n*/\nmessage Greet { string name = 1; }\n")
	did := hear(t, "", "call", url, "greet", `{"name":"A"}`, "--dialect", "protoway.v1", "--schema", ".", "--json")
	if want := `{"type":"greeting","body":null,"payload":"CgdoZWxsbyBB"}` + "\n"; did.code != exitOK || !strings.HasSuffix(did.out, want) {
		t.Errorf("%+v", did)
	}
	write(t, "greet.proto", "syntax = \"proto3\";\nmessage Greet { strin name = 1; }\n")
	hear(t, "", "call", url, "greet", "--schema", ".").wants(t, exitFailed, "", "--schema . does not compile")
	write(t, "greet.binpb", "no set")
	hear(t, "", "call", url, "greet", "--schema", "greet.binpb").wants(t, exitFailed, "", "is no FileDescriptorSet: make it with buf build -o schema.binpb")
}

func TestCallFails(t *testing.T) {
	url, schema := serveConfig(t, talkingConfig()), schemaFile(t, "internal/testschema/proto")
	for _, dialect := range []string{"protoway.v1.json", "protoway.v1"} {
		line := []string{"call", url, "note", `{"text":"tea"}`, "--dialect", dialect, "--schema", schema}
		hear(t, "", line...).wants(t, exitFailed, "", "unknown 7: no tea\n  retry after: 1.5s\n  detail: {\"@type\":\"type.googleapis.com/google.protobuf.Duration\",\"value\":\"1s\"}\n")
		did := hear(t, "", append(line, "--json")...)
		var said struct{ Error failed }
		if err := json.Unmarshal([]byte(did.out), &said); err != nil {
			t.Fatalf("%v in %+v", err, did)
		}
		if f := said.Error; did.code != exitFailed || f.Code != "unknown" || f.AppCode != 7 || f.Text != "no tea" || f.RetryAfterMS != 1500 || len(f.Details) != 1 {
			t.Errorf("%+v", did)
		}
	}
	hear(t, "", "call", url, "note", `{"text":"tea"}`, "--dialect", "proto-socket").wants(t, exitFailed, "", "protoway: 7: no tea\n")
	hear(t, "", "call", url, "note", "--dialect", "proto-socket", "--json").wants(t, exitFailed, `{"error":{"text":"no ","app_code":7}}`, "")
	hear(t, "", "call", url, "nothing").wants(t, exitFailed, "", "unimplemented: ")
	hear(t, "", "call", url, "nothing", "--schema", schema).wants(t, exitUsage, "", `there is no type "nothing" in `)
	hear(t, "", "call", url, "greeting", "--schema", schema).wants(t, exitUsage, "", `type "greeting" has origin SERVER`)
	hear(t, "", "call", url, "greet", "--dialect", "protoway.v1").wants(t, exitUsage, "", "is binary, so a body needs the schema: state it with --schema")
	for _, body := range []string{"{", "[]", "null", `"x"`} {
		hear(t, "", "call", url, "greet", body).wants(t, exitUsage, "", "the body is no JSON object")
	}
}

// A key names an intent: the second call with it gets the first one's reply.
func TestCallKey(t *testing.T) {
	runs := make(chan string, 4)
	config := signedInConfig([]byte(strings.Repeat("s", auth.MinSecretBytes)))
	config.Paths = map[string]protoway.Path{"/ws": {Receivers: []receivers.Receiver{
		receivers.Handle(func(_ context.Context, in *testv1.Secret) error {
			runs <- in.GetText()
			return nil
		}),
	}}}
	url := serveConfig(t, config)
	token, err := auth.NewIssuer([]byte(strings.Repeat("s", auth.MinSecretBytes)), auth.IssuerConfig{}).AccessToken(&auth.User{ID: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	for _, dialect := range []string{"protoway.v1.json", "proto-socket"} {
		for range 2 {
			hear(t, "", "call", url, "secret", `{"text":"x"}`, "--key", "k-"+dialect, "--token", token, "--dialect", dialect).wants(t, exitOK, "", "")
		}
		if n := len(runs); n != 1 {
			t.Errorf("%s: it ran %d times", dialect, n)
		}
		<-runs
	}
}

func TestSendLines(t *testing.T) {
	url, schema := serveChat(t).url, schemaFile(t, "examples/chat/proto")
	input := `{"room":"tea","name":"Ada","text":"one"}` + "\n\n" + `{"room":"coffee","name":"Ada","text":"two"}` + "\nthree\n" + `{"room":"tea","name":"Ada","text":"four"}` + "\n"
	for _, dialect := range dialectNames() {
		line := []string{"send", url, "say", "-", "--first", `join-room={"room":"tea","name":"Ada"}`, "--dialect", dialect, "--schema", schema}
		did := hear(t, input, line...)
		did.wants(t, exitFailed, "", "line 3: ")
		did.wants(t, exitFailed, "", "line 4: the body is no JSON object")
		did.wants(t, exitFailed, "", "2 acked")
		did = hear(t, input, append(line, "--json")...)
		if did.code != exitFailed || strings.Count(did.out, "\n") != 4 || strings.Count(did.out, `{"error":`) != 2 {
			t.Errorf("%+v", did)
		}
		hear(t, strings.Split(input, "\n")[0], line...).wants(t, exitOK, "", "1 acked")
		hear(t, "", append(line, "--key", "k")...).wants(t, exitUsage, "", "--key names one message")
		refused := append([]string{"send", url, "say", "--first", `join-room={"room":""}`}, line[6:]...)
		hear(t, "", refused...).wants(t, exitFailed, "", "--first join-room: ")
	}
}

// What is sent without an ack is handled although the connection ends behind it.
func TestSendNoAck(t *testing.T) {
	came := make(chan string, 8)
	url := serveConfig(t, protoway.Config{Paths: map[string]protoway.Path{"/ws": {Receivers: []receivers.Receiver{
		receivers.Handle(func(ctx context.Context, in *testv1.Note) error {
			came <- in.GetText()
			return ctx.Err()
		}),
	}}}})
	schema := schemaFile(t, "internal/testschema/proto")
	for _, dialect := range dialectNames() {
		did := hear(t, `{"text":"one"}`+"\n"+`{"text":"two"}`, "send", url, "note", "-", "--no-ack", "--dialect", dialect, "--schema", schema)
		did.wants(t, exitOK, "", "2 written")
		for _, want := range []string{"one", "two"} {
			select {
			case got := <-came:
				if got != want {
					t.Errorf("%s: %q came instead of %q", dialect, got, want)
				}
			case <-time.After(patience):
				t.Fatalf("%s: %q did not come", dialect, want)
			}
		}
	}
}

// A message that is not acked in time is given up.
func TestCallTimeout(t *testing.T) {
	url := serveConfig(t, talkingConfig())
	for _, dialect := range dialectNames() {
		did := hear(t, "", "call", url, "system.ping", `{"delayMs":1000}`, "--timeout", "100ms", "--dialect", dialect)
		did.wants(t, exitFailed, "", "no answer within 100ms")
		did = hear(t, "", "call", url, "system.ping", `{"message":"x"}`, "--dialect", dialect)
		did.wants(t, exitOK, `"pong": "x"`, "")
	}
}

// A command that is interrupted while it waits says so.
func TestCallInterrupted(t *testing.T) {
	for _, dialect := range []string{"protoway.v1.json", "proto-socket"} {
		silent, err := net.Listen("tcp", "127.0.0.1:0") // its own, or the connection of the first would be used again
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = silent.Close() })
		call := launch(t, "", "call", "ws://"+silent.Addr().String()+"/ws", "note", "--dialect", dialect)
		if _, err := silent.Accept(); err != nil {
			t.Fatal(err)
		}
		call.end()
		call.wait().wants(t, exitFailed, "", "protoway: interrupted")
	}
}
