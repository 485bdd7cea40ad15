package protojson_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/wire/protojson"
	"github.com/protoway/protoway/wire/protojson/internal/jsontest"
)

// roundTrips reads in into each kind of m, expects it to be written as out, and out to be written as itself.
func roundTrips(t *testing.T, options protojson.Options, m proto.Message, in, out string) {
	t.Helper()
	for name, m := range sameMessages(m) {
		read(t, options, in, m)
		if got := write(t, options, m); got != out {
			t.Errorf("%s %s\ngot  %s\nwant %s", name, in, got, out)
		}
		if got := write(t, options, read(t, options, out, m)); got != out {
			t.Errorf("%s %s\nread again as %s", name, out, got)
		}
	}
}

// refuses reads in into each kind of m and expects the error to hold problem.
func refuses(t *testing.T, m proto.Message, in, problem string) {
	t.Helper()
	for name, m := range sameMessages(m) {
		if err := (protojson.Options{}).Unmarshal([]byte(in), m); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%s %.200s\ngot  %v\nwant %s", name, in, err, problem)
		}
	}
}

func TestScalars(t *testing.T) {
	roundTrips(t, protojson.Options{}, &jsontest.Scalars{},
		`{"bool":true,"int32":-1,"sint32":-2,"sfixed32":-3,"uint32":4,"fixed32":5,"int64":-6,"sint64":-7,"sfixed64":-8,`+
			`"uint64":9,"fixed64":10,"float":0.1,"double":0.1,"string":"s","bytes":"Yg","level":1}`,
		`{"bool":true,"int32":-1,"sint32":-2,"sfixed32":-3,"uint32":4,"fixed32":5,"int64":"-6","sint64":"-7","sfixed64":"-8",`+
			`"uint64":"9","fixed64":"10","float":0.1,"double":0.1,"string":"s","bytes":"Yg==","level":"LEVEL_HIGH"}`)
	roundTrips(t, protojson.Options{}, &jsontest.Scalars{},
		`{"bools":[true,false],"sint32s":[1,"2"],"fixed32s":["3"],"sfixed64s":[4],"fixed64s":["5"],"floats":[1,"NaN"],"doubles":["-Infinity",-0],"levels":["LEVEL_TOP","LEVEL_LOW"]}`,
		`{"bools":[true,false],"sint32s":[1,2],"fixed32s":[3],"sfixed64s":["4"],"fixed64s":["5"],"floats":[1,"NaN"],"doubles":["-Infinity",-0],"levels":["LEVEL_HIGH","LEVEL_LOW"]}`)
}

// A field with presence is written also when it holds its default; null takes it away.
func TestPresence(t *testing.T) {
	const zeros = `{"maybeBool":false,"maybeInt32":0,"maybeUint64":"0","maybeDouble":0,"maybeString":"","maybeBytes":"","maybeLevel":"LEVEL_LOW"}`
	roundTrips(t, protojson.Options{}, &jsontest.Scalars{}, zeros, zeros)
	roundTrips(t, protojson.Options{}, &jsontest.Scalars{}, strings.NewReplacer(`false`, "null", `"0"`, "null", "0", "null", `""`, "null", `"LEVEL_LOW"`, "null").Replace(zeros), `{}`)
}

func TestEmitDefaults(t *testing.T) {
	roundTrips(t, protojson.Options{EmitDefaults: true}, &jsontest.AllTypes{}, `{"inner":{},"items":[{}]}`,
		`{"text":"","i32":0,"i64":"0","u64":"0","flag":false,"dbl":0,"flt":0,"blob":"","color":"COLOR_UNSPECIFIED",`+
			`"inner":{"name":"","big":"0"},"tags":[],"ids":[],"items":[{"name":"","big":"0"}],"colors":[],"blobs":[],"meta":{},`+
			`"counts":{},"inners":{},"byNum":{},"dateCreated":"0","key0":"","camelCase":""}`)
}

