package config_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/protoway/protoway/config"
)

const page = "../docs/configuration.md"

var update = flag.Bool("update", false, "write the table of docs/configuration.md anew")

// TestDocumentationListsAllKeys compares the table of the documentation with the
// table of keys; go test ./config -update writes it.
func TestDocumentationListsAllKeys(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	const head = "| Key | Default | Meaning |\n|---|---|---|\n"
	before, got, found := strings.Cut(string(text), head)
	if !found {
		t.Fatalf("%s has no table of keys", page)
	}
	var want strings.Builder
	for _, key := range config.Keys() {
		byDefault := ""
		if key.Default != "" {
			byDefault = "`" + key.Default + "`"
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s |\n", key.Name, byDefault, key.Doc)
	}
	if *update {
		if err := os.WriteFile(page, []byte(before+head+want.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want.String(), got); diff != "" {
		t.Errorf("run go test ./config -update: the table of keys (-want +got):\n%s", diff)
	}
}

// TestExamplesOfTheDocumentation reads the file of the page, and compares the
// mistakes with those that are reported.
func TestExamplesOfTheDocumentation(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```(\\w*)\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	seen := 0
	for _, block := range blocks {
		switch {
		case block[1] == "yaml":
			seen++
			file := strings.ReplaceAll(block[2], "/run/secrets/auth", write(t, "secret", longSecret))
			if got := read(t, file).Limits.OutboxBytes; got != 8<<20 {
				t.Errorf("outbox_bytes of the example is %d", got)
			}
		case strings.HasPrefix(block[2], "protoway.yaml:"):
			seen++
			mistakes, err := os.ReadFile("testdata/mistakes.yaml")
			if err != nil {
				t.Fatal(err)
			}
			_, err = config.Read("protoway.yaml", strings.NewReader(string(mistakes)), []string{"PROTOWAY_STRIKT=1"})
			if err == nil || err.Error()+"\n" != block[2] {
				t.Errorf("the page shows\n%s\nand the mistakes are\n%v", block[2], err)
			}
		}
	}
	if seen != 2 {
		t.Errorf("%d of 2 examples found", seen)
	}
}
