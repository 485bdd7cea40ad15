package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testProject is a project of which each test breaks something else.
const (
	testTemplate = `version: v2
plugins:
  - local: %s
    strategy: all
    out: gen
    opt: module=example.com/chat/gen
`
	testProto = `syntax = "proto3";
package chat.v1;
option go_package = "example.com/chat/gen/chat/v1;chatv1";
/*
origin = client
*/
message Say {
  string text = 1;
}
`
	protoFile     = "proto/chat/v1/chat.proto"
	generatedFile = "gen/chat/v1/chat.protoway.go"
	wayFile       = "gen/chat/v1/chatv1way/chat.protoway.go"
)

// newTestProject makes the current folder a project whose code is generated.
func newTestProject(t *testing.T) {
	t.Helper()
	quiet(t)
	setBuf(t)
	plugin := filepath.Join(suite.dir, "protoc-gen-protoway")
	if _, err := os.Stat(plugin); err != nil {
		must(t, suite.root, "go", "build", "-o", plugin, "./cmd/protoc-gen-protoway")
	}
	write(t, "buf.yaml", "version: v2\nmodules:\n  - path: proto\n")
	write(t, bufTemplate, fmt.Sprintf(testTemplate, plugin))
	write(t, protoFile, testProto)
	if did := cli(t, "generate"); did.code != exitOK {
		t.Fatalf("%+v", did)
	}
}

func TestCheckFindsEverything(t *testing.T) {
	newTestProject(t)
	want := func(name string, lines ...string) {
		t.Helper()
		did := cli(t, "check")
		if diff := cmp.Diff(strings.Join(lines, "\n")+"\n", did.out); diff != "" || did.code != exitFailed {
			t.Errorf("%s: exit code %d, problems (-want +got):\n%s\n%s", name, did.code, diff, did.err)
		}
	}
	if did := cli(t, "check"); did.code != exitOK || did.out != "Nothing is wrong.\n" || did.err != "" {
		t.Fatalf("a project that is right: %+v", did)
	}
	write(t, protoFile, strings.Replace(testProto, "string text", "Nothing text", 1)+"message B { Other o = 1; }\n")
	want("two types that are not there",
		protoFile+":8:3: cannot find `Nothing` in this scope",
		protoFile+":10:13: cannot find `Other` in this scope")
	write(t, protoFile, strings.Replace(testProto, "origin = client", "origin = nobody\nspeed = high", 1))
	want("two rules that are not right",
		protoFile+`:5:10: the origin is not client, server or both: nobody; state client, server or both`,
		protoFile+`:6:1: the annotation has an unknown key: "speed"; state type, origin, auth, client cache or client cache_keys; in documentation beside them, do not begin a line with words and =`)
	write(t, protoFile, strings.Replace(testProto, "string text", "string line", 1)+"// more\n/*\norigin = server\n*/\nmessage Said {}\n")
	want("a schema that went on",
		generatedFile+":32: is stale from this line on; run protoway generate and commit it",
		wayFile+":37: is stale from this line on; run protoway generate and commit it")
	write(t, protoFile, testProto)
	if err := os.Remove(generatedFile); err != nil {
		t.Fatal(err)
	}
	write(t, configFile, "strict: 1\nauth:\n  secret_file: /run/secrets/none\n  leeway: 1\n")
	want("missing code and a bad configuration",
		generatedFile+": is missing; run protoway generate and commit it",
		configFile+`:1:9: strict: expected true or false, not "1"`,
		configFile+`:4:11: auth.leeway: expected a duration such as 500ms, 10s or 5m, not "1"`)
	if _, err := os.Stat(generatedFile); err == nil {
		t.Error("check has written into the project")
	}
}

func TestCheckAsJSON(t *testing.T) {
	newTestProject(t)
	var result struct{ Problems []problem }
	did := cli(t, "check", "--json")
	if did.code != exitOK || did.out != "{\n  \"problems\": []\n}\n" {
		t.Errorf("%+v", did)
	}
	write(t, "deploy/p.yaml", "listen: x")
	write(t, generatedFile, "package chatv1\n")
	did = cli(t, "check", "--json", "--config", "deploy/p.yaml")
	if err := json.Unmarshal([]byte(did.out), &result); err != nil {
		t.Fatal(err)
	}
	want := []problem{
		{kindGenerated, generatedFile, 1, 0, "is stale from this line on; run protoway generate and commit it"},
		{kindConfiguration, "deploy/p.yaml", 1, 9, `listen: expected an address such as :8080 or 127.0.0.1:8080, not "x"`},
	}
	if diff := cmp.Diff(want, result.Problems); diff != "" || did.code != exitFailed || did.err != "" {
		t.Errorf("%d, %s, problems (-want +got):\n%s", did.code, did.err, diff)
	}
}

