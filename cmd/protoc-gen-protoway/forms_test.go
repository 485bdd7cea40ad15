package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/pluginpb"
)

// spellings are ways to write the comments of a file whose annotations stand in
// blocks without stars. A column is only exact where the comment is indented as
// its message is.
var spellings = []struct {
	name     string
	respell  func(t *testing.T, source string) string
	noColumn bool
}{
	{name: "block", respell: func(_ *testing.T, source string) string { return source }},
	{name: "CRLF", respell: func(_ *testing.T, source string) string {
		return strings.ReplaceAll(source, "\n", "\r\n")
	}},
	{name: "stars", respell: marks("/*", " * ", " */")},
	{name: "two stars", respell: marks("/**", " * ", " **/")},
	{name: "lines", respell: marks("", "// ", "")},
	{name: "three slashes", respell: marks("", "/// ", "")},
	{name: "buf format", respell: bufFormat, noColumn: true},
}

var blockComment = regexp.MustCompile(`(?m)^( *)/\*\n((?:.*\n)*?) *\*/$`)

// marks writes each block that has lines of its own for its marks with other
// marks; empty ones leave their line out.
func marks(begin, middle, end string) func(*testing.T, string) string {
	respell := func(block string) string {
		parts := blockComment.FindStringSubmatch(block)
		indent := parts[1]
		var lines []string
		if begin != "" {
			lines = append(lines, indent+begin)
		}
		for line := range strings.Lines(parts[2]) {
			lines = append(lines, strings.TrimRight(indent+middle+strings.TrimSpace(line), " "))
		}
		if end != "" {
			lines = append(lines, indent+end)
		}
		return strings.Join(lines, "\n")
	}
	return func(_ *testing.T, source string) string { return blockComment.ReplaceAllStringFunc(source, respell) }
}

func bufFormat(t *testing.T, source string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "format.proto")
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := buf(t, "format", "-w", path); err != nil {
		t.Fatalf("buf format: %v\n%s", err, out)
	}
	formatted, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(formatted)
}

// respondTo runs the plugin on one file, in a workspace of its own.
func respondTo(t *testing.T, path, source string) *pluginpb.CodeGeneratorResponse {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "own", path)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(suite.root, "proto"), filepath.Join(dir, "protoway")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		file:                           source,
		filepath.Join(dir, "buf.yaml"): "version: v2\nmodules:\n  - path: own\n  - path: protoway\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder, _, _ := strings.Cut(path, "/")
	return respond(t, request(imageOf(t, filepath.Join(dir, "own")), folder))
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestFormsAreEqual generates the same code, documentation included, from the
// options and from each spelling of the comments.
func TestFormsAreEqual(t *testing.T) {
	const path = "forms/v1/forms.proto"
	want := respondTo(t, path, read(t, "testdata/forms/option/"+path))
	if len(want.File) != 2 {
		t.Fatalf("%d files are generated from options, error %q", len(want.File), want.GetError())
	}
	source := read(t, "testdata/forms/comment/"+path)
	for _, test := range spellings {
		t.Run(test.name, func(t *testing.T) {
			got := respondTo(t, path, test.respell(t, source))
			if got.GetError() != "" || len(got.File) != len(want.File) {
				t.Fatalf("%d files, error %q", len(got.File), got.GetError())
			}
			for i, file := range got.File {
				if diff := cmp.Diff(want.File[i].GetContent(), file.GetContent()); diff != "" {
					t.Errorf("%s: -option +comment:\n%s", file.GetName(), diff)
				}
			}
		})
	}
}

var problem = regexp.MustCompile(`(?m)^\S+\.proto:(\d+):(\d+): .*?: (.*?); `)

// TestPlacesInComments checks that the text that is wrong stands where a
// problem is reported, in each spelling of the comments.
func TestPlacesInComments(t *testing.T) {
	const path = "comment/v1/comment.proto"
	original := read(t, "testdata/errors/"+path)
	for _, test := range spellings {
		t.Run(test.name, func(t *testing.T) {
			source := test.respell(t, original)
			lines := strings.Split(source, "\n")
			problems := problem.FindAllStringSubmatch(respondTo(t, path, source).GetError(), -1)
			if len(problems) < 40 {
				t.Fatalf("only %d problems", len(problems))
			}
			for _, found := range problems {
				line, _ := strconv.Atoi(found[1])
				column, _ := strconv.Atoi(found[2])
				text, err := strconv.Unquote(found[3])
				if err != nil {
					text = found[3]
				}
				text = strings.TrimSuffix(text, "()")
				if unplaced[text] {
					continue
				}
				at := lines[line-1]
				if test.noColumn && strings.Contains(at, text) {
					continue
				}
				if len(at) < column || !strings.HasPrefix(strings.TrimLeft(at[column-1:], `'"`), strings.TrimLeft(text, `'"`)) {
					t.Errorf("%q is not at column %d of line %d: %q", text, column, line, at)
				}
			}
		})
	}
}

// unplaced are the texts of problems about what is not there.
var unplaced = map[string]bool{
	"NoOrigin": true, "Keys": true, "user_name": true, "the end of the line": true, "client_cache": true, "TEXT": true, "": true,
}
