package main

import (
	"encoding/json"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// root is the folder of the module, seen from this one.
const root = "../.."

// block is a piece of code in the README. Its first line names its file, if it
// has one.
type block struct{ language, file, text string }

var (
	fence  = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)\n```$")
	header = regexp.MustCompile(`^(?://|#) (\S+\.\w+)\n`)
	link   = regexp.MustCompile(`\]\(([^)]+)\)`)
)

func readme(t *testing.T) (text string, blocks []block) {
	t.Helper()
	raw, err := os.ReadFile(root + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range fence.FindAllStringSubmatch(string(raw), -1) {
		b := block{language: found[1], text: found[2] + "\n"}
		if named := header.FindStringSubmatch(b.text); named != nil {
			b.file = named[1]
		}
		blocks = append(blocks, b)
	}
	return string(raw), blocks
}

func TestReadmeLinksAndCommands(t *testing.T) {
	text, _ := readme(t)
	for _, found := range link.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		if _, err := os.Stat(filepath.Join(root, found[1])); err != nil {
			t.Errorf("a link is broken: %v", err)
		}
	}
	makefile, err := os.ReadFile(root + "/Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`\bmake (\w+)`).FindAllStringSubmatch(text, -1) {
		if !strings.Contains(string(makefile), "\n"+found[1]+":") {
			t.Errorf("the Makefile has no %q", found[1])
		}
	}
}

// Does what the README says: makes its files, generates, tests, and runs the
// server, the client and the script.
func TestReadmeExample(t *testing.T) {
	_, blocks := readme(t)
	e := newExample(t)
	var script string
	var lines []string
	for _, b := range blocks {
		switch {
		case b.file == "buf.yaml":
			e.module(t, b)
		case b.file != "":
			e.write(t, b)
		case b.language == "js":
			script = e.here(b.text)
		case b.language == "json":
			lines = strings.Split(strings.TrimSpace(b.text), "\n")
		case b.language != "sh":
			t.Errorf("a block of %q bears no name of a file:\n%s", b.language, b.text)
		}
	}
	e.generate(t)
	tests := e.build(t, "test", "./examples/bell", "-c", "-vet=off") // vet wants a folder that exists
	if out := e.run(t, tests, "-test.v"); !strings.Contains(out, "PASS: TestRing") {
		t.Errorf("the test of the README did not run:\n%s", out)
	}
	e.serve(t)
	rang := e.run(t, e.build(t, "build", "./examples/bell/ring"))
	if !regexp.MustCompile(`who:"Ada"\s+times:1\b`).MatchString(rang) {
		t.Errorf("the client prints %q", rang)
	}
	drive(t, "console.js", append([]string{"http://" + e.addr + "/healthz", script}, lines...)...)
}

// example is a tree with the files of the README. The go command sees them where
// the README says they are, by an overlay.
type example struct {
	root string // of the module
	dir  string // the workspace of buf, with what is written
	out  string // what is generated
	addr string // instead of the README's localhost:8080, which may be taken
}

func newExample(t *testing.T) *example {
	t.Helper()
	absolute, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	return &example{root: absolute, dir: t.TempDir(), out: t.TempDir(), addr: free.Addr().String()}
}

// here makes a text of the README talk about the address of this test.
func (e *example) here(text string) string { return strings.ReplaceAll(text, "localhost:8080", e.addr) }

// write writes a file of the README.
func (e *example) write(t *testing.T, b block) {
	t.Helper()
	path := filepath.Join(e.dir, b.file)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(e.here(b.text)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// module adds the module of the README to those of buf.yaml.
func (e *example) module(t *testing.T, b block) {
	t.Helper()
	config, err := os.ReadFile(filepath.Join(e.root, "buf.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, added, _ := strings.Cut(b.text, "\n")
	before := strings.Replace(string(config), added, "", 1) // whoever follows the README has it
	e.write(t, block{file: "buf.yaml", text: strings.Replace(before, "modules:\n", "modules:\n"+added, 1)})
	for _, found := range regexp.MustCompile(`(?m)^  - path: (\S+)$`).FindAllStringSubmatch(before, -1) {
		link := filepath.Join(e.dir, found[1])
		if err := os.MkdirAll(filepath.Dir(link), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(e.root, found[1]), link); err != nil {
			t.Fatal(err)
		}
	}
}

// generate is make generate.
func (e *example) generate(t *testing.T) {
	t.Helper()
	args := []string{"generate", "--template", "buf.gen.yaml", "-o", e.out, e.dir}
	if buf := os.Getenv("BUF"); buf != "" {
		e.run(t, buf, args...)
		return
	}
	e.run(t, "go", append([]string{"tool", "-modfile=tools/go.mod", "buf"}, args...)...)
}

// overlay returns a file that tells the go command where the files are.
func (e *example) overlay(t *testing.T) string {
	t.Helper()
	replace := map[string]string{}
	for _, dir := range []string{e.dir, e.out} {
		err := filepath.WalkDir(filepath.Join(dir, "examples", "bell"), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") {
				replace[filepath.Join(e.root, strings.TrimPrefix(path, dir))] = path
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	encoded, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(path, encoded, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// build makes a program of a package, with a command of go, and returns its path.
func (e *example) build(t *testing.T, command, path string, flags ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	e.run(t, "go", append(append([]string{command, "-overlay=" + e.overlay(t), "-o", program}, flags...), path)...)
	return program
}

// serve runs the server until the test ends, and waits until it answers.
func (e *example) serve(t *testing.T) {
	t.Helper()
	server := exec.CommandContext(t.Context(), e.build(t, "build", "./examples/bell"))
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Wait() }) // the context of the test kills it
	for deadline := time.Now().Add(patience); ; {
		answer, err := http.Get("http://" + e.addr + "/readyz")
		if err == nil {
			_ = answer.Body.Close()
			http.DefaultClient.CloseIdleConnections()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server does not answer: %v", err)
		}
	}
}

// run runs a command in the folder of the module and returns what it printed.
func (e *example) run(t *testing.T, name string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = e.root
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
