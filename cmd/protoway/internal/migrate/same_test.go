package migrate_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/protoway/protoway/cmd/internal/model"
	"github.com/protoway/protoway/cmd/protoway/internal/migrate"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

// The options say what the comments said, as the plugin reads both.
func TestOptionsMeanTheSame(t *testing.T) {
	for _, name := range []string{"trust", "crlf"} {
		project(t, name)
		run(t, migrate.Options{Dir: ".", Force: true})
		before := rules(t)
		if len(before) != 6 {
			t.Fatalf("%s: the comments annotate %d messages: %v", name, len(before), before)
		}
		run(t, migrate.Options{Dir: ".", Rewrite: true, TrustAuth: true})
		after := rules(t)
		for message := range after {
			if message.Name() == "Inside" {
				delete(after, message) // protoc tells of a comment in its line, and buf does not
			}
		}
		if diff := cmp.Diff(before, after, protocmp.Transform()); diff != "" {
			t.Errorf("%s: -comments +options:\n%s", name, diff)
		}
	}
}

// rules compiles the project in the current folder and returns the rules of its
// messages by name, without those that the migration leaves out.
func rules(t *testing.T) map[protoreflect.FullName]*protowayv1.Rules {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image.binpb")
	if out, err := exec.CommandContext(t.Context(), buf(t), "build", "-o", image).CombinedOutput(); err != nil {
		t.Fatalf("buf build: %v\n%s", err, out)
	}
	text, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	set := new(descriptorpb.FileDescriptorSet)
	if err := proto.Unmarshal(text, set); err != nil {
		t.Fatal(err)
	}
	compiled, err := protodesc.NewFiles(set)
	if err != nil {
		t.Fatal(err)
	}
	var sources []model.Source
	compiled.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if file.Package() == "forms" || file.Package() == "crlf" {
			sources = append(sources, model.Source{Desc: file, Generate: true})
		}
		return true
	})
	schema, _ := model.Build(sources) // auth of a server's message is a problem, and is left out
	all := make(map[protoreflect.FullName]*protowayv1.Rules)
	for _, file := range schema.Files {
		for _, message := range file.Messages {
			if message.Rules.GetOrigin() == protowayv1.Rules_SERVER {
				message.Rules.Auth = nil
			}
			all[message.Desc.FullName()] = message.Rules
		}
	}
	return all
}

// buf is the buf that BUF names, or else the pinned one.
func buf(t *testing.T) string {
	t.Helper()
	root := filepath.Join(here(t), "../../../..")
	if name := os.Getenv("BUF"); name != "" {
		if !filepath.IsAbs(name) {
			name = filepath.Join(root, name)
		}
		return name
	}
	name := filepath.Join(t.TempDir(), "buf")
	build := exec.CommandContext(t.Context(), "go", "build", "-modfile=tools/go.mod", "-o", name, "github.com/bufbuild/buf/cmd/buf")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build buf: %v\n%s", err, out)
	}
	return name
}
