package docs_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// goPage is the page whose blocks are a program.
const goPage = "docs/go.md"

// TestGoPage builds what docs/go.md shows, in a project that protoway init makes,
// and runs its tests.
func TestGoPage(t *testing.T) {
	all, protos := goBlocks(t, read(t, goPage))
	project := newPageProject(t)
	for name, text := range protos {
		project.write(t, name, text)
	}
	project.run(t, buf(t), "generate")
	for name, text := range all {
		project.write(t, name, text)
	}
	project.run(t, "go", "vet", ".") // tests, too
	// What the project has by itself is strict, and knows none of the page's messages.
	if out := project.run(t, "go", "test", "-count=1", "-v", "-run", "^("+strings.Join(testsOf(all), "|")+")$", "."); strings.Count(out, "--- PASS") < 2 {
		t.Errorf("the tests of %s did not run:\n%s", goPage, out)
	}
}

var (
	named   = regexp.MustCompile(`^// (\S+\.proto)\n`)
	asATest = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
)

// goBlocks returns the files of a page: one for each block of Go, with the imports
// that it needs of those that the first block lists, and the named protos.
func goBlocks(t *testing.T, document string) (files, protos map[string]string) {
	t.Helper()
	files, protos = map[string]string{}, map[string]string{}
	var imports map[string]string
	for i, b := range blocks(document) {
		switch {
		case b.language == "proto":
			found := named.FindStringSubmatch(b.text)
			if found == nil {
				t.Fatalf("%s: a proto block bears no name of a file:\n%s", goPage, b.text)
			}
			protos[found[1]] = b.text + "\n"
		case b.language != "go":
		case imports == nil:
			imports = importsOf(t, b.text)
		default:
			name := fmt.Sprintf("page%02d.go", i)
			if asATest.MatchString(b.text) {
				name = fmt.Sprintf("page%02d_test.go", i)
			}
			files[name] = goFile(t, b.text, imports)
		}
	}
	if len(files) < 10 || len(protos) == 0 {
		t.Fatalf("%s has only %d blocks of Go and %d protos", goPage, len(files), len(protos))
	}
	return files, protos
}

// importsOf returns the paths of a block of imports by their names.
func importsOf(t *testing.T, text string) map[string]string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), goPage, "package page\n"+text, parser.ImportsOnly)
	if err != nil || len(parsed.Imports) == 0 {
		t.Fatalf("the first block of Go of %s lists no imports: %v", goPage, err)
	}
	imports := map[string]string{}
	for _, spec := range parsed.Imports {
		name := path.Base(strings.Trim(spec.Path.Value, `"`))
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imports[name] = spec.Path.Value
	}
	return imports
}

// goFile makes a file of a block, which must be as gofmt writes it.
func goFile(t *testing.T, text string, imports map[string]string) string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), goPage, "package main\n"+text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatalf("a block of Go is no list of declarations: %v\n%s", err, text)
	}
	if formatted, err := format.Source([]byte(text)); err != nil || !bytes.Equal(formatted, []byte(text)) {
		t.Errorf("gofmt would change this block (%v):\n%s", err, text)
	}
	needed := map[string]bool{}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := selector.X.(*ast.Ident); ok && imports[x.Name] != "" {
				needed[x.Name] = true
			}
		}
		return true
	})
	var file strings.Builder
	file.WriteString("package main\n")
	for name := range needed {
		fmt.Fprintf(&file, "import %s %s\n", name, imports[name])
	}
	return file.String() + text + "\n"
}

func testsOf(files map[string]string) []string {
	var names []string
	for _, text := range files {
		for _, found := range asATest.FindAllStringSubmatch(text, -1) {
			names = append(names, found[1])
		}
	}
	return names
}

// pageProject is a folder with a project that protoway init made.
type pageProject struct{ dir string }

func newPageProject(t *testing.T) *pageProject {
	t.Helper()
	checkout, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	parent := &pageProject{t.TempDir()}
	program := filepath.Join(parent.dir, "protoway")
	(&pageProject{checkout}).run(t, "go", "build", "-o", program, "./cmd/protoway")
	parent.run(t, program, "init", "chat", "--local", checkout)
	return &pageProject{filepath.Join(parent.dir, "chat")}
}

func (p *pageProject) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, filepath.FromSlash(name)), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs a command in the folder and returns what it printed.
func (p *pageProject) run(t *testing.T, name string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = p.dir
	command.Env = append(os.Environ(), "GOFLAGS=")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// buf returns the path of buf.
func buf(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("BUF"); path != "" {
		return path
	}
	out := (&pageProject{root}).run(t, "go", "tool", "-n", "-modfile=tools/go.mod", "buf")
	return strings.TrimSpace(out)
}
