package protojson_test

import (
	"encoding/json"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/protoway/protoway/wire/protojson"
	"github.com/protoway/protoway/wire/protojson/internal/jsontest"
)

// read reads JSON and fails the test if that is refused.
func read[M proto.Message](t *testing.T, options protojson.Options, data string, m M) M {
	t.Helper()
	if err := options.Unmarshal([]byte(data), m); err != nil {
		t.Fatalf("Unmarshal(%s): %v", data, err)
	}
	return m
}

// write returns the JSON of m and fails the test if there is none, or none that every reader accepts.
func write(t *testing.T, options protojson.Options, m proto.Message) string {
	t.Helper()
	out, err := options.Append(nil, m)
	if err != nil {
		t.Fatalf("Append(%v): %v", m, err)
	}
	if !json.Valid(out) {
		t.Fatalf("Append(%v) is not JSON: %s", m, out)
	}
	return string(out)
}

// sameMessages returns m and an empty message of the same type that is known by its descriptor only.
func sameMessages(m proto.Message) map[string]proto.Message {
	return map[string]proto.Message{
		"generated": m.ProtoReflect().New().Interface(),
		"dynamic":   dynamicpb.NewMessage(m.ProtoReflect().Descriptor()),
	}
}

// The rows of the table "JSON mapping" of the Proto Socket dialect, in its order: what comes in, and how it goes out.
func TestMappingAccepts(t *testing.T) {
	for _, test := range []struct{ row, in, out string }{
		{"names", `{"dateCreated":5}`, `{"dateCreated":"5"}`},
		{"names", `{"date_created":5,"by_num":{"1":"a"},"camel_case":"z"}`, `{"byNum":{"1":"a"},"dateCreated":"5","camelCase":"z"}`},
		{"names", `{"DateCreated":5,"CAMEL":1}`, `{"dateCreated":"5"}`},
		{"names", `{"key_0":"k"}`, `{"key_0":"k"}`},
		{"names", `{"key0":"k","i_32":1}`, `{"i32":1,"key_0":"k"}`},
		{"names", `{"zzz":{"a":[1,{"b":null}]},"text":"x","also unknown":"\u00e4"}`, `{"text":"x"}`},
		{"64-bit", `{"i64":123,"u64":5}`, `{"i64":"123","u64":"5"}`},
		{"64-bit", `{"i64":"9007199254740993","u64":"18446744073709551615"}`, `{"i64":"9007199254740993","u64":"18446744073709551615"}`},
		{"64-bit", `{"ids":["1",2],"counts":{"a":5}}`, `{"ids":["1","2"],"counts":{"a":"5"}}`},
		{"enums", `{"color":"COLOR_RED"}`, `{"color":"COLOR_RED"}`},
		{"enums", `{"color":2,"colors":["blue",1,"COLOR_RED",0]}`, `{"color":"blue","colors":["blue","COLOR_RED","COLOR_RED","COLOR_UNSPECIFIED"]}`},
		{"enums", `{"color":77,"colors":[-1]}`, `{"color":77,"colors":[-1]}`},
		{"bytes", `{"blob":"AAEC/w=="}`, `{"blob":"AAEC/w=="}`},
		{"bytes", `{"blob":"_-8=","blobs":["_-8","/+8","AQ==",""]}`, `{"blob":"/+8=","blobs":["/+8=","/+8=","AQ==",""]}`},
		{"defaults", `{"text":"","i32":0,"i64":"0","flag":false,"dbl":0,"blob":"","color":0,"tags":[],"meta":{}}`, `{}`},
		{"defaults", `{"inner":{},"items":[{}],"oneA":""}`, `{"inner":{},"items":[{}],"oneA":""}`},
		{"null", `{"text":null,"i64":null,"color":null,"inner":null,"tags":null,"meta":null,"oneA":null,"oneB":1}`, `{"oneB":1}`},
		{"body", ` null `, `{}`},
		{"body", " {\n\t} \r", `{}`},
		{"floats", `{"dbl":"NaN","flt":"Infinity"}`, `{"dbl":"NaN","flt":"Infinity"}`},
		{"floats", `{"dbl":"-Infinity","flt":"1.5e0"}`, `{"dbl":"-Infinity","flt":1.5}`},
		{"maps", `{"byNum":{"7":"seven","-1":"x","30":"y"}}`, `{"byNum":{"-1":"x","7":"seven","30":"y"}}`},
		{"maps", `{"inners":{"k":{"name":"m","big":1}},"meta":{"b":"","a":"1"}}`, `{"meta":{"a":"1","b":""},"inners":{"k":{"name":"m","big":"1"}}}`},
		{"time", `{"dateCreated":1700000000123}`, `{"dateCreated":"1700000000123"}`},
	} {
		for name, m := range sameMessages(&jsontest.AllTypes{}) {
			t.Run(test.row+"/"+name, func(t *testing.T) {
				options := protojson.Options{Names: protojson.KeepDigits}
				read(t, options, test.in, m)
				if out := write(t, options, m); out != test.out {
					t.Errorf("%s\ngot  %s\nwant %s", test.in, out, test.out)
				}
			})
		}
	}
}

