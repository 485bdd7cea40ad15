package wire_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/protoway/protoway/wire"
)

// TestRawJSON: what is JSON already goes out as it is, numbers and spaces
// included, whether the type is known or not.
func TestRawJSON(t *testing.T) {
	catalog := testCatalog(t)
	for _, kind := range []string{"note", "nobody-knows"} {
		for _, body := range []string{`{}`, `{"n":9007199254740993, "x" : 1.50}`} {
			f := wire.Frame{ID: 7, Kind: wire.KindMessage, Message: wire.Message{Type: kind, Value: wire.RawJSON(body), Key: "k"}}
			encoded, err := wire.JSON.Open(catalog, wire.ClientSide).Append(nil, &f)
			if err != nil {
				t.Fatal(err)
			}
			if want := `{"id":7,"type":"` + kind + `","body":` + body + `,"key":"k"}`; string(encoded) != want {
				t.Errorf("got %s, want %s", encoded, want)
			}
			wire.JSON.Open(catalog, wire.ServerSide).Decode(encoded, true, func(got *wire.Frame) {
				if got.Err != nil || got.ID != 7 || got.Message.Key != "k" || got.Message.Type != kind {
					t.Errorf("it is read as %+v", got)
				}
				if diff := cmp.Diff(body, string(got.Message.Payload)); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// TestRawJSONIsEmptyElsewhere: a binary dialect must not send text as protobuf.
func TestRawJSONIsEmptyElsewhere(t *testing.T) {
	catalog := testCatalog(t)
	f := wire.Frame{ID: 7, Kind: wire.KindMessage, Message: wire.Message{Type: "note", Value: wire.RawJSON(`{"text":"hi"}`)}}
	encoded, err := wire.Protobuf.Open(catalog, wire.ClientSide).Append(nil, &f)
	if err != nil {
		t.Fatal(err)
	}
	wire.Protobuf.Open(catalog, wire.ServerSide).Decode(encoded, false, func(got *wire.Frame) {
		if got.Err != nil || got.Message.Type != "note" || len(got.Message.Payload) != 0 {
			t.Errorf("it is read as %+v", got)
		}
	})
}
