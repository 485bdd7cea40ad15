package main

import (
	"strings"
	"testing"
)

// Fields that the server would ignore are told, wherever they are, and those that it
// takes in another spelling are not.
func TestStrangeFields(t *testing.T) {
	set, err := readSchema(schemaFile(t, "examples/protosocket/proto"))
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := catalogOf(set)
	if err != nil {
		t.Fatal(err)
	}
	known := &target{catalog: catalog, schema: &schema{"x", catalog}}
	for body, want := range map[string]string{
		`{"text":"a","by_num":{"1":"a"},"byNum":{},"CamelCase":"x","dateCreated":1,"tags":["nothing"]}`: "",
		`{"txt":"a","\u001b":1}`:                  `no field "\x1b", so the server ignores it: it has text, i32,|no field txt, so the server ignores it: did you mean "text"?`,
		`{"inner":{"zzzzzz":1}}`:                  "Inner has no field inner.zzzzzz, so",
		`{"items":[{},{"zzzzzz":1}]}`:             "Inner has no field items[1].zzzzzz, so",
		`{"inners":{"a":{"zzzzzz":1},"b":null}}`:  `Inner has no field "inners[\"a\"].zzzzzz", so`,
		`{"items":"none","inner":7,"inners":[1]}`: "", // refused by the server
	} {
		found := known.strangeFields("all-types", []byte(body))
		var wanted []string
		if want != "" {
			wanted = strings.Split(want, "|")
		}
		if len(found) != len(wanted) {
			t.Errorf("%s: %q, want %q", body, found, wanted)
			continue
		}
		for i, part := range wanted {
			if !strings.Contains(found[i], part) {
				t.Errorf("%s: %q, want %q", body, found[i], part)
			}
		}
	}
	if found := (&target{catalog: catalog}).strangeFields("all-types", []byte(`{"no":1}`)); len(found) > 0 {
		t.Errorf("without a schema: %q", found)
	}
}

// The commands warn, and send all the same.
func TestUnknownFieldsAreTold(t *testing.T) {
	url, schema := serveChat(t).url, schemaFile(t, "examples/chat/proto")
	for _, dialect := range dialectNames() {
		flags := []string{"--dialect", dialect, "--schema", schema}
		did := hear(t, "", append([]string{"call", url, "join-room", `{"room":"tea","names":"x","name":"Ada"}`}, flags...)...)
		if did.code != exitOK || did.err != "warning: chat.v1.JoinRoom has no field names, so the server ignores it: did you mean \"name\"?\n" {
			t.Errorf("%s: %+v", dialect, did)
		}
		line := `{"room":"tea","name":"Ada","text":"x","loud":true}` + "\n"
		did = hear(t, line+line, append([]string{"send", url, "say", "-", "--first", `join-room={"room":"tea","name":"Ada","nick":"A"}`}, flags...)...)
		did.wants(t, exitOK, "", "warning: --first join-room: chat.v1.JoinRoom has no field nick, so the server ignores it: ")
		if strings.Count(did.err, "chat.v1.Say has no field loud") != 1 || !strings.Contains(did.err, "warning: line 1: ") || !strings.Contains(did.err, "2 acked") {
			t.Errorf("%s: %+v", dialect, did)
		}
	}
	hear(t, "", "listen", url, "--schema", schema, "--send", `join-room={"room":"tea","name":"Ada","nick":"A"}`, "--for", "1ms").wants(t, exitOK, "", "warning: --send join-room: ")
}