func TestCheckOfOtherFolders(t *testing.T) {
	newTestProject(t)
	write(t, configFile, "strict: 1")
	project, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir("proto/chat")
	if did := cli(t, "check"); did.code != exitFailed || !strings.HasPrefix(did.out, "../../protoway.yaml:1:9: ") || did.err != "1 problem\n" {
		t.Errorf("from below: %+v", did)
	}
	t.Chdir(t.TempDir())
	if did := cli(t, "check", project); did.code != exitFailed || !strings.HasPrefix(did.out, project+"/protoway.yaml:1:9: ") {
		t.Errorf("by its name: %+v", did)
	}
	if did := cli(t, "check", "none"); did.code != exitUsage || !strings.Contains(did.err, "none is no project: it has no buf.gen.yaml") {
		t.Errorf("without a project: %+v", did)
	}
}

// Some templates state the Go packages: what depends on them is found by generating.
func TestCheckWithoutGoPackages(t *testing.T) {
	newTestProject(t)
	bare := regexp.MustCompile(`option go_package.*\n`).ReplaceAllString(testProto, "")
	write(t, protoFile, bare)
	template := read(t, bufTemplate)
	write(t, bufTemplate, strings.Replace(template, "opt: ", "opt: Mchat/v1/chat.proto=example.com/chat/gen/chat/v1;chatv1,", 1))
	if did := cli(t, "check"); did.code != exitOK {
		t.Fatalf("%+v", did)
	}
	write(t, protoFile, strings.Replace(bare, "text", "protoway_rules", 1))
	did := cli(t, "check")
	want := protoFile + `:7:3: the name is that of a generated Go method, ProtowayRules: "protoway_rules"; rename it` + "\n"
	if did.code != exitFailed || did.out != want {
		t.Errorf("%+v, want %q", did, want)
	}
	write(t, bufTemplate, template)
	if did := cli(t, "check"); did.code != exitFailed || !strings.Contains(did.err, "buf generate failed in .") || !strings.Contains(did.err, "unable to determine Go import path") {
		t.Errorf("a template that does not work: %+v", did)
	}
}

// The files that a project only imports are not its own.
func TestCheckKnowsImports(t *testing.T) {
	newTestProject(t)
	write(t, protoFile, strings.Replace(testProto, "option", "import \"google/protobuf/empty.proto\";\noption", 1)+"message A { google.protobuf.Empty e = 1; }\n")
	cmd := newCheck()
	cmd.SetContext(t.Context())
	set, problems, err := buildSchema(cmd, os.Getenv("BUF"), ".")
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	for _, file := range set.GetFile() {
		if got, want := isImport(file), strings.HasPrefix(file.GetName(), "google/"); got != want || len(set.GetFile()) != 2 {
			t.Errorf("%s of %d: an import: %v", file.GetName(), len(set.GetFile()), got)
		}
	}
}

// Each output is compared with the folder that the template states, also if several
// plugins write files of the same name.
func TestElsewhere(t *testing.T) {
	folder := t.TempDir()
	template := filepath.Join(folder, "stated.yaml")
	write(t, template, "version: v2\nplugins:\n- {local: a, out: ./x}\n- {local: b, out: .}\n- {local: c, out: x}\n")
	name, outputs, err := elsewhere(template, folder)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{filepath.Join(folder, "0"): "x", filepath.Join(folder, "1"): "."}, outputs); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
	if outs := regexp.MustCompile(`out: \S+/(\d)\n`).FindAllStringSubmatch(read(t, name), -1); len(outs) != 3 || outs[0][1] != outs[2][1] {
		t.Errorf("%v in\n%s", outs, read(t, name))
	}
	for text, want := range map[string]string{"plugins: [{local: a}]": "without out", "plugins: [a]": "without out", ": {": "cannot be read"} {
		write(t, template, text)
		if _, _, err := elsewhere(template, folder); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}
