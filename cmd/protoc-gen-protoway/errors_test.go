package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

// TestErrors compares everything that is wrong with the files of each folder of
// testdata/errors with the want.txt in it.
func TestErrors(t *testing.T) {
	set := image(t, "errors")
	folders, err := os.ReadDir("testdata/errors")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		t.Run(folder.Name(), func(t *testing.T) {
			response := respond(t, request(set, folder.Name()))
			if len(response.File) > 0 {
				t.Errorf("%d files are generated in spite of errors", len(response.File))
			}
			got := response.GetError() + "\n"
			path := filepath.Join("testdata/errors", folder.Name(), "want.txt")
			if suite.update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestErrorsThroughBuf shows what a user of buf reads.
func TestErrorsThroughBuf(t *testing.T) {
	out, err := generate(t, "errors", t.TempDir())
	if err == nil {
		t.Fatalf("buf generate passes:\n%s", out)
	}
	want := "several/v1/a.proto:10:10: the message has no origin that this plugin knows: A; state origin: CLIENT, SERVER or BOTH\n"
	if !strings.Contains(out, want) {
		t.Errorf("buf does not say %q:\n%s", want, out)
	}
}

// rulesOf finds the rules of a message to change them.
func rulesOf(t *testing.T, set *descriptorpb.FileDescriptorSet, file, message string) *protowayv1.Rules {
	t.Helper()
	for _, each := range set.File {
		for _, desc := range each.MessageType {
			if each.GetName() == file && desc.GetName() == message {
				return proto.GetExtension(desc.Options, protowayv1.E_Message).(*protowayv1.Rules)
			}
		}
	}
	t.Fatalf("no message %s in %s", message, file)
	return nil
}

// unknownField is a field that no message of the schema has.
var unknownField = protowire.AppendVarint(protowire.AppendTag(nil, 1000, protowire.VarintType), 1)

// newerSchemas are rules of a schema that the plugin does not know.
var newerSchemas = []struct {
	name   string
	change func(*protowayv1.Rules)
	want   string
}{
	{
		"field", func(r *protowayv1.Rules) { r.ProtoReflect().SetUnknown(unknownField) },
		"the rules hold a field that this plugin does not know: protoway.v1.Rules; use a plugin as new as the imported",
	},
	{
		"field of lane", func(r *protowayv1.Rules) { r.Lane.ProtoReflect().SetUnknown(unknownField) },
		"the rules hold a field that this plugin does not know: protoway.v1.Lane;",
	},
	{
		"field of cache key", func(r *protowayv1.Rules) { r.ClientCache.Keys[1].ProtoReflect().SetUnknown(unknownField) },
		"the rules hold a field that this plugin does not know: protoway.v1.CacheKey;",
	},
	{"origin", func(r *protowayv1.Rules) { r.Origin = 9 }, "the message has no origin that this plugin knows: Sent;"},
	{"dedupe", func(r *protowayv1.Rules) { r.Dedupe = 9 }, "the dedupe is unknown: 9; state NONE"},
	{"cache kind", func(r *protowayv1.Rules) { r.ClientCache.Keys[0].Kind = 9 }, "the kind of the cache key is not known: 9;"},
	{
		"slow consumer", func(r *protowayv1.Rules) { r.SlowConsumer = &protowayv1.SlowConsumer{Policy: 9} },
		"the policy for slow consumers is unknown: 9;",
	},
}

func TestErrorsOfNewerSchema(t *testing.T) {
	set := image(t, "golden")
	for _, test := range newerSchemas {
		t.Run(test.name, func(t *testing.T) {
			changed := proto.CloneOf(set)
			test.change(rulesOf(t, changed, "rules/v1/every-rule.proto", "Sent"))
			if got := respond(t, request(changed, "rules")).GetError(); !strings.Contains(got, test.want) {
				t.Errorf("error %q does not say %q", got, test.want)
			}
		})
	}
}

// TestErrorsWithoutPlaces works on descriptors whose source was left out.
func TestErrorsWithoutPlaces(t *testing.T) {
	set := image(t, "errors")
	for _, file := range set.File {
		file.SourceCodeInfo = nil
	}
	for _, folder := range []string{"several", "names", "taken", "cache"} {
		got := respond(t, request(set, folder)).GetError()
		if want := folder + "/v1/"; !strings.Contains(got, want) || !strings.Contains(got, ".proto:0:0: ") {
			t.Errorf("error %q does not name the file %s and 0:0", got, want)
		}
	}
}