func TestIntegers(t *testing.T) {
	for in, want := range map[string]string{
		"0": "{}", "-0": "{}", "0.0": "{}", "0e5": "{}", "0e-99": "{}", "0.000e9": "{}", `"-0"`: "{}",
		"1": `"1"`, "10e-1": `"1"`, "1.0": `"1"`, "1e3": `"1000"`, "1E+3": `"1000"`, `"1e3"`: `"1000"`, "1.5e1": `"15"`,
		"0.0001e4": `"1"`, "0.00000000000000000000001e23": `"1"`, "-1200e-2": `"-12"`, "\"\\u0031\"": `"1"`,
		"9223372036854775807": `"9223372036854775807"`, "-9223372036854775808": `"-9223372036854775808"`,
		"922337203685477580.7e1": `"9223372036854775807"`, "-9.223372036854775808e18": `"-9223372036854775808"`,
		"9007199254740993.0": `"9007199254740993"`,
	} {
		out := want
		if want != "{}" {
			out = `{"int64":` + want + `}`
		}
		roundTrips(t, protojson.Options{}, &jsontest.Scalars{}, `{"int64":`+in+`}`, out)
	}
	for in, problem := range map[string]string{
		"9223372036854775808": "out of range", "-9223372036854775809": "out of range", "1e19": "out of range",
		"18446744073709551616": "out of range", "1e999999999999999999999": "out of range", "99999999999999999999999": "out of range",
		"0.1": "not an integer", "1e-1": "not an integer", "15e-1": "not an integer", "1e-999999999999999999999": "not an integer",
		"1.5": "not an integer", `""`: "not an integer", `"1 "`: "not an integer", `"+1"`: "not an integer", `"01"`: "not an integer",
		`"0x1"`: "not an integer", `"1e"`: "not an integer", `"NaN"`: "not an integer", `"-"`: "not an integer",
		"01": "invalid JSON", "1e": "invalid JSON", "1.": "invalid JSON", ".1": "invalid JSON", "+1": "invalid JSON", "-": "invalid JSON", "1_0": "invalid JSON",
	} {
		refuses(t, &jsontest.Scalars{}, `{"int64":`+in+`}`, problem)
	}
	for field, limits := range map[string][2]string{
		"int32": {"-2147483648", "2147483647"}, "uint32": {"0", "4294967295"}, "uint64": {"0", "18446744073709551615"},
	} {
		read(t, protojson.Options{}, fmt.Sprintf(`{%q:%s}`, field, limits[0]), &jsontest.Scalars{})
		read(t, protojson.Options{}, fmt.Sprintf(`{%q:%s}`, field, limits[1]), &jsontest.Scalars{})
		below := map[string]string{"0": "-1"}[limits[0]]
		if below == "" {
			below = "-2147483649"
		}
		refuses(t, &jsontest.Scalars{}, fmt.Sprintf(`{%q:%s}`, field, below), "out of range")
		above := limits[1][:len(limits[1])-1] + string(limits[1][len(limits[1])-1]+1)
		refuses(t, &jsontest.Scalars{}, fmt.Sprintf(`{%q:%s}`, field, above), "out of range")
	}
}

