package wire_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

var update = flag.Bool("update", false, "write the golden frames anew")

// golden is a frame of each kind; testdata holds its bytes in both dialects, for
// every client to read.
type golden struct {
	name  string
	side  wire.Side // who reads it
	frame wire.Frame
}

func goldens() []golden {
	note := &testv1.Note{Text: "hi"}
	position := wire.Position{Epoch: "e1", Offset: 7, Tag: 9}
	return []golden{
		{"message", wire.ServerSide, wire.Frame{ID: 1, Kind: wire.KindMessage, Message: wire.Message{Type: "note", Value: note}}},
		{"message-with-key", wire.ServerSide, wire.Frame{ID: 300, Kind: wire.KindMessage, Message: wire.Message{Type: "note", Value: note, Key: "k-1"}}},
		{"message-without-ack", wire.ServerSide, wire.Frame{Kind: wire.KindMessage, Message: wire.Message{Type: "note", Value: note}}},
		{"publication", wire.ClientSide, wire.Frame{Kind: wire.KindMessage, Message: wire.Message{Type: "event", Value: &testv1.Event{Text: "news", Number: 5}, Group: "room:1", Position: position}}},
		{"correlated", wire.ClientSide, wire.Frame{Re: 1, Kind: wire.KindMessage, Message: wire.Message{Type: "event", Value: &testv1.Event{Text: "for you"}}}},
		{"request", wire.ClientSide, wire.Frame{ID: 4, Re: 1, Kind: wire.KindMessage, Message: wire.Message{Type: "confirm", Value: &testv1.Confirm{Question: "sure?"}}}},
		{"ack", wire.ClientSide, wire.NewAck(1, nil)},
		{"ack-with-reply", wire.ClientSide, wire.Frame{Re: 1, Kind: wire.KindAck, Ack: wire.Ack{Reply: wire.Message{Type: "greeting", Value: &testv1.Greeting{Text: "hello"}}}}},
		{"ack-with-error", wire.ClientSide, wire.NewAck(1, status.NotFound.Errorf("no room %q", "x"))},
		{"ack-with-app-code", wire.ClientSide, wire.NewAck(1, status.App(7, "no stock").After(1500*time.Millisecond))},
		{"ack-with-detail", wire.ClientSide, wire.NewAck(1, status.ResourceExhausted.Errorf("slow down").WithDetail(durationpb.New(time.Second)))},
		{"hello", wire.ServerSide, wire.Frame{ID: 1, Kind: wire.KindHello, Control: &protowayv1.Hello{
			Token: "t0ken", Client: "test/1", MaxMessageBytes: 65536,
			Resume: &protowayv1.Resume{Secret: []byte("0123456789abcdef"), Groups: []*protowayv1.ResumeGroup{{Ticket: []byte{1, 2}, Position: position.Proto()}}},
		}}},
		{"welcome", wire.ClientSide, wire.Frame{Kind: wire.KindWelcome, Control: &protowayv1.Welcome{
			Session: "s1", Secret: []byte("0123456789abcdef"), User: "42",
			MaxInFlight: 256, MaxMessageBytes: 1048576, MaxBatchFrames: 256, HeartbeatMs: 25000, SchemaHash: "abc", ServerTimeMs: 1700000000000,
		}}},
		{"progress", wire.ClientSide, wire.Frame{Re: 1, Kind: wire.KindProgress, Control: &protowayv1.Progress{Value: 0.5, Info: "half"}}},
		{"authenticate", wire.ServerSide, wire.Frame{ID: 2, Kind: wire.KindAuthenticate, Control: &protowayv1.Authenticate{Token: "t0ken"}}},
		{"joined", wire.ClientSide, wire.Frame{Kind: wire.KindJoined, Control: &protowayv1.Joined{Group: "room:1", Ticket: []byte{1, 2, 3}, Position: position.Proto(), Recovery: protowayv1.Joined_NO_HISTORY}}},
		{"left", wire.ClientSide, wire.Frame{Kind: wire.KindLeft, Control: &protowayv1.Left{Group: "room:1", Reason: "the user changed"}}},
		{"heartbeat", wire.ServerSide, wire.Frame{Kind: wire.KindHeartbeat, Control: &protowayv1.Heartbeat{}}},
		{"goaway", wire.ClientSide, wire.Frame{Kind: wire.KindGoaway, Control: &protowayv1.Goaway{SpreadMs: 5000, Reason: "restart"}}},
		{"settled", wire.ServerSide, wire.Frame{Kind: wire.KindSettled, Control: &protowayv1.Settled{Ids: []uint64{3, 4, 300}}}},
	}
}

