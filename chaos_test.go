package protoway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/internal/testpeer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/wire"
)

// chaosFrames is how many random and mutated frames one connection is sent.
const chaosFrames = 10_000

// TestChaos sends random and mutated frames: every one whose id a reference
// decoder can read is acked exactly once, the connection stays, and no goroutine
// is left (which TestMain checks).
func TestChaos(t *testing.T) {
	_, url := start(t, protoway.Config{}, whoAmI(), joiner(), receivers.Discover(&Greeter{}, receivers.For("Note")),
		receivers.Handle(func(context.Context, *testv1.Small) error { return nil }),
		receivers.Handle(func(context.Context, *testv1.Admin) error { return nil }),
		receivers.Handle(func(context.Context, *testv1.Work) error { return nil }))
	for _, dialect := range dialects {
		t.Run(dialect.Name(), func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			chaos := &chaos{rand: rand.New(rand.NewPCG(seed, 1)), dialect: dialect, session: dialect.Open(wire.NewCatalog(nil), wire.ClientSide)}
			p := testpeer.Dial(t, url, testpeer.Options{Dialect: dialect}, fromServer...)
			want, total := map[uint64]int{}, 0
			for sent := 0; sent < chaosFrames; {
				message, frames := chaos.message(t)
				p.WriteRaw(message)
				sent += frames
				for _, id := range chaos.reference(message) {
					want[id]++
					total++
				}
			}
			if total < chaosFrames/4 {
				t.Errorf("only %d of %d frames ask for an ack: the test shows little", total, chaosFrames)
			}
			last := p.Send(&testv1.WhoAmI{})
			want[last]++
			total++
			got, acked := map[uint64]int{}, 0
			for acked < total {
				for _, f := range p.TakeAll() {
					if f.Kind == wire.KindAck && f.Re != 0 {
						got[f.Re]++
						acked++
					}
				}
			}
			mustBe(t, p, "") // whatever else would come has come before this ack
			for _, f := range p.Came() {
				if f.Kind == wire.KindAck && f.Re != 0 {
					got[f.Re]++
				}
			}
			for id := range want {
				if got[id] != want[id] {
					t.Errorf("id %d: %d acks for %d frames", id, got[id], want[id])
				}
			}
			for id := range got {
				if want[id] == 0 {
					t.Errorf("id %d was acked and never sent", id)
				}
			}
		})
	}
}

// chaos makes messages that are well-formed, mutated, or noise.
type chaos struct {
	rand    *rand.Rand
	dialect wire.Dialect
	session wire.Session
	lastID  uint64
}

// message returns a message of the transport and about how many frames it has.
func (c *chaos) message(t *testing.T) (message []byte, frames int) {
	t.Helper()
	frames = 1
	if c.dialect.Joins() {
		frames = 1 + c.rand.IntN(5)
	}
	for range frames {
		encoded, err := c.session.Append(nil, c.frame())
		if err != nil {
			t.Fatal(err)
		}
		if c.rand.IntN(2) == 0 {
			encoded = c.mutate(encoded)
		}
		message = append(message, encoded...)
	}
	if c.rand.IntN(20) == 0 {
		message = c.mutate(message)
	}
	if c.dialect.Text() { // else the transport ends the connection
		message = bytes.ToValidUTF8(message, []byte("?"))
	}
	return message, frames
}

func (c *chaos) frame() *wire.Frame {
	c.lastID++
	f := &wire.Frame{ID: c.lastID, Kind: wire.KindMessage}
	values := []proto.Message{
		&testv1.Note{Text: "join room"}, &testv1.Note{Text: "leave room"}, &testv1.Note{Text: "say room"},
		&testv1.Greet{Name: "Ada"}, &testv1.Greet{}, &testv1.Small{Text: "0123456789012345678"}, &testv1.Admin{},
		&testv1.Work{Topic: "a"}, &testv1.Work{Topic: "b"}, &testv1.Secret{}, &testv1.WhoAmI{},
	}
	types := []string{"note", "note", "note", "greet", "greet", "small", "admin", "work", "work", "secret", "who-am-i"}
	controls := []struct {
		kind    wire.Kind
		control proto.Message
	}{
		{wire.KindHello, &protowayv1.Hello{Token: "x"}},
		{wire.KindWelcome, &protowayv1.Welcome{}},
		{wire.KindAuthenticate, &protowayv1.Authenticate{Token: "x"}},
		{wire.KindHeartbeat, &protowayv1.Heartbeat{}},
		{wire.KindJoined, &protowayv1.Joined{Group: "room"}},
		{wire.KindProgress, &protowayv1.Progress{Value: 1}},
	}
	if c.rand.IntN(5) == 0 {
		pick := controls[c.rand.IntN(len(controls))]
		f.Kind, f.Control = pick.kind, pick.control
		return f
	}
	i := c.rand.IntN(len(values))
	f.Message = wire.Message{Type: types[i], Value: values[i]}
	if c.rand.IntN(3) == 0 {
		f.Message.Key = string(rune('a' + c.rand.IntN(20)))
	}
	return f
}

// mutate changes, cuts, doubles or replaces bytes.
func (c *chaos) mutate(raw []byte) []byte {
	raw = append([]byte(nil), raw...)
	for range 1 + c.rand.IntN(3) {
		if len(raw) == 0 {
			return raw
		}
		at := c.rand.IntN(len(raw))
		switch c.rand.IntN(5) {
		case 0:
			raw[at] = byte(c.rand.Uint32())
		case 1:
			raw[at] ^= 1 << c.rand.IntN(8)
		case 2:
			raw = raw[:at]
		case 3:
			raw = append(raw[:at], raw[min(at+1+c.rand.IntN(4), len(raw)):]...)
		default:
			raw = append(raw[:at], append([]byte{byte(c.rand.Uint32())}, raw[at:]...)...)
		}
	}
	return raw
}

// reference returns the ids in a message that ask for an ack, as decoders that
// are not ours read them.
func (c *chaos) reference(message []byte) (ids []uint64) {
	if c.dialect.Text() {
		return referenceJSON(message)
	}
	for count := 0; len(message) > 0 && message[0] == 0x0a; count++ {
		raw, n := protowire.ConsumeBytes(message[1:])
		if n < 0 {
			break
		}
		message = message[1+n:]
		if id := referenceID(raw); id != 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// referenceID reads a frame with the generated code or, if that cannot, field by
// field up to the first error.
func referenceID(raw []byte) uint64 {
	frame := &protowayv1.Frame{}
	if proto.Unmarshal(raw, frame) == nil {
		if frame.GetAck() != nil { // acks are never acked
			return 0
		}
		return frame.GetId()
	}
	id := uint64(0)
	for len(raw) > 0 {
		num, typ, n := protowire.ConsumeTag(raw)
		if n < 0 {
			break
		}
		size := protowire.ConsumeFieldValue(num, typ, raw[n:])
		if size < 0 {
			break
		}
		if num == 1 && typ == protowire.VarintType {
			id, _ = protowire.ConsumeVarint(raw[n:])
		}
		raw = raw[n+size:]
	}
	return id
}

func referenceJSON(text []byte) []uint64 {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil {
		return nil
	}
	var id uint64
	if json.Unmarshal(members["id"], &id) != nil || id == 0 {
		return nil
	}
	if _, isMessage := members["type"]; !isMessage && members["ack"] != nil {
		return nil
	}
	return []uint64{id}
}
