package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/protoway/protoway/cmd/protoway/internal/migrate"
)

const oldSchema = `syntax = "proto3";
package shop;

// origin = client
// auth = false
message Buy { string what = 1; }
`

// oldProject makes a project of Proto Socket and goes there.
func oldProject(t *testing.T, schema string) {
	t.Helper()
	t.Chdir(t.TempDir())
	write(t, "fps_config.json", `{"protos": ["protos"], "include_common": false}`)
	write(t, "go.mod", "module example.com/shop\n")
	write(t, "protos/shop.proto", schema)
}

func TestMigrate(t *testing.T) {
	oldProject(t, oldSchema)
	if did := cli(t, "migrate", "--dry-run"); !strings.Contains(did.out, "note: protos/shop.proto:5: Buy: auth = false counts here") {
		t.Errorf("without --rewrite: %+v", did)
	}
	did := cli(t, "migrate", "--dry-run", "--rewrite")
	for _, want := range []string{
		"==> buf.yaml <==", "would write protos/shop.proto",
		"protos/shop.proto:5 Buy: auth = false is left off", "option (protoway.v1.message) = {origin: CLIENT};",
	} {
		if did.code != exitOK || !strings.Contains(did.out, want) {
			t.Errorf("%+v, want %q", did, want)
		}
	}
	if _, err := os.Stat("buf.yaml"); err == nil || read(t, "protos/shop.proto") != oldSchema {
		t.Error("a dry run writes")
	}
	if did := cli(t, "migrate", "--rewrite"); did.code != exitOK || !strings.Contains(did.out, "protoway generate") {
		t.Errorf("%+v", did)
	}
	if text := read(t, "protos/shop.proto"); !strings.Contains(text, "{origin: CLIENT}") {
		t.Errorf("the schema is\n%s", text)
	}
	if did := cli(t, "migrate", "--rewrite"); did.code != exitOK || did.out != "Nothing is to be changed.\n" {
		t.Errorf("a second run: %+v", did)
	}
	write(t, "buf.yaml", "version: v2\n")
	if did := cli(t, "migrate", "."); did.code != exitOK || !strings.Contains(did.out, "kept buf.yaml, which differs") {
		t.Errorf("with a buf.yaml: %+v", did)
	}
}

// What generate refuses in comments that stay is told beforehand, with its place.
func TestMigrateTellsWhatGenerateRefuses(t *testing.T) {
	oldProject(t, oldSchema+"\n// origin = server\n// auth = true\nmessage Bought { string what = 1; }\n\n// origin = client/server\nmessage Both {}\n")
	did := cli(t, "migrate")
	for _, want := range []string{
		"note: protos/shop.proto:9:4: Bought: auth is about senders, and only the server sends this message: take it out, since generate refuses it\n",
		"note: protos/shop.proto:12:13: the placeholder is not filled in: client/server; state client, server or both; generate refuses it\n",
	} {
		if did.code != exitOK || !strings.Contains(did.out, want) {
			t.Errorf("%+v, want %q", did, want)
		}
	}
	setBuf(t)
	if did := cli(t, "check"); did.code != exitFailed || !strings.Contains(did.out, "protos/shop.proto:9:4: ") || !strings.Contains(did.out, "protos/shop.proto:12:13: ") {
		t.Errorf("check does not find the same: %+v", did)
	}
	oldProject(t, "syntax = \"proto3\";\n\n// origin = client\nmessage A { /* it stays */ }\n")
	if did := cli(t, "migrate"); strings.Contains(did.out, "note: ") {
		t.Errorf("a comment that stays is no mistake: %+v", did)
	}
}

