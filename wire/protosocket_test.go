package wire_test

import (
	"encoding/json"
	"math"
	"os"
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/examples/protosocket/gen/demo"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// accepted is what the original clients made of a server's frame.
type accepted struct {
	Name, Category, Frame string
}

// TestProtoSocketClientAccept: what the original clients take is written as they
// take it, and what they choke on is never written.
func TestProtoSocketClientAccept(t *testing.T) {
	ack := func(err *status.Error) wire.Frame {
		return wire.Frame{Re: 1, Tag: "u1", Kind: wire.KindAck, Ack: wire.Ack{Error: err}}
	}
	message := func(m proto.Message) wire.Frame {
		e, err := testCatalog(t).Of(m)
		if err != nil {
			t.Fatal(err)
		}
		return wire.Frame{Kind: wire.KindMessage, Message: wire.Message{Type: e.Type, Entry: e, Value: m}}
	}
	reply := func(m *demo.AllTypesReply) wire.Frame { return message(m) }
	for _, c := range []struct {
		name  string
		frame wire.Frame
		want  string // "" for the frame of the case
	}{
		{"s2c-ack-success", ack(nil), ""},
		{"s2c-ack-empty-error-message", ack(nil), `{"headers":{"messageType":"ack","uuid":"u1"},"body":{"uuid":"u1"}}`},
		{"s2c-ack-error", ack(status.Unauthenticated.Errorf("unauthorized")), ""},
		{"s2c-ack-snake-case", ack(status.Unknown.Errorf("x")), `{"headers":{"messageType":"ack","uuid":"u1"},"body":{"uuid":"u1","errorMessage":"x"}}`},
		{"s2c-upgrade-api-version", message(&protowayv1.UpgradeApiVersion{Latest: 2}), ""},
		{"s2c-async-progress-done-error", wire.Frame{
			Re: 1, Tag: "job-1", Kind: wire.KindProgress, Control: &protowayv1.Progress{Value: 1}, Done: true,
			Ack: wire.Ack{Error: status.Internal.Errorf("failed")},
		}, ""},
		{"s2c-enum-unknown-name", reply(&demo.AllTypesReply{Color: 77}), `{"headers":{"messageType":"all-types-reply"},"body":{"color":77}}`},
		{"s2c-key-digit-protojson", reply(&demo.AllTypesReply{Key_0: "q"}), `{"headers":{"messageType":"all-types-reply"},"body":{"key_0":"q"}}`},
		{"s2c-bytes-url-safe", reply(&demo.AllTypesReply{Blob: []byte{0xff, 0xef}}), `{"headers":{"messageType":"all-types-reply"},"body":{"blob":"/+8="}}`},
		{"s2c-nan-literal", reply(&demo.AllTypesReply{Dbl: math.NaN()}), `{"headers":{"messageType":"all-types-reply"},"body":{"dbl":"NaN"}}`},
		{"s2c-map-int64-number", reply(&demo.AllTypesReply{Counts: map[string]int64{"a": 5}}), `{"headers":{"messageType":"all-types-reply"},"body":{"counts":{"a":"5"}}}`},
		{"s2c-body-missing", wire.Frame{Re: 1, Kind: wire.KindAck}, `{"headers":{"messageType":"ack"},"body":{}}`},
		{"s2c-extra-headers", ack(nil), `{"headers":{"messageType":"ack","uuid":"u1"},"body":{"uuid":"u1"}}`},
		// Stands for upload-progress: a number of 64 bits in a message without uuid.
		{"s2c-upload-progress", message(&demo.AllTypesReply{I64: 65536}), `{"headers":{"messageType":"all-types-reply"},"body":{"i64":"65536"}}`},
	} {
		recorded, ok := acceptedCases(t)[c.name]
		if !ok {
			t.Errorf("%s is not recorded", c.name)
			continue
		}
		if c.want == "" {
			c.want = recorded.Frame
		}
		got, err := wire.ProtoSocket.Open(testCatalog(t), wire.ServerSide).Append(nil, &c.frame)
		if err != nil {
			t.Fatal(err)
		}
		if !sameJSON(t, got, []byte(c.want)) {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
	if n := len(acceptedCases(t)); n != 14 {
		t.Errorf("%d cases are recorded, 14 are here", n)
	}
}

func acceptedCases(t *testing.T) map[string]accepted {
	t.Helper()
	text, err := os.ReadFile("testdata/protosocket/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Cases []accepted }
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	byName := map[string]accepted{}
	for _, c := range all.Cases {
		if c.Category == "client-accept" {
			byName[c.Name] = c
		}
	}
	return byName
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal(a, &x); err != nil {
		t.Fatalf("%s: %v", a, err)
	}
	if err := json.Unmarshal(b, &y); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return reflect.DeepEqual(x, y)
}
