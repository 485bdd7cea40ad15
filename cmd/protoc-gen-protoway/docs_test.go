package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	documentedError = regexp.MustCompile("(?m)^\\| `(the|a|only|both) (.*?)` \\|")
	reportedError   = regexp.MustCompile(`(?m)^\S+\.proto:\d+:\d+: (.*)$`)
)

// TestErrorsAreDocumented compares the list of errors in docs/annotations.md
// with what the plugin says in the tests.
func TestErrorsAreDocumented(t *testing.T) {
	docs, err := os.ReadFile(filepath.Join(suite.root, "docs/annotations.md"))
	if err != nil {
		t.Fatal(err)
	}
	var patterns []*regexp.Regexp
	for _, row := range documentedError.FindAllStringSubmatch(string(docs), -1) {
		text := regexp.QuoteMeta(row[1] + " " + row[2])
		patterns = append(patterns, regexp.MustCompile("^"+strings.ReplaceAll(text, "…", ".+")+": "))
	}
	met := make(map[*regexp.Regexp]bool)
	for _, line := range reportedLines(t) {
		documented := false
		for _, pattern := range patterns {
			if pattern.MatchString(line) {
				met[pattern], documented = true, true
			}
		}
		if !documented {
			t.Errorf("docs/annotations.md does not list %q", line)
		}
	}
	for _, pattern := range patterns {
		if !met[pattern] {
			t.Errorf("nothing reports %v, which docs/annotations.md lists", pattern)
		}
	}
}

func reportedLines(t *testing.T) []string {
	t.Helper()
	wanted, err := filepath.Glob("testdata/errors/*/want.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, path := range wanted {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	var lines []string
	for _, match := range reportedError.FindAllStringSubmatch(all.String(), -1) {
		lines = append(lines, match[1])
	}
	for _, test := range newerSchemas {
		lines = append(lines, test.want)
	}
	return lines
}
