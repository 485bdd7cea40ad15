package scaffold_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/protoway/protoway/cmd/protoway/internal/scaffold"
)

const (
	root   = "../../../.."
	schema = "project/schema.binpb"
)

var update = flag.Bool("update", false, "compile the schema anew")

// The compiled schema is embedded, so that a new project needs no compiler.
func TestCompiledSchemaIsThatOfTheTemplate(t *testing.T) {
	compiled := compile(t)
	if *update {
		if err := os.WriteFile(schema, compiled, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	embedded, err := os.ReadFile(schema)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(embedded, compiled) {
		t.Errorf("%s is stale: go test -update compiles it anew", schema)
	}
}

// compile returns the FileDescriptorProto of the template.
func compile(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("project/schema.proto.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	const name = "placeholder"
	filled := strings.NewReplacer("{{.Name}}", name, "{{.Module}}", name).Replace(string(text))
	folder := filepath.Join(dir, "proto", name, "v1")
	files, err := scaffold.Annotations()
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, name+".proto"), []byte(filled))
	write(t, filepath.Join(dir, "buf.yaml"), []byte("version: v2\nmodules:\n  - path: proto\n  - path: third_party\n"))
	for path, text := range files {
		write(t, filepath.Join(dir, "third_party", path), text)
	}
	image := filepath.Join(dir, "image.binpb")
	buf(t, "build", dir, "--path", folder, "--as-file-descriptor-set", "-o", image)
	set, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	return last(t, set)
}

// last returns the last file of an encoded FileDescriptorSet, as it stands there.
func last(t *testing.T, set []byte) (file []byte) {
	t.Helper()
	for len(set) > 0 {
		_, _, n := protowire.ConsumeTag(set)
		if n < 0 {
			t.Fatal("this is no FileDescriptorSet")
		}
		value, m := protowire.ConsumeBytes(set[n:])
		if m < 0 {
			t.Fatal("this is no FileDescriptorSet")
		}
		file, set = value, set[n+m:]
	}
	return file
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// buf runs the buf that BUF names, or else builds and runs the pinned one.
func buf(t *testing.T, args ...string) {
	t.Helper()
	name := os.Getenv("BUF")
	if name == "" {
		name, args = "go", append([]string{"tool", "-modfile=tools/go.mod", "buf"}, args...)
	}
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = root
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("buf %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
