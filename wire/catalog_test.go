package wire_test

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/wire"
)

func TestCatalogFindsByDirection(t *testing.T) {
	catalog := testCatalog(t)
	for _, tc := range []struct {
		name                   string
		fromClient, fromServer bool
	}{
		{"note", true, false},
		{"event", false, true},
		{"chatter", true, true},
		{"greeting", false, true}, // a reply comes with its message
		{"nothing", false, false},
	} {
		if got := catalog.FromClient(tc.name) != nil; got != tc.fromClient {
			t.Errorf("%s from clients: %v", tc.name, got)
		}
		if got := catalog.FromServer(tc.name) != nil; got != tc.fromServer {
			t.Errorf("%s from the server: %v", tc.name, got)
		}
	}
	greet := catalog.FromClient("greet")
	if greet.Reply == nil || greet.Reply.Type != "greeting" || greet.Name() != "test.v1.Greet" {
		t.Errorf("greet is answered with %v", greet.Reply)
	}
}

func TestCatalogRefuses(t *testing.T) {
	catalog := wire.NewCatalog(func(e *wire.Entry) error {
		if e.Type == "small" {
			return errors.New("no small ones")
		}
		return nil
	})
	if _, err := catalog.Of(&protowayv1.Frame{}); !errors.Is(err, wire.ErrNoRules) {
		t.Errorf("plain data: %v", err)
	}
	if _, err := catalog.Of(&testv1.Small{}); err == nil || err.Error() != "no small ones" {
		t.Errorf("check: %v", err)
	}
	if catalog.FromClient("small") != nil {
		t.Error("a refused message is in the catalog")
	}
	if _, err := catalog.Of(&testv1.Note{}); err != nil {
		t.Fatal(err)
	}
	other := dynamicMessage(t, "Other", &protowayv1.Rules{Type: "note", Origin: protowayv1.Rules_BOTH})
	if _, err := catalog.Of(other); err == nil || !strings.Contains(err.Error(), `type "note" is taken by test.v1.Note`) {
		t.Errorf("clash: %v", err)
	}
}

// TestRulesOfDescriptors reads the rules of messages without generated code.
func TestRulesOfDescriptors(t *testing.T) {
	catalog := wire.NewCatalog(nil)
	e, err := catalog.Of(dynamicMessage(t, "HTTPGetThing", &protowayv1.Rules{
		Origin: protowayv1.Rules_CLIENT, Lane: &protowayv1.Lane{Field: "count"},
	}))
	if err != nil {
		t.Fatal(err)
	}
	if e.Type != "http-get-thing" || e.LaneName() != "count" {
		t.Errorf("type %q, lane %q", e.Type, e.LaneName())
	}
	payload := dynamicpb.NewMessage(e.Message.Descriptor())
	payload.Set(e.Message.Descriptor().Fields().ByName("count"), protoreflect.ValueOfInt32(-5))
	session := wire.Protobuf.Open(catalog, wire.ServerSide)
	if got := string(session.LaneValue(nil, e, marshal(t, payload))); got != "-5" {
		t.Errorf("lane %q", got)
	}
	for name, rules := range map[string]*protowayv1.Rules{
		"origin": {},
		"names":  {Origin: protowayv1.Rules_CLIENT, Lane: &protowayv1.Lane{Field: "nope"}},
		"kind":   {Origin: protowayv1.Rules_CLIENT, Lane: &protowayv1.Lane{Field: "raw"}},
		"reply":  {Origin: protowayv1.Rules_CLIENT, Reply: "Nope"},
	} {
		if _, err := wire.NewCatalog(nil).Of(dynamicMessage(t, "Bad", rules)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCatalogHash(t *testing.T) {
	first, second := testCatalog(t).Hash(), testCatalog(t).Hash()
	if first != second || len(first) != 16 {
		t.Error("the hash is not stable")
	}
	other := testCatalog(t)
	if _, err := other.Of(&testv1.Small{}); err != nil {
		t.Fatal(err)
	}
	if other.Hash() == testCatalog(t).Hash() {
		t.Error("another schema has the same hash")
	}
}

func TestKebab(t *testing.T) {
	for name, want := range map[string]string{
		"JoinRoom": "join-room", "HTTPGet": "http-get", "WhoAmI": "who-am-i", "A": "a", "Get2": "get2", "Snake_Case": "snake-case",
	} {
		if got := wire.Kebab(name); got != want {
			t.Errorf("Kebab(%q) = %q, want %q", name, got, want)
		}
	}
}

// dynamicMessage makes a message with rules and two fields, without generated code.
func dynamicMessage(t *testing.T, name string, rules *protowayv1.Rules) proto.Message {
	t.Helper()
	options := &descriptorpb.MessageOptions{}
	proto.SetExtension(options, protowayv1.E_Message, rules)
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: new("dynamic.proto"), Package: new("dynamic.v1"), Syntax: new("proto3"),
		Dependency: []string{"protoway/v1/annotations.proto"},
		MessageType: []*descriptorpb.DescriptorProto{{
			Name: new(name), Options: options,
			Field: []*descriptorpb.FieldDescriptorProto{
				{Name: new("count"), Number: new(int32(1)), Type: descriptorpb.FieldDescriptorProto_TYPE_SINT32.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()},
				{Name: new("raw"), Number: new(int32(2)), Type: descriptorpb.FieldDescriptorProto_TYPE_BYTES.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()},
			},
		}},
	}, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return dynamicpb.NewMessage(file.Messages().Get(0))
}
