package wire_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire"
)

// FuzzProtobuf compares the decoder with the generated code: it finds the same
// ids, and accepts a frame if and only if the generated code does.
func FuzzProtobuf(f *testing.F) {
	catalog := testCatalog(f)
	session := wire.Protobuf.Open(catalog, wire.ServerSide)
	for _, g := range goldens() {
		encoded, err := session.Append(nil, &g.frame)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		raws := splitBatch(message)
		at := 0
		session.Decode(message, false, func(got *wire.Frame) {
			if at >= len(raws) {
				if got.Err == nil || got.ID != 0 {
					t.Fatalf("frame %d does not exist: %+v", at, got)
				}
				return
			}
			compareWithGenerated(t, got, raws[at], at)
			at++
		})
		if at < len(raws) {
			t.Fatalf("%d of %d frames were handed over", at, len(raws))
		}
	})
}

// FuzzProtoSocket checks that every text is one frame, and that whatever it is
// answered with is strict JSON, which clients need to stay alive.
func FuzzProtoSocket(f *testing.F) {
	catalog := testCatalog(f)
	session := wire.ProtoSocket.Open(catalog, wire.ServerSide)
	for _, text := range []string{
		`{"headers":{"messageType":"note","authHeader":null,"ack":true,"uuid":"u1"},"body":{"text":"hi"}}`,
		`{"headers":{"messageType":["x"],"ack":true,"uuid":7}}`, `{"headers":null}`, `{"body":{}}`, `{}`, `[]`,
		`{"headers":{"messageType":"work","ack":1,"uuid":"\u0000"},"body":[]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		frames := 0
		session.Decode(text, true, func(got *wire.Frame) {
			frames++
			if !json.Valid(text) && got.Err == nil {
				t.Fatalf("%q is not JSON and was accepted", text)
			}
			ack := wire.NewAck(got.ID, got.Err)
			ack.Tag = got.Tag
			encoded, err := session.Append(nil, &ack)
			if err != nil || !json.Valid(encoded) {
				t.Fatalf("%q is answered with %q, %v", text, encoded, err)
			}
			if got.Err == nil && got.Message.Entry != nil {
				value := got.Message.Entry.Message.New().Interface()
				_ = session.Unmarshal(got.Message.Payload, value) // must not panic
				if got.Message.Entry.HasLane() {
					session.LaneValue(nil, got.Message.Entry, got.Message.Payload)
				}
			}
		})
		if frames != 1 {
			t.Fatalf("%d frames", frames)
		}
	})
}

// splitBatch is the reference for what frames a batch holds, up to the first
// thing that is not a frame.
func splitBatch(message []byte) (raws [][]byte) {
	for len(message) > 0 && message[0] == 0x0a {
		raw, n := protowire.ConsumeBytes(message[1:])
		if n < 0 {
			break
		}
		raws = append(raws, raw)
		message = message[1+n:]
	}
	return raws
}

func compareWithGenerated(t *testing.T, got *wire.Frame, raw []byte, at int) {
	t.Helper()
	want := &protowayv1.Frame{}
	err := proto.Unmarshal(raw, want)
	if at >= wire.MaxBatchFrames {
		if got.Err == nil {
			t.Fatal("a frame beyond the bound was accepted")
		}
		return
	}
	if (err == nil) != (got.Err == nil) {
		t.Fatalf("%x: the generated code says %v, the decoder %v", raw, err, got.Err)
	}
	if err != nil {
		return
	}
	if got.ID != want.GetId() || got.Re != want.GetRe() {
		t.Fatalf("%x: ids %d %d, want %d %d", raw, got.ID, got.Re, want.GetId(), want.GetRe())
	}
	m := want.GetMessage()
	if (m != nil) != (got.Kind == wire.KindMessage) {
		t.Fatalf("%x: kind %v, want %T", raw, got.Kind, want.GetKind())
	}
	if m != nil && (got.Message.Type != m.GetType() || !bytes.Equal(got.Message.Payload, m.GetPayload()) || got.Message.Key != m.GetKey() || got.Message.Group != m.GetGroup()) {
		t.Fatalf("%x: message %+v, want %v", raw, got.Message, m)
	}
	if ack := want.GetAck(); ack != nil && (got.Kind != wire.KindAck || (got.Ack.Error == nil) != (ack.GetCode() == 0)) {
		t.Fatalf("%x: ack %+v, want %v", raw, got.Ack, ack)
	}
}

// FuzzJSON checks that every text is one frame, that what encoding/json refuses
// is refused, and that an id that can be read is read.
func FuzzJSON(f *testing.F) {
	catalog := testCatalog(f)
	session := wire.JSON.Open(catalog, wire.ServerSide)
	files, err := filepath.Glob(filepath.Join("testdata", "frames", "*.json"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no goldens: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		frames := 0
		session.Decode(text, true, func(got *wire.Frame) {
			frames++
			var reference struct {
				ID json.Number `json:"id"`
			}
			if !json.Valid(text) && got.Err == nil {
				t.Fatalf("%q is not JSON and was accepted", text)
			}
			if json.Unmarshal(text, &reference) == nil && got.Err == nil && got.ID != 0 && reference.ID == "" {
				t.Fatalf("%q has no id, %d was read", text, got.ID)
			}
			if got.Kind == wire.KindMessage && got.Err == nil && got.Message.Entry != nil {
				value := got.Message.Entry.Message.New().Interface()
				_ = session.Unmarshal(got.Message.Payload, value) // must not panic
				if got.Message.Entry.HasLane() {
					session.LaneValue(nil, got.Message.Entry, got.Message.Payload)
				}
			}
		})
		if frames != 1 {
			t.Fatalf("%d frames", frames)
		}
	})
}

// FuzzProtoSocketMembers compares what is found in a frame with what encoding/json
// finds there.
func FuzzProtoSocketMembers(f *testing.F) {
	session := wire.ProtoSocket.Open(testCatalog(f), wire.ServerSide)
	for _, text := range []string{
		`{"headers":{"messageType":"note","authHeader":"t","ack":true,"uuid":"u1","apiVersion":3},"body":{"text":"hi}"}}`,
		" {\t\"body\" : {\"a\":[{\"b\":\"]}\\\"\"}]} ,\n\"headers\":{ \"uuid\" :\"\\u0041\", \"\\u0061ck\":true , \"messageType\":\"note\" } } ",
		`{"headers":{"ack":false,"ack":true,"authHeader":["x"],"messageType":"a","messageType":"b"},"headers":{"messageType":"c"}}`,
		`{"headers":{"messageType":"note","authHeader":"` + "\xff" + `","uuid":null},"body":null}`, `{"headers":{}}`, `{"headers":[]}`, `{`, `""`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var frame, headers map[string]json.RawMessage
		isFrame := json.Unmarshal(text, &frame) == nil && frame != nil && json.Unmarshal(frame["headers"], &headers) == nil && headers != nil
		session.Decode(text, true, func(got *wire.Frame) {
			if !isFrame {
				if got.Err == nil || got.ID != 0 || got.Tag != "" || got.Token != "" {
					t.Fatalf("%q is no frame: %+v", text, got)
				}
				return
			}
			uuid, token, kind := "", "", ""
			_ = json.Unmarshal(headers["uuid"], &uuid)
			_ = json.Unmarshal(headers["authHeader"], &token)
			noKind := headers["messageType"] != nil && json.Unmarshal(headers["messageType"], &kind) != nil
			if len(uuid) > wire.MaxKeyBytes {
				return
			}
			if got.Tag != uuid || got.Token != token || (got.ID != 0) != (string(headers["ack"]) == "true") || noKind && got.Err == nil {
				t.Fatalf("%q: %+v, want uuid %q and token %q", text, got, uuid, token)
			}
			if got.Err != nil {
				return
			}
			body := string(frame["body"])
			if body == "null" {
				body = ""
			}
			if got.Message.Type != kind || string(got.Message.Payload) != body {
				t.Fatalf("%q: %q with %q, want %q with %q", text, got.Message.Type, got.Message.Payload, kind, body)
			}
		})
	})
}