// The commands that are printed make a module whose generated code builds.
func TestMigrateNextSteps(t *testing.T) {
	t.Setenv("GOFLAGS", "")
	setBuf(t)
	t.Setenv("PATH", suite.dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	for name, test := range map[string]struct {
		module string // what go.mod says; empty: there is none
		args   []string
	}{
		"a module":     {"module example.com/shop\n", nil},
		"no module":    {"", []string{"--module", "example.com/new"}},
		"with options": {"module example.com/shop\n\ngo 1.21\n", []string{"--rewrite"}},
	} {
		t.Run(name, func(t *testing.T) {
			oldProject(t, oldSchema)
			write(t, "fps_config.json", `{"protos": ["protos"]}`)
			write(t, "go.mod", test.module)
			if test.module == "" {
				if err := os.Remove("go.mod"); err != nil {
					t.Fatal(err)
				}
			}
			did := cli(t, append([]string{"migrate", "--local", suite.root}, test.args...)...)
			_, steps, found := strings.Cut(did.out, "Next:\n\n")
			if did.code != exitOK || !found {
				t.Fatalf("%+v", did)
			}
			must(t, ".", "sh", "-ec", steps)
			must(t, ".", "go", "build", "./...")
			if diff := must(t, ".", "go", "mod", "tidy", "-diff"); diff != "" {
				t.Errorf("go.mod is not complete:\n%s", diff)
			}
		})
	}
}

// Without a checkout the plugins come from their releases; what the generated code
// imports is added all the same.
func TestMigrateNextStepsOfRelease(t *testing.T) {
	oldProject(t, oldSchema)
	did := cli(t, "migrate", ".")
	const want = "Next:\n\n  go get -tool google.golang.org/protobuf/cmd/protoc-gen-go\n" +
		"  go get -tool github.com/protoway/protoway/cmd/protoc-gen-protoway\n  protoway generate\n  go mod tidy "
	if did.code != exitOK || !strings.Contains(did.out, want) {
		t.Errorf("%+v, want %q", did, want)
	}
	oldProject(t, oldSchema)
	if did := cli(t, "migrate", "--local", "protos"); did.code != exitUsage || !strings.Contains(did.err, "--local protos is no checkout of Protoway") {
		t.Errorf("%+v", did)
	}
	if did := cli(t, "migrate"); !strings.Contains(did.out, "go get -tool") {
		t.Errorf("%+v", did)
	}
	const local = "  go mod edit -replace github.com/protoway/protoway="
	if did := cli(t, "migrate", "--local", suite.root); !strings.Contains(did.out, "Nothing is to be changed.\nNext:\n\n"+local) {
		t.Errorf("asked again: %+v", did)
	}
	oldProject(t, oldSchema)
	t.Chdir("protos")
	if did := cli(t, "migrate", ".."); did.code != exitOK || !strings.Contains(did.out, "Next, in ..:\n") {
		t.Errorf("%+v", did)
	}
}

func TestMigrateTellsMistakes(t *testing.T) {
	oldProject(t, strings.Replace(oldSchema, "= client", "= client/server", 1))
	const want = "protos/shop.proto:4:13: the placeholder is not filled in: client/server; state client, server or both\n" +
		"protoway: nothing was written, because of the mistakes above: mend them and run it again (1)\n"
	if did := cli(t, "migrate", "--rewrite"); did.code != exitFailed || did.err != want {
		t.Errorf("%+v, want %q", did, want)
	}
	did := cli(t, "migrate", "--rewrite", "--json")
	var report migrate.Report
	if err := json.Unmarshal([]byte(did.out), &report); err != nil || len(report.Mistakes) != 1 || did.code != exitFailed {
		t.Errorf("%v: %+v", err, did)
	}
	if _, err := os.Stat("buf.yaml"); err == nil {
		t.Error("something was written")
	}
}

func TestMigrateIsReadByPrograms(t *testing.T) {
	oldProject(t, oldSchema)
	did := cli(t, "migrate", "--rewrite", "--json")
	var report migrate.Report
	if err := json.Unmarshal([]byte(did.out), &report); err != nil {
		t.Fatal(err)
	}
	want := migrate.Place{File: "protos/shop.proto", Line: 5, Message: "Buy"}
	if len(report.LeftOff) != 1 || report.LeftOff[0] != want || len(report.Wrote) != 5 {
		t.Errorf("%+v", report)
	}
	oldProject(t, oldSchema)
	if did := cli(t, "migrate", "--rewrite", "--trust-auth"); did.code != exitOK || !strings.Contains(read(t, "protos/shop.proto"), "auth: false") {
		t.Errorf("with --trust-auth: %+v", did)
	}
}

func TestProtoExport(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "third/protoway/v1/rules.proto", "old")
	did := cli(t, "proto", "export", "third")
	if did.code != exitOK || did.out != "wrote third/protoway/v1/annotations.proto\nwrote third/protoway/v1/rules.proto\n" {
		t.Errorf("%+v", did)
	}
	for _, name := range []string{"annotations.proto", "rules.proto"} {
		if read(t, "third/protoway/v1/"+name) != read(t, suite.root+"/proto/protoway/v1/"+name) {
			t.Errorf("%s is not that of the module", name)
		}
	}
	if did := cli(t, "proto", "export", "other", "--json"); did.code != exitOK || !strings.Contains(did.out, `"protoway/v1/rules.proto"`) {
		t.Errorf("%+v", did)
	}
}
