package protojson_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/wire/protojson"
	"github.com/protoway/protoway/wire/protojson/internal/jsontest"
)

func TestProto2(t *testing.T) {
	for in, out := range map[string]string{
		`{"must":""}`: `{"must":""}`,
		`{"must":"x","fixed":"FIXED_TWO","more":[1,"FIXED_TWO"],"byName":{"a":1},"number":7,"text":""}`: `{"must":"x","fixed":"FIXED_TWO","more":["FIXED_ONE","FIXED_TWO"],"byName":{"a":"ZEROED_ONE"},"number":7,"text":""}`,
		`{"must":"x","oldgroup":{"inGroup":1},"many":[{"n":1},{}]}`:                                     `{"must":"x","oldgroup":{"inGroup":1},"many":[{"n":1},{}]}`,
		`{"must":"x","OldGroup":{},"Many":[]}`:                                                          `{"must":"x","oldgroup":{}}`,
	} {
		roundTrips(t, protojson.Options{}, &jsontest.Legacy{}, in, out)
	}
	roundTrips(t, protojson.Options{Names: protojson.ProtoNames}, &jsontest.Legacy{},
		`{"must":"x","oldgroup":{"inGroup":1},"byName":{}}`, `{"must":"x","OldGroup":{"in_group":1}}`)
	for in, problem := range map[string]string{
		`{}`:                                 `must: required field is missing`,
		`{"must":null}`:                      `must: required field is missing`,
		`{"must":"","child":{}}`:             `child.must: required field is missing`,
		`{"must":"","fixed":3}`:              `fixed: unknown number of a closed enum: 3`,
		`{"must":"","more":["FIXED_ONE",0]}`: `more[1]: unknown number of a closed enum: 0`,
		`{"must":"","byName":{"a":2}}`:       `byName["a"]: unknown number of a closed enum: 2`,
	} {
		refuses(t, &jsontest.Legacy{}, in, problem)
	}
}

func TestAppendRefusesMissingFields(t *testing.T) {
	for want, m := range map[string]*jsontest.Legacy{
		"must: required field is missing":       {},
		"child.must: required field is missing": {Must: new(""), Child: &jsontest.Legacy{}},
	} {
		if _, err := (protojson.Options{}).Append(nil, m); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestExtensions(t *testing.T) {
	for in, out := range map[string]string{
		`{"must":"","[jsontest.Scope.scoped]":"s","[jsontest.ext_texts]":["a"],"[jsontest.ext_number]":5}`: `{"must":"","[jsontest.Scope.scoped]":"s","[jsontest.ext_number]":"5","[jsontest.ext_texts]":["a"]}`,
		`{"[jsontest.ext_message]":{"must":"m","[jsontest.ext_fixed]":1},"must":""}`:                       `{"must":"","[jsontest.ext_message]":{"must":"m","[jsontest.ext_fixed]":"FIXED_ONE"}}`,
		`{"[jsontest.ext_number]":null,"[no.such]":{},"[]":1,"[":2,"must":""}`:                             `{"must":""}`,
	} {
		roundTrips(t, protojson.Options{}, &jsontest.Legacy{}, in, out)
	}
	for in, problem := range map[string]string{
		`{"[jsontest.ext_number]":"x"}`:                         `[jsontest.ext_number]: not an integer: "x"`,
		`{"[jsontest.ext_texts]":[1]}`:                          `[jsontest.ext_texts][0]: not a string: 1`,
		`{"[jsontest.ext_number]":1,"[jsontest.ext_number]":2}`: `[jsontest.ext_number]: field given twice`,
		`{"[jsontest.ext_message]":{"number":1}}`:               `[jsontest.ext_message].must: required field is missing`,
		`{"[jsontest.carried]":1}`:                              `not an extension of jsontest.Legacy: [jsontest.carried]`,
	} {
		refuses(t, &jsontest.Legacy{}, in, problem)
	}
	refuses(t, &jsontest.Inner{}, `{"[jsontest.ext_number]":1}`, "not an extension of jsontest.Inner")
	bad := &jsontest.Legacy{Must: new("")}
	proto.SetExtension(bad, jsontest.E_Scope_Scoped, "\xff")
	if _, err := (protojson.Options{}).Append(nil, bad); err == nil || err.Error() != "[jsontest.Scope.scoped]: invalid UTF-8: �" {
		t.Error(err)
	}
}

func TestOpaqueEditions(t *testing.T) {
	for in, out := range map[string]string{
		`{"must":"","explicit":"","implicit":0}`:                            `{"explicit":"","must":""}`,
		`{"must":"","delimited":{"must":"d"},"list":[{"must":"l"}]}`:        `{"delimited":{"must":"d"},"list":[{"must":"l"}],"must":""}`,
		`{"must":"","blobs":{"2":"_w","1":""},"shut":1,"oneB":{"must":""}}`: `{"blobs":{"1":"","2":"/w=="},"shut":"SHUT_ONE","oneB":{"must":""},"must":""}`,
	} {
		roundTrips(t, protojson.Options{}, &jsontest.Opaque{}, in, out)
	}
	refuses(t, &jsontest.Opaque{}, `{"must":"","shut":2}`, "shut: unknown number of a closed enum: 2")
	refuses(t, &jsontest.Opaque{}, `{"must":"","oneA":"","oneB":{"must":""}}`, "oneB: not together with oneA")
	refuses(t, &jsontest.Opaque{}, `{"child":{}}`, "child.must: required field is missing")
}
