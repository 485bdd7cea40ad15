package spelling_test

import (
	"testing"

	"github.com/protoway/protoway/cmd/internal/spelling"
)

func TestSuggest(t *testing.T) {
	candidates := []string{"type", "origin", "client cache_keys"}
	for name, want := range map[string]string{
		"orign":             `did you mean "origin"?`,
		"ORIGIN":            `did you mean "origin"?`,
		"client cache keys": `did you mean "client cache_keys"?`,
		"typ":               `did you mean "type"?`,
		"tpye":              "state one",
		"lane":              "state one",
		"":                  "state one",
		"\xff\xfe\u0130":    "state one",
	} {
		if got := spelling.Suggest(name, candidates, "state one"); got != want {
			t.Errorf("suggestion for %q: %s, want %s", name, got, want)
		}
	}
}
