package protojson_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/protoway/protoway/wire/protojson"
	"github.com/protoway/protoway/wire/protojson/internal/jsontest"
)

func TestStrings(t *testing.T) {
	for in, out := range map[string]string{
		`"plain"`:                 `"plain"`,
		`"\"\\\/\b\f\n\r\t"`:      `"\"\\/\b\f\n\r\t"`,
		`"\u0000\u001f\u007F"`:    "\"\\u0000\\u001f\x7f\"",
		`"<a>&\u2028"`:            "\"<a>&\u2028\"",
		`"\u00e4\u20AC ä€"`:       `"ä€ ä€"`,
		`"\ud83d\uDE00 😀"`:        `"😀 😀"`,
		`"a\ufffdb�"`:             `"a�b�"`,
		`"\\u0041 \\\" \u005c\""`: `"\\u0041 \\\" \\\""`,
	} {
		roundTrips(t, protojson.Options{}, &jsontest.Scalars{}, `{"string":`+in+`}`, `{"string":`+out+`}`)
		if !strings.Contains(in, "�") && !json.Valid([]byte(in)) {
			t.Errorf("the test itself is wrong: %s", in)
		}
	}
}

// None of these is JSON, wherever it stands: as a field of ours, as one we ignore, or inside a dynamic value.
func TestSyntaxErrors(t *testing.T) {
	for _, in := range []string{
		`{`, `[`, `}`, `"`, `"a`, `"\`, `"\x"`, `"\u12"`, `"\u12g4"`, `"\ud800"`, `"\ud800x"`, `"\n`, `"\nx`, `"\ud800\n"`, `"\ud800\u0041"`,
		`"\udc00"`, `"\udc00\ud800"`, `"\ud800\u00"`, "\"\xff\"", "\"\\n\xc3\"", "\"a\nb\"", "\"\\n\x00\"", "\"\x1f\"", `'a'`, `nul`, `nulll`, `True`,
		`truefalse`, `NaN`, `-Infinity`, `undefined`, `1 2`, `1,`, `-`, `+1`, `01`, `.5`, `1.`, `1e`, `1e+`, `0x1`, `1a`, `{"a"}`, `{"a":}`, `{"a" 1}`,
		`{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `{"a":1,,"b":2}`, `{a:1}`, `[1,]`, `[,]`, `[1 2]`, `[1}`, `{"a":1]`, `// c`, `/* c */ 1`, "\ufeff1", "\x00", `[1]]`,
	} {
		for _, frame := range []string{
			"$", `{"unknown":$}`, `{"struct":{"a":$}}`, `{"list":[$]}`, `{"value":$}`, `{"null":$}`,
			`{"any":{"@type":"x/jsontest.Inner","x":$}}`, `{"any":{"x":$,"@type":"x/jsontest.Inner"}}`, `{"any":{"@type":$}}`,
			`{"any":{"@type":"x/google.protobuf.Duration","value":"1s","x":$}}`, `{"any":{"@type":"x/google.protobuf.Empty",$:1}}`,
			`{"any":{$:1,"@type":"x/google.protobuf.Duration"}}`, `{"any":{"@type":"x/google.protobuf.Duration",$:1}}`,
		} {
			text := strings.Replace(frame, "$", in, 1)
			if json.Valid([]byte(text)) && frame != "$" && strings.ToValidUTF8(in, "") == in && !strings.Contains(in, `\u`) {
				t.Fatalf("the test itself is wrong: %s", text)
			}
			refuses(t, &jsontest.Known{}, text, "")
		}
	}
	refuses(t, &jsontest.Known{}, "", "invalid JSON at byte 0: unexpected end")
	refuses(t, &jsontest.Known{}, " \n", "invalid JSON at byte 2: unexpected end")
	refuses(t, &jsontest.Known{}, `{} {}`, "invalid JSON at byte 3: text after the end: {")
	refuses(t, &jsontest.Known{}, `{"list":[1`, "list: invalid JSON at byte 10: unexpected end")
	refuses(t, &jsontest.Known{}, "{\"unknown\":\"\x01\"}", "invalid JSON at byte 11: control character in a string: \"�\"")
}

func TestDepth(t *testing.T) {
	nested := func(open, inner, end string, n int) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
	}
	for _, test := range []struct {
		open, inner, end string
		m                proto.Message
		step             int
	}{
		{`{"only":`, `{}`, `}`, &jsontest.Tree{}, 1},
		{`{"children":[`, `{}`, `]}`, &jsontest.Tree{}, 2},
		{`{"named":{"a":`, `{}`, `}}`, &jsontest.Tree{}, 2},
		{`{"unknown":`, `{}`, `}`, &jsontest.Tree{}, 1},
		{`{"a":`, `{}`, `}`, &structpb.Struct{}, 1},
		{`[`, `[]`, `]`, &structpb.ListValue{}, 1},
		{`{"@type":"x/google.protobuf.Any","value":`, `{}`, `}`, &anypb.Any{}, 1},
	} {
		for _, limit := range []int{0, 7} {
			options := protojson.Options{MaxDepth: limit}
			if limit == 0 {
				limit = protojson.DefaultMaxDepth
			}
			fits := nested(test.open, test.inner, test.end, (limit-1)/test.step)
			m := read(t, options, fits, proto.Clone(test.m))
			write(t, options, m)
			for _, n := range []int{limit, 1_000_000} {
				err := options.Unmarshal([]byte(nested(test.open, test.inner, test.end, n)), proto.Clone(test.m))
				if err == nil || !strings.Contains(err.Error(), "nested too deeply") {
					t.Errorf("%d levels of %s: %.200v", n, test.open, err)
				}
			}
		}
	}
}