func testCatalog(t testing.TB) *wire.Catalog {
	t.Helper()
	catalog := wire.NewCatalog(nil)
	for _, m := range []proto.Message{
		&testv1.Note{}, &testv1.Greet{}, &testv1.Event{}, &testv1.Confirm{}, &testv1.Work{}, &testv1.Rework{}, &testv1.Chatter{},
	} {
		if _, err := catalog.Of(m); err != nil {
			t.Fatal(err)
		}
	}
	return catalog
}

// TestGoldenFrames compares the bytes of every kind of frame with testdata, and
// what they decode to with what was encoded.
func TestGoldenFrames(t *testing.T) {
	catalog := testCatalog(t)
	for _, dialect := range []wire.Dialect{wire.Protobuf, wire.JSON} {
		for _, g := range goldens() {
			t.Run(dialect.Name()+"/"+g.name, func(t *testing.T) {
				encoded, err := dialect.Open(catalog, wire.ServerSide).Append(nil, &g.frame)
				if err != nil {
					t.Fatal(err)
				}
				compareGolden(t, dialect, g.name, encoded)
				session := dialect.Open(catalog, g.side)
				frames := 0
				session.Decode(encoded, dialect.Text(), func(got *wire.Frame) {
					frames++
					sameFrame(t, session, got, &g.frame)
				})
				if frames != 1 {
					t.Errorf("decoded %d frames", frames)
				}
			})
		}
	}
}

// TestGoldensAreValidFrames decodes the binary goldens with the generated code.
func TestGoldensAreValidFrames(t *testing.T) {
	for _, g := range goldens() {
		encoded, err := wire.Protobuf.Open(testCatalog(t), wire.ServerSide).Append(nil, &g.frame)
		if err != nil {
			t.Fatal(err)
		}
		batch := &protowayv1.Batch{}
		if err := proto.Unmarshal(encoded, batch); err != nil {
			t.Fatalf("%s: %v", g.name, err)
		}
		if len(batch.GetFrames()) != 1 || batch.GetFrames()[0].GetId() != g.frame.ID || batch.GetFrames()[0].GetRe() != g.frame.Re {
			t.Errorf("%s: decoded to %v", g.name, batch)
		}
		again, err := proto.Marshal(batch)
		if err != nil || !bytes.Equal(again, encoded) {
			t.Errorf("%s: %x, the generated code writes %x (%v)", g.name, encoded, again, err)
		}
	}
}

func compareGolden(t *testing.T, dialect wire.Dialect, name string, encoded []byte) {
	t.Helper()
	file, text := filepath.Join("testdata", "frames", name+".hex"), hex.EncodeToString(encoded)+"\n"
	if dialect.Text() {
		file, text = filepath.Join("testdata", "frames", name+".json"), string(encoded)+"\n"
	}
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(want)) != strings.TrimSpace(text) {
		t.Errorf("%s\n got %s\nwant %s", file, text, want)
	}
}

func sameFrame(t *testing.T, session wire.Session, got, want *wire.Frame) {
	t.Helper()
	if got.Err != nil {
		t.Fatal(got.Err)
	}
	if got.ID != want.ID || got.Re != want.Re || got.Kind != want.Kind {
		t.Errorf("id %d re %d kind %v, want %d %d %v", got.ID, got.Re, got.Kind, want.ID, want.Re, want.Kind)
	}
	if diff := cmp.Diff(want.Control, got.Control, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	sameMessage(t, session, &got.Message, &want.Message)
	sameMessage(t, session, &got.Ack.Reply, &want.Ack.Reply)
	unexported := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".cause" || p.Last().String() == ".http" }, cmp.Ignore())
	if diff := cmp.Diff(want.Ack.Error, got.Ack.Error, protocmp.Transform(), unexported); diff != "" {
		t.Error(diff)
	}
}

func sameMessage(t *testing.T, session wire.Session, got, want *wire.Message) {
	t.Helper()
	if got.Type != want.Type || got.Key != want.Key || got.Group != want.Group || got.Position != want.Position {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if want.Value == nil {
		return
	}
	if got.Entry == nil {
		t.Fatalf("type %q was not found in the catalog", got.Type)
	}
	value := got.Entry.Message.New().Interface()
	if err := session.Unmarshal(got.Payload, value); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Value, value, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}
