package protojson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	googlejson "google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/protoway/protoway/wire/protojson"
	"github.com/protoway/protoway/wire/protojson/internal/jsontest"
)

// seeds are texts that reach most of the decoder, for the samples by their index.
var seeds = map[int][]string{
	0: {
		`{"text":"hi","i32":-5,"i64":"9007199254740993","u64":18446744073709551615,"flag":true,"dbl":1.5,"flt":"NaN","blob":"AAEC/w==","color":"COLOR_RED"}`,
		`{"inner":{"name":"n","big":"-1"},"tags":["a","\ud83d\ude00"],"ids":["1",2e0],"items":[{"name":"x"},{}],"colors":["blue",77],"blobs":["_-8",""]}`,
		`{"meta":{"k":"v"},"counts":{"a":"5"},"inners":{"k":{"name":"m"}},"byNum":{"7":"seven"},"date_created":1700000000123,"key_0":"k","oneA":null,"oneB":1.0}`,
		`{"unknown":[1,{"a":null,"b":[true,false,"\u0000"]}],"dbl":-1.5E-7}`,
	},
	1: {`{"maybeInt32":0,"floats":[1,"1e3","-Infinity"],"levels":["LEVEL_TOP",1],"bytes":"-_=="}`},
	2: {`{"bools":{"true":"t"},"int32s":{"-1":1},"values":{"a":{"b":[null]}},"times":{"x":"2020-01-02T03:04:05.6+01:00"},"uint64s":{"1":"2"}}`},
	3: {`{"label":"a","children":[{"only":{}}],"named":{"x":{"label":"y"}}}`},
	4: {
		`{"any":{"@type":"type.googleapis.com/jsontest.Inner","name":"x"},"timestamp":"1970-01-01T00:00:00Z","duration":"-1.5s","mask":"a,bC.d"}`,
		`{"struct":{"a":[1,null,"x",{}]},"value":null,"list":[1],"empty":{"x":1},"null":null,"bool":true,"int64":"1","double":"NaN","bytes":"AA"}`,
		`{"anys":[{"value":"1s","@type":"type.googleapis.com/google.protobuf.Duration"},{},{"@type":"/google.protobuf.Any","value":{}}],"oneNull":null,"nulls":[null,0]}`,
	},
	7:  {`{"must":"x","fixed":2,"more":["FIXED_ONE"],"oldgroup":{"inGroup":1},"many":[{"n":1}],"[jsontest.ext_number]":"5","[jsontest.Scope.scoped]":"s","[no.such]":1}`},
	8:  {`{"must":"x","explicit":"","delimited":{"must":""},"oneB":{"must":"y"},"blobs":{"1":"AA=="}}`},
	9:  {`{"a":[1,2.5,{"b":null}]}`, `null`},
	11: {`{"@type":"type.googleapis.com/jsontest.Legacy","number":1}`},
}

func addSeeds(f *testing.F, add func(data []byte, which byte)) {
	f.Helper()
	for which, texts := range seeds {
		for _, text := range texts {
			add([]byte(text), byte(which))
		}
	}
}

// FuzzUnmarshal holds the decoder to its promises on any input: it does not panic, and what it accepts has one
// written form, which is JSON and means the same.
func FuzzUnmarshal(f *testing.F) {
	addSeeds(f, func(data []byte, which byte) {
		for style := range styles {
			f.Add(data, which, byte(style), style%2 == 0)
		}
	})
	f.Fuzz(func(t *testing.T, data []byte, which, style byte, byDescriptor bool) {
		m := samples[int(which)%len(samples)].ProtoReflect().New()
		if byDescriptor {
			m = dynamicpb.NewMessage(m.Descriptor())
		}
		options := protojson.Options{Names: protojson.NameStyle(style % 4)}
		if err := options.Unmarshal(data, m.Interface()); err != nil {
			var e *protojson.Error
			if !errors.As(err, &e) || strings.ToValidUTF8(err.Error(), "") != err.Error() {
				t.Fatalf("not an error to show: %q", err)
			}
			return
		}
		if !json.Valid(data) {
			t.Fatalf("accepted what is not JSON: %q", data)
		}
		out, err := options.Append(nil, m.Interface())
		if err != nil {
			t.Fatalf("%q was read, but not written: %v", data, err)
		}
		if !json.Valid(out) || strings.ToValidUTF8(string(out), "") != string(out) {
			t.Fatalf("%q was written as %q", data, out)
		}
		back := m.New()
		if err := options.Unmarshal(out, back.Interface()); err != nil || !proto.Equal(m.Interface(), back.Interface()) {
			t.Fatalf("%q was written as %q, which is %v, %v", data, out, back, err)
		}
		if again, _ := options.Append(nil, back.Interface()); !bytes.Equal(again, out) {
			t.Fatalf("%q was written as %q and as %q", data, out, again)
		}
	})
}

// documented are the reasons for which we refuse what the reference implementation accepts, as in the package comment.
var documented = []string{
	"nested too deeply",
	"unknown name of an enum value",
	"unknown number of a closed enum",
	"a google.protobuf.Any without @type",
	"not base64",
	"malformed number",
	"not an integer: \"",
	"not a duration",
	"not a timestamp",
}

// FuzzAgainstProtojson compares with the reference implementation: what that accepts, we accept with the same result.
func FuzzAgainstProtojson(f *testing.F) {
	addSeeds(f, func(data []byte, which byte) { f.Add(data, which) })
	exact, loose := fieldNames()
	f.Fuzz(func(t *testing.T, data []byte, which byte) {
		m := samples[int(which)%len(samples)].ProtoReflect().New().Interface()
		reference := proto.Clone(m)
		if (googlejson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, reference) != nil {
			return
		}
		if err := (protojson.Options{}).Unmarshal(data, m); err != nil {
			for _, reason := range documented {
				if strings.Contains(err.Error(), reason) {
					return
				}
			}
			if !hasLooseName(data, exact, loose) {
				t.Fatalf("refused %q: %v", data, err)
			}
			return
		}
		if !proto.Equal(m, reference) && !hasLooseName(data, exact, loose) {
			t.Fatalf("%q\nours      %v\nreference %v", data, m, reference)
		}
	})
}

// fieldNames returns the names of the test schema, as they are and with all that spellings may differ in taken out.
func fieldNames() (exact, loose map[string]bool) {
	exact, loose = make(map[string]bool), make(map[string]bool)
	var addMessages func(protoreflect.MessageDescriptors)
	addMessages = func(mds protoreflect.MessageDescriptors) {
		for i := range mds.Len() {
			fds := mds.Get(i).Fields()
			for j := range fds.Len() {
				for _, name := range []string{fds.Get(j).JSONName(), fds.Get(j).TextName()} {
					exact[name], loose[bare(name)] = true, true
				}
			}
			addMessages(mds.Get(i).Messages())
		}
	}
	for _, file := range []protoreflect.FileDescriptor{
		jsontest.File_demo_proto, jsontest.File_legacy_proto, jsontest.File_opaque_proto, structpb.File_google_protobuf_struct_proto,
	} {
		addMessages(file.Messages())
	}
	return exact, loose
}

func bare(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// hasLooseName reports whether a string in data is a spelling of a name that only we understand.
func hasLooseName(data []byte, exact, loose map[string]bool) bool {
	tokens := json.NewDecoder(strings.NewReader(string(data)))
	for {
		token, err := tokens.Token()
		if err != nil {
			return false
		}
		if name, ok := token.(string); ok && !exact[name] && loose[bare(name)] {
			return true
		}
	}
}