// Messages that come in as protobuf may be deeper than JSON may be.
func TestDepthOfOutput(t *testing.T) {
	m := &jsontest.Tree{}
	for range 200 {
		m = &jsontest.Tree{Only: m}
	}
	out, err := protojson.Options{}.Append([]byte("kept"), m)
	if err == nil || !strings.HasSuffix(err.Error(), "nested too deeply") || string(out) != "kept" {
		t.Errorf("got %q, %v", out, err)
	}
	if _, err := (protojson.Options{MaxDepth: 201}).Append(nil, m); err != nil {
		t.Error(err)
	}
	for _, m := range []*jsontest.Tree{{Only: &jsontest.Tree{Children: []*jsontest.Tree{{}}}}, {Only: &jsontest.Tree{Named: map[string]*jsontest.Tree{"a": {}}}}} {
		for _, limit := range []int{1, 2, 3} {
			if _, err := (protojson.Options{MaxDepth: limit}).Append(nil, m); err == nil {
				t.Errorf("%v was written %d deep", m, limit)
			}
		}
		if _, err := (protojson.Options{MaxDepth: 4}).Append(nil, m); err != nil {
			t.Error(err)
		}
	}
	if _, err := (protojson.Options{MaxDepth: 1}).Append(nil, &jsontest.Known{Any: &anypb.Any{}}); err == nil {
		t.Error("an Any was written 2 deep")
	}
	for range 20_000 {
		m = &jsontest.Tree{Only: m}
	}
	if _, err := (protojson.Options{MaxDepth: math.MaxInt}).Append(nil, m); err == nil {
		t.Error("more than the ceiling was accepted")
	}
}

func TestErrorValue(t *testing.T) {
	err := protojson.Options{}.Unmarshal([]byte(`{"inners":{"k":{"big":"`+strings.Repeat("ä", 50)+`"}}}`), &jsontest.AllTypes{})
	var e *protojson.Error
	if !errors.As(err, &e) {
		t.Fatalf("%T", err)
	}
	want := protojson.Error{Path: `inners["k"].big`, Reason: "not an integer", Text: `"` + strings.Repeat("ä", 38) + "…"}
	if *e != want {
		t.Errorf("got  %+v\nwant %+v", *e, want)
	}
}

func TestNilMessages(t *testing.T) {
	var none *jsontest.AllTypes
	if got := write(t, protojson.Options{}, nil) + write(t, protojson.Options{}, none); got != "{}{}" {
		t.Error(got)
	}
	for _, m := range []proto.Message{nil, none} {
		if err := (protojson.Options{}).Unmarshal([]byte("{}"), m); err == nil {
			t.Errorf("read into %T", m)
		}
	}
}

func TestUnmarshalResets(t *testing.T) {
	m := &jsontest.AllTypes{Text: "old", Tags: []string{"old"}}
	read(t, protojson.Options{}, `{"i32":1}`, m)
	if got := write(t, protojson.Options{}, m); got != `{"i32":1}` {
		t.Error(got)
	}
}

func TestAppendRefusesInvalidUTF8(t *testing.T) {
	for want, m := range map[string]*jsontest.AllTypes{
		`text: invalid UTF-8: a�`:               {Text: "a\xff"},
		`tags[1]: invalid UTF-8: �`:             {Tags: []string{"", "\xc3"}},
		`meta["k"]: invalid UTF-8: �(`:          {Meta: map[string]string{"k": "\xc3("}},
		`meta["\xff"]: invalid UTF-8: �`:        {Meta: map[string]string{"\xff": ""}},
		`inners["a"].name: invalid UTF-8: �`:    {Inners: map[string]*jsontest.Inner{"a": {Name: "\xed"}}},
		`items[0].name: invalid UTF-8: �������`: {Items: []*jsontest.Inner{{Name: "\xed\xa0\x80\xf4\x90\x80\x80"}}},
	} {
		out, err := protojson.Options{}.Append([]byte("kept"), m)
		if err == nil || err.Error() != want || string(out) != "kept" {
			t.Errorf("got  %q %v\nwant %s", out, err, want)
		}
	}
}
