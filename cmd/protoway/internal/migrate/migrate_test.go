package migrate_test

import (
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/protoway/protoway/cmd/protoway/internal/migrate"
)

var update = flag.Bool("update", false, "write the expected files of testdata anew")

// Each folder of testdata is a project as it was and as it is to be, and what is
// reported.
func TestGolden(t *testing.T) {
	for name, options := range map[string]migrate.Options{
		"forms":    {Rewrite: true},
		"crlf":     {Rewrite: true},
		"trust":    {Rewrite: true, TrustAuth: true},
		"mistakes": {Rewrite: true},
		"comments": {Rewrite: true, Module: "example.com/other"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join("testdata", name)
			dir := project(t, name)
			options.Dir = "."
			report := run(t, options)
			got := files(t, dir)
			got["report.json"] = report
			if *update {
				save(t, filepath.Join(folder, "want"), got)
			}
			if diff := cmp.Diff(files(t, filepath.Join(here(t), folder, "want")), got); diff != "" {
				t.Errorf("-want +got (go test -update accepts it):\n%s", diff)
			}
			run(t, options)
			delete(got, "report.json")
			if diff := cmp.Diff(got, files(t, dir)); diff != "" {
				t.Errorf("a second run changes something:\n%s", diff)
			}
		})
	}
}

var start, _ = os.Getwd()

func here(t *testing.T) string {
	t.Helper()
	if start == "" {
		t.Fatal("the folder of the test is not known")
	}
	return start
}

// project copies a project of testdata and goes there.
func project(t *testing.T, name string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(here(t), "testdata", name, "in"))); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	t.Setenv("PROTOS", dir)
	return dir
}

// run plans a migration, carries it out, and returns the report.
func run(t *testing.T, options migrate.Options) (report string) {
	t.Helper()
	plan, err := migrate.Make(options)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range plan.Files {
		write(t, file.Path, file.Text)
	}
	text, err := json.MarshalIndent(plan.Report, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// files reads a folder. Vendored files are only named: they are the project's own.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		if strings.HasPrefix(name, "third_party") {
			text = nil
		}
		found[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func save(t *testing.T, dir string, texts map[string]string) {
	t.Helper()
	dir = filepath.Join(here(t), dir)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for name, text := range texts {
		write(t, filepath.Join(dir, name), text)
	}
}

func TestConfigIsRefused(t *testing.T) {
	for config, want := range map[string]string{
		`{`:                               "is not valid JSON",
		`{}`:                              `"protos" names no folders`,
		`{"protos": "protos"}`:            `"protos" is not what it should be`,
		`{"protos": ["absent"]}`:          `"absent" is no folder`,
		`{"protos": [".."]}`:              "outside of the project",
		`{"protos": ["$NO_SUCH/protos"]}`: "the variable NO_SUCH, which is not set",
		`{"protos": ["protos", "."]}`:     "protos is inside of .",
		`{"protos": ["a"], "out": "/"}`:   `"a" is no folder`,
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "protos", "x.proto"), "")
		write(t, filepath.Join(dir, "fps_config.json"), config)
		if _, err := migrate.Make(migrate.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
	if _, err := migrate.Make(migrate.Options{Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "there is no fps_config.json") {
		t.Errorf("without settings: %v", err)
	}
}

func TestForceReplaces(t *testing.T) {
	dir := project(t, "trust")
	run(t, migrate.Options{Dir: "."})
	if text := files(t, dir)["buf.yaml"]; !strings.Contains(text, "My own") {
		t.Errorf("buf.yaml was replaced:\n%s", text)
	}
	run(t, migrate.Options{Dir: ".", Force: true})
	if text := files(t, dir)["buf.yaml"]; strings.Contains(text, "My own") {
		t.Error("buf.yaml was not replaced")
	}
}