// The rows again: what is refused, and what the sender is told.
func TestMappingRefuses(t *testing.T) {
	for _, test := range []struct{ row, in, problem string }{
		{"names", `{"dateCreated":1,"date_created":2}`, `dateCreated: field given twice: "date_created"`},
		{"names", `{"text":"a","text":"b"}`, `text: field given twice: "text"`},
		{"names", `{"text":null,"text":"b"}`, `text: field given twice: "text"`},
		{"64-bit", `{"i64":"abc"}`, `i64: not an integer: "abc"`},
		{"64-bit", `{"i64":" 1"}`, `i64: not an integer: " 1"`},
		{"64-bit", `{"i64":9223372036854775808}`, `i64: out of range: 9223372036854775808`},
		{"64-bit", `{"u64":-1}`, `u64: out of range: -1`},
		{"enums", `{"color":"PURPLE"}`, `color: unknown name of an enum value: "PURPLE"`},
		{"enums", `{"colors":["blue","2"]}`, `colors[1]: unknown name of an enum value: "2"`},
		{"enums", `{"color":2147483648}`, `color: out of range: 2147483648`},
		{"enums", `{"color":true}`, `color: not a name or number of an enum: true`},
		{"bytes", `{"blob":"A*=="}`, `blob: not base64: "A*=="`},
		{"bytes", `{"blob":"AA=A"}`, `blob: not base64: "AA=A"`},
		{"bytes", `{"blob":"AAA\n"}`, `blob: not base64: "AAA\n"`},
		{"bytes", `{"blob":"+-8="}`, `blob: not base64: "+-8="`},
		{"bytes", `{"blob":"AA="}`, `blob: not base64: "AA="`},
		{"bytes", `{"blob":7}`, `blob: not a string: 7`},
		{"null", `{"items":[null]}`, `items[0]: not an object: null`},
		{"null", `{"tags":[null]}`, `tags[0]: not a string: null`},
		{"null", `{"meta":{"a":null}}`, `meta["a"]: not a string: null`},
		{"wrong type", `{"text":123}`, `text: not a string: 123`},
		{"wrong type", `{"i32":"str"}`, `i32: not an integer: "str"`},
		{"wrong type", `{"i32":1.5}`, `i32: not an integer: 1.5`},
		{"wrong type", `{"i32":true}`, `i32: not an integer: true`},
		{"wrong type", `{"flag":"yes"}`, `flag: not a boolean: "yes"`},
		{"wrong type", `{"flag":1}`, `flag: not a boolean: 1`},
		{"wrong type", `{"inner":"x"}`, `inner: not an object: "x"`},
		{"wrong type", `{"tags":"x"}`, `tags: not an array: "x"`},
		{"wrong type", `{"tags":{"a":1}}`, `tags: not an array: {"a":1}`},
		{"wrong type", `{"meta":[]}`, `meta: not an object: []`},
		{"wrong type", `{"dbl":"x"}`, `dbl: not a number: "x"`},
		{"wrong type", `[]`, `not an object: []`},
		{"out of range", `{"i32":99999999999}`, `i32: out of range: 99999999999`},
		{"out of range", `{"flt":1e39}`, `flt: out of range: 1e39`},
		{"out of range", `{"dbl": 1e999}`, `dbl: out of range: 1e999`},
		{"oneof", `{"oneA":"x","oneB":1}`, `oneB: not together with oneA`},
		{"floats", `{"dbl":NaN}`, `dbl: invalid JSON at byte 7: expected a value: NaN`},
		{"floats", `{"dbl":Infinity}`, `dbl: invalid JSON at byte 7: expected a value: Infinity`},
		{"maps", `{"byNum":{"x":"1"}}`, `byNum["x"]: not a key of type int32`},
		{"maps", `{"byNum":{"1":"a","01":"b"}}`, `byNum["01"]: key given twice`},
		{"maps", `{"byNum":{1:"a"}}`, `byNum: invalid JSON at byte 10: expected a name in quotes: 1:"a"`},
		{"paths", `{"items":[{},{"name":"a"},{"big":"1x"}]}`, `items[2].big: not an integer: "1x"`},
		{"paths", `{"inners":{"a\n":{"big":[]}}}`, `inners["a\n"].big: not an integer: []`},
		{"paths", `{"text":` + strings.Repeat("1", 100) + `}`, `text: not a string: ` + strings.Repeat("1", 39) + `…`},
	} {
		for name, m := range sameMessages(&jsontest.AllTypes{}) {
			t.Run(test.row+"/"+name, func(t *testing.T) {
				err := protojson.Options{}.Unmarshal([]byte(test.in), m)
				if err == nil || err.Error() != test.problem {
					t.Errorf("%s\ngot  %v\nwant %s", test.in, err, test.problem)
				}
				if proto.Size(m) > 0 {
					t.Errorf("%s: left behind %v", test.in, m)
				}
			})
		}
	}
}
