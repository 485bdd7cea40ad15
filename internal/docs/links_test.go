package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// linked are the documents whose links are followed, as globs.
var linked = []string{"README.md", "CONTRIBUTING.md", "AGENTS.md", "CHANGELOG.md", "docs/*.md", "docs/*/*.md"}

func TestLinksResolve(t *testing.T) {
	var documents []string
	for _, pattern := range linked {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, found...)
	}
	if len(documents) < 5 {
		t.Fatalf("only %q were found", documents)
	}
	for _, path := range documents {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		report(t, path, deadLinks(path, string(text)))
	}
}

var (
	link     = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#+ (.+)$`)
	external = regexp.MustCompile(`^[a-z]+:`)
)

// deadLinks returns the links of a document to files and headings that are not
// there.
func deadLinks(path, document string) []string {
	var problems []string
	for _, found := range link.FindAllStringSubmatch(withoutCode(document), -1) {
		target := found[1]
		if external.MatchString(target) {
			continue
		}
		name, anchor, _ := strings.Cut(target, "#")
		text := document
		if name != "" {
			to := filepath.Join(filepath.Dir(path), name)
			info, err := os.Stat(to)
			if err != nil {
				problems = append(problems, target+": there is no such file")
				continue
			}
			if info.IsDir() || anchor == "" {
				continue
			}
			raw, err := os.ReadFile(to)
			if err != nil {
				problems = append(problems, target+": "+err.Error())
				continue
			}
			text = string(raw)
		}
		if anchor != "" && !slices.Contains(anchors(text), anchor) {
			problems = append(problems, target+": there is no such heading")
		}
	}
	return problems
}

var inline = regexp.MustCompile("`[^`\n]*`")

// withoutCode returns a document without what looks like links and is not.
func withoutCode(document string) string {
	return inline.ReplaceAllString(fenced.ReplaceAllString(document, ""), "")
}

// anchors returns what links to the headings of a document are called.
func anchors(document string) []string {
	var all []string
	for _, found := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(document, ""), -1) {
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			default:
				return -1
			}
		}, found[1]))
	}
	return all
}

func TestDeadLinksFindsThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.md")
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "b.md"), []byte("# One `two`, three\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for document, want := range map[string]int{
		"[b](b.md) [b](b.md#one-two-three) [w](https://example.com/x)": 0,
		"[c](c.md)":                        1,
		"[b](b.md#two)":                    1,
		"# Here\n[h](#here)":               0,
		"# Here\n[h](#there)":              1,
		"```\n# Here\n```\n[h](#here)":     1,
		"`[c](c.md)`\n```\n[c](c.md)\n```": 0,
	} {
		if got := deadLinks(path, document); len(got) != want {
			t.Errorf("found %q, want %d in\n%s", got, want, document)
		}
	}
}
