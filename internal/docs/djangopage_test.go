package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestDjangoPage builds the program that docs/django.md shows.
func TestDjangoPage(t *testing.T) {
	const page = "docs/django.md"
	for _, b := range blocks(read(t, page)) {
		if b.language != "go" {
			continue
		}
		file := filepath.Join(t.TempDir(), "main.go")
		if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
			t.Fatal(err)
		}
		build := exec.CommandContext(t.Context(), "go", "build", "-o", os.DevNull, file)
		build.Dir = root
		if out, err := build.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", page, err, out)
		}
		return
	}
	t.Errorf("%s shows no program", page)
}
