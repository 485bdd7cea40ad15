package wire_test

import (
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// seen is what is left of a frame after it was handed over.
type seen struct {
	id   uint64
	kind wire.Kind
	code status.Code
}

func decodeAll(t testing.TB, dialect wire.Dialect, message []byte, text bool) []seen {
	t.Helper()
	var all []seen
	dialect.Open(testCatalog(t), wire.ServerSide).Decode(message, text, func(f *wire.Frame) {
		s := seen{id: f.ID, kind: f.Kind}
		if f.Err != nil {
			s.kind, s.code = wire.KindUnknown, f.Err.Code
		}
		all = append(all, s)
	})
	return all
}

func noteFrame(id uint64) *protowayv1.Frame {
	payload, _ := proto.Marshal(&testv1.Note{Text: "hi"})
	return &protowayv1.Frame{Id: id, Kind: &protowayv1.Frame_Message{Message: &protowayv1.Message{Type: "note", Payload: payload}}}
}

// rawBatch joins frames that may be malformed.
func rawBatch(frames ...[]byte) []byte {
	var batch []byte
	for _, f := range frames {
		batch = protowire.AppendBytes(protowire.AppendTag(batch, 1, protowire.BytesType), f)
	}
	return batch
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestBadFrameAmongGoodOnes(t *testing.T) {
	bad := []byte{0x08, 0x07, 0x1a, 0x7f} // id 7, then a message that claims 127 bytes
	got := decodeAll(t, wire.Protobuf, rawBatch(marshal(t, noteFrame(1)), bad, marshal(t, noteFrame(2))), false)
	want := []seen{{1, wire.KindMessage, status.OK}, {7, wire.KindUnknown, status.InvalidArgument}, {2, wire.KindMessage, status.OK}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestBatchBounds(t *testing.T) {
	var frames [][]byte
	for id := range uint64(wire.MaxBatchFrames + 2) {
		frames = append(frames, marshal(t, noteFrame(id+1)))
	}
	got := decodeAll(t, wire.Protobuf, rawBatch(frames...), false)
	if len(got) != wire.MaxBatchFrames+2 {
		t.Fatalf("%d frames were handed over", len(got))
	}
	for i, s := range got {
		want := seen{uint64(i + 1), wire.KindMessage, status.OK}
		if i >= wire.MaxBatchFrames {
			want = seen{uint64(i + 1), wire.KindUnknown, status.ResourceExhausted}
		}
		if s != want {
			t.Errorf("frame %d: %v, want %v", i, s, want)
		}
	}
}

func TestMalformedBatches(t *testing.T) {
	good := rawBatch(marshal(t, noteFrame(1)))
	for name, tc := range map[string]struct {
		dialect wire.Dialect
		message []byte
		text    bool
		want    []seen
	}{
		"cut off":        {wire.Protobuf, good[:len(good)-1], false, []seen{{0, 0, status.InvalidArgument}}},
		"other field":    {wire.Protobuf, append(good, 0x10, 0x01), false, []seen{{1, wire.KindMessage, 0}, {0, 0, status.InvalidArgument}}},
		"empty":          {wire.Protobuf, nil, false, nil},
		"text on binary": {wire.Protobuf, []byte("{}"), true, []seen{{0, 0, status.InvalidArgument}}},
		"empty frame":    {wire.Protobuf, rawBatch(nil), false, []seen{{0, wire.KindUnknown, 0}}},
		"unknown kind":   {wire.Protobuf, rawBatch([]byte{0x08, 0x05, 0xfa, 0x01, 0x00}), false, []seen{{5, wire.KindUnknown, 0}}},
		"bad utf-8":      {wire.Protobuf, rawBatch([]byte{0x08, 0x05, 0x1a, 0x03, 0x0a, 0x01, 0xff}), false, []seen{{5, wire.KindUnknown, status.InvalidArgument}}},
		"binary on json": {wire.JSON, []byte("{}"), false, []seen{{0, 0, status.InvalidArgument}}},
		"not json":       {wire.JSON, []byte(`{"id":1,`), true, []seen{{0, 0, status.InvalidArgument}}},
		"array":          {wire.JSON, []byte(`[1]`), true, []seen{{0, 0, status.InvalidArgument}}},
		"no kind":        {wire.JSON, []byte(`{"id":3}`), true, []seen{{3, wire.KindUnknown, 0}}},
		"bad id":         {wire.JSON, []byte(`{"id":-3,"type":"note"}`), true, []seen{{0, 0, status.InvalidArgument}}},
		"bad type":       {wire.JSON, []byte(`{"id":3,"type":["note"]}`), true, []seen{{3, wire.KindUnknown, status.InvalidArgument}}},
		"bad hello":      {wire.JSON, []byte(`{"id":3,"hello":7}`), true, []seen{{3, wire.KindUnknown, status.InvalidArgument}}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := decodeAll(t, tc.dialect, tc.message, tc.text); fmt.Sprint(got) != fmt.Sprint(tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// TestKindsMoreThanOnce follows the rules of protobuf: the last kind of a oneof
// counts, and parts of one kind are merged.
func TestKindsMoreThanOnce(t *testing.T) {
	typeOnly := marshal(t, &protowayv1.Frame{Id: 9, Kind: &protowayv1.Frame_Message{Message: &protowayv1.Message{Type: "note"}}})
	keyOnly := marshal(t, &protowayv1.Frame{Kind: &protowayv1.Frame_Message{Message: &protowayv1.Message{Key: "k"}}})
	ack := marshal(t, &protowayv1.Frame{Kind: &protowayv1.Frame_Ack{Ack: &protowayv1.Ack{}}})
	decode := func(raw []byte) (f wire.Frame) {
		wire.Protobuf.Open(testCatalog(t), wire.ServerSide).Decode(rawBatch(raw), false, func(got *wire.Frame) { f = *got })
		return f
	}
	if f := decode(append(typeOnly, keyOnly...)); f.Kind != wire.KindMessage || f.Message.Type != "note" || f.Message.Key != "k" || f.ID != 9 {
		t.Errorf("merged: %+v", f)
	}
	if f := decode(append(typeOnly, ack...)); f.Kind != wire.KindAck || f.ID != 9 {
		t.Errorf("last wins: %+v", f)
	}
}

func TestConcatenatedBatchesAreABatch(t *testing.T) {
	a, b := rawBatch(marshal(t, noteFrame(1))), rawBatch(marshal(t, noteFrame(2)), marshal(t, noteFrame(3)))
	got := decodeAll(t, wire.Protobuf, append(a, b...), false)
	if fmt.Sprint(got) != fmt.Sprint([]seen{{1, wire.KindMessage, 0}, {2, wire.KindMessage, 0}, {3, wire.KindMessage, 0}}) {
		t.Errorf("got %v", got)
	}
}

// priceEntry is a message of which a slow member gets the latest by its symbol.
func priceEntry(t *testing.T) *wire.Entry {
	t.Helper()
	e, err := wire.NewCatalog(nil).Of(&testv1.Price{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestLaneValues(t *testing.T) {
	catalog := testCatalog(t)
	work, _ := catalog.Of(&testv1.Work{})
	rework, _ := catalog.Of(&testv1.Rework{})
	if work.LaneName() != "topic" || rework.LaneName() != "topic" || !work.HasLane() {
		t.Fatalf("lanes %q and %q", work.LaneName(), rework.LaneName())
	}
	binary, text := wire.Protobuf.Open(catalog, wire.ServerSide), wire.JSON.Open(catalog, wire.ServerSide)
	payload := marshal(t, &testv1.Work{Topic: "a", Number: 4})
	twice := slices.Concat(payload, marshal(t, &testv1.Work{Topic: "b"}))
	for name, got := range map[string]struct{ have, want string }{
		"binary":    {string(binary.LaneValue(nil, work, payload)), "a"},
		"last wins": {string(binary.LaneValue(nil, work, twice)), "b"},
		"absent":    {string(binary.LaneValue(nil, work, nil)), ""},
		"malformed": {string(binary.LaneValue(nil, work, []byte{0xff})), ""},
		"other":     {string(binary.LaneValue(nil, rework, marshal(t, &testv1.Rework{Subject: "a"}))), "a"},
		"json":      {string(text.LaneValue(nil, work, []byte(`{"topic":"a"}`))), "a"},
		"key":       {string(priceEntry(t).AppendLatestKey(nil, marshal(t, &testv1.Price{Symbol: "a", Number: 7}))), "a"},
		"no key":    {string(priceEntry(t).AppendLatestKey(nil, []byte{0xff})), ""},
		"json bad":  {string(text.LaneValue(nil, work, []byte(`{"topic":7}`))), ""},
	} {
		if got.have != got.want {
			t.Errorf("%s: %q, want %q", name, got.have, got.want)
		}
	}
}

func TestAllocDecode(t *testing.T) {
	session := wire.Protobuf.Open(testCatalog(t), wire.ServerSide)
	batch := rawBatch(marshal(t, noteFrame(1)), marshal(t, noteFrame(2)))
	frames := 0
	handle := func(*wire.Frame) { frames++ }
	if n := testing.AllocsPerRun(100, func() { session.Decode(batch, false, handle) }); n != 0 {
		t.Errorf("decoding two messages allocates %v times", n)
	}
	if frames == 0 {
		t.Error("nothing was decoded")
	}
}
