package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/protoway/protoway/config"
)

// TestEveryDialectHasAName compares the names with the dialects of package wire.
func TestEveryDialectHasAName(t *testing.T) {
	sources, err := filepath.Glob("../wire/*.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^(?:var |\t)(\w+) +(?:wire\.)?Dialect += `)
	var found []string
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		for _, match := range declared.FindAllStringSubmatch(string(text), -1) {
			found = append(found, match[1])
		}
	}
	settings := read(t, "paths: {/ws: {dialects: ["+dialectNames(t)+"]}}")
	if got := len(settings.Paths["/ws"].Dialects); got != len(found) || got == 0 {
		t.Errorf("%d dialects have names, and package wire has %v", got, found)
	}
}

// dialectNames are those that the documentation of the key lists.
func dialectNames(t *testing.T) string {
	t.Helper()
	for _, key := range config.Keys() {
		if key.Name == "paths.<path>.dialects" {
			_, list, _ := strings.Cut(key.Doc, ": ")
			return strings.TrimSuffix(list, ".")
		}
	}
	t.Fatal("there is no key for dialects")
	return ""
}