func TestFloats(t *testing.T) {
	for f, want := range map[float64]string{
		0.1: "0.1", 1: "1", -2.5: "-2.5", 1e20: "100000000000000000000", 1e21: "1e+21", 1e-6: "0.000001", 1e-7: "1e-7",
		1.5e-10: "1.5e-10", math.MaxFloat64: "1.7976931348623157e+308", math.SmallestNonzeroFloat64: "5e-324",
		math.Copysign(0, -1): "-0", math.Inf(1): `"Infinity"`, math.Inf(-1): `"-Infinity"`,
	} {
		if f == 0 {
			f = math.Copysign(0, -1) // a map has one zero
		}
		m := &jsontest.Scalars{Double: f}
		if got := write(t, protojson.Options{}, m); got != `{"double":`+want+`}` {
			t.Errorf("%v: %s", f, got)
		}
		roundTrips(t, protojson.Options{}, m, `{"double":`+want+`}`, `{"double":`+want+`}`)
	}
	for f, want := range map[float32]string{0.1: "0.1", 1e21: "1e+21", 1e-7: "1e-7", math.MaxFloat32: "3.4028235e+38"} {
		if got := write(t, protojson.Options{}, &jsontest.Scalars{Float: f}); got != `{"float":`+want+`}` {
			t.Errorf("%v: %s", f, got)
		}
	}
	for _, in := range []string{`"nan"`, `"inf"`, `"+Infinity"`, `"0x1p1"`, `"1_0"`, `" 1"`, `""`, `true`, `"1."`, `"01"`} {
		refuses(t, &jsontest.Scalars{}, `{"double":`+in+`}`, "double: not a number")
	}
	refuses(t, &jsontest.Scalars{}, `{"float":"-3.5e38"}`, "float: out of range")
}

func TestMaps(t *testing.T) {
	roundTrips(t, protojson.Options{}, &jsontest.Maps{},
		`{"bools":{"true":"t","false":"f"},"int32s":{"10":1,"-2":"2","9":3},"sint32s":{"1":2},"sfixed32s":{"1":"NaN"},`+
			`"uint32s":{"4294967295":1,"10":2,"9":3},"fixed32s":{"1":"_w"},"int64s":{"-9223372036854775808":true},`+
			`"sint64s":{"1":"LEVEL_TOP"},"sfixed64s":{"1":{}},"uint64s":{"18446744073709551615":"1","2":"3"},"fixed64s":{"1":"x"},`+
			`"colors":{"b":"blue","a":77,"":0},"values":{"n":null,"o":{"a":[1]}},"times":{"t":"2020-01-02T03:04:05Z"}}`,
		`{"bools":{"false":"f","true":"t"},"int32s":{"-2":2,"9":3,"10":1},"sint32s":{"1":"2"},"sfixed32s":{"1":"NaN"},`+
			`"uint32s":{"9":3,"10":2,"4294967295":1},"fixed32s":{"1":"/w=="},"int64s":{"-9223372036854775808":true},`+
			`"sint64s":{"1":"LEVEL_HIGH"},"sfixed64s":{"1":{}},"uint64s":{"2":"3","18446744073709551615":"1"},"fixed64s":{"1":"x"},`+
			`"colors":{"":"COLOR_UNSPECIFIED","a":77,"b":"blue"},"values":{"n":null,"o":{"a":[1]}},"times":{"t":"2020-01-02T03:04:05Z"}}`)
	for _, in := range []string{
		`{"bools":{"1":""}}`, `{"int32s":{"2147483648":1}}`, `{"uint32s":{"-1":1}}`, `{"int64s":{"1.0":true}}`, `{"uint64s":{"":1}}`, `{"fixed32s":{" 1":""}}`,
	} {
		refuses(t, &jsontest.Maps{}, in, "not a key of type")
	}
	refuses(t, &jsontest.Maps{}, `{"colors":{"a":"PINK"}}`, `colors["a"]: unknown name of an enum value: "PINK"`)
	refuses(t, &jsontest.Maps{}, `{"bools":{"true":"","\u0074rue":""}}`, `bools["true"]: key given twice`)
}

func TestWideMessage(t *testing.T) {
	roundTrips(t, protojson.Options{}, &jsontest.Wide{}, `{"f66":66,"f65":65,"f64":64,"f1":1}`, `{"f1":1,"f64":64,"f65":65,"f66":66}`)
	refuses(t, &jsontest.Wide{}, `{"f66":66,"f65":65,"f_66":0}`, "f66: field given twice")
	refuses(t, &jsontest.Wide{}, `{"f64":66,"f65":65,"f64":0}`, "f64: field given twice")
}
