package main_test

import (
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const bufTemplate = `version: v2
plugins:
  - local: ["go", "run", "google.golang.org/protobuf/cmd/protoc-gen-go"]
    out: .
    opt: [module=example.com/golden, Mdemo/demo.proto=example.com/golden/demo;demo]
  - local: PLUGIN
    strategy: all
    out: .
    opt: [module=example.com/golden, lang=go, Mdemo/demo.proto=example.com/golden/demo;demo]
`

// generate runs protoc-gen-go and the plugin on a module of the workspace.
func generate(t *testing.T, module, out string) (output string, err error) {
	t.Helper()
	template := filepath.Join(t.TempDir(), "buf.gen.yaml")
	text := strings.ReplaceAll(bufTemplate, "PLUGIN", suite.plugin)
	if err := os.WriteFile(template, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return buf(t, "generate", filepath.Join(suite.dir, module), "--template", template, "-o", out)
}

// TestGolden generates code for all protos of testdata/golden, compares it with
// the files beside them, and compiles and runs it.
func TestGolden(t *testing.T) {
	dir := t.TempDir()
	if out, err := generate(t, "golden", dir); err != nil {
		t.Fatalf("buf generate: %v\n%s", err, out)
	}
	got := generatedFiles(t, dir)
	if suite.update {
		writeGolden(t, got)
	}
	if diff := cmp.Diff(generatedFiles(t, "testdata/golden"), got); diff != "" {
		t.Errorf("-want +got (go test -update accepts it):\n%s", diff)
	}
	for path, text := range got {
		if strings.Contains(text, "reflect") {
			t.Errorf("%s uses reflection", path)
		}
	}
	run(t, dir, "gofmt", "-l", ".")
	compile(t, dir)
}

// generatedFiles reads the plugin's files below a folder.
func generatedFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".protoway.go") {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func writeGolden(t *testing.T, files map[string]string) {
	t.Helper()
	const dir = "testdata/golden"
	for path := range generatedFiles(t, dir) {
		if err := os.Remove(filepath.Join(dir, path)); err != nil {
			t.Fatal(err)
		}
	}
	for path := range maps.Keys(files) {
		name := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(files[path]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// compile makes a module of the generated code, as a user has it, and runs the
// test of testdata/routes in it.
func compile(t *testing.T, dir string) {
	t.Helper()
	mod, err := os.ReadFile(filepath.Join(suite.root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	own := strings.Replace(string(mod), "module github.com/protoway/protoway", "module example.com/golden", 1) +
		"\nrequire github.com/protoway/protoway v0.0.0\nreplace github.com/protoway/protoway => " + suite.root + "\n"
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]string{
		"go.sum":                filepath.Join(suite.root, "go.sum"),
		"routes/routes_test.go": "testdata/routes/routes_test.go",
	} {
		copyFile(t, from, filepath.Join(dir, name))
	}
	run(t, dir, "go", "build", "./...")
	run(t, dir, "go", "vet", "./...")
	run(t, dir, "go", "test", "./routes")
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs a command that must pass; gofmt must also say nothing.
func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	out, err := command.CombinedOutput()
	if err != nil || (name == "gofmt" && len(out) > 0) {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}
