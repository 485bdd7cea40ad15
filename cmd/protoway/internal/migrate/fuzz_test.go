package migrate_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/protoway/protoway/cmd/protoway/internal/migrate"
)

// Whatever a file says, it is rewritten once, keeps all of its code, and grows by
// options only.
func FuzzRewrite(f *testing.F) {
	names, err := filepath.Glob("testdata/*/in/protos/*.proto")
	if err != nil || len(names) == 0 {
		f.Fatal("there are no examples", err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), true)
	}
	f.Add("message A{message B{}}/*origin=client*/message C{/*origin=both*/message D{}}", false)
	f.Add("// origin = client\nmessage A {", true)
	f.Add("// origin = client\nmessage A {}", true)
	f.Add("/* x\nclient cache = days(1) # */ //\n// origin = client\nmessage A { }", true)
	f.Add("/* origin = server */ message A { /* origin = server */ message B { int32 x = 1; } }", true)
	f.Fuzz(func(t *testing.T, text string, trust bool) {
		once, report := migrate.Rewrite(text, trust)
		if len(report.Mistakes) > 0 || len(report.Rewritten) == 0 {
			if once != text {
				t.Fatalf("%+v, but it is changed to\n%s", report, once)
			}
			return
		}
		if twice, report := migrate.Rewrite(once, trust); twice != once {
			t.Fatalf("a second run changes\n%s\nto\n%s\n%+v", once, twice, report)
		}
		left := migrate.Words(text)
		for _, word := range migrate.Words(once) {
			if len(left) > 0 && left[0] == word {
				left = left[1:]
			}
		}
		if len(left) > 0 {
			t.Fatalf("%q is lost from\n%s\nin\n%s", left, text, once)
		}
	})
}
