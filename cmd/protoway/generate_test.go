package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// program writes a program that prints a text.
func program(t *testing.T, path, prints string) {
	t.Helper()
	write(t, path, "#!/bin/sh\necho '"+prints+"'\n")
	if err := os.Chmod(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

// Which buf is used: the one that is stated, that of BUF, the cached one, that of
// PATH, in this order.
func TestFindBuf(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, bufTemplate, "version: v2\n")
	t.Setenv("PATH", filepath.Join(dir, "path")+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("BUF", "")
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	program(t, "path/buf", "1.0.0")
	used := func(args ...string) ran {
		t.Helper()
		did := cli(t, append([]string{"generate"}, args...)...)
		if did.code != exitOK {
			t.Errorf("%v: %+v", args, did)
		}
		return did
	}
	if did := used(); did.out != "1.0.0\n" || !strings.Contains(did.err, "is buf v1.0.0, and this tool is tested with "+bufVersion) {
		t.Errorf("with a buf in PATH: %+v", did)
	}
	program(t, "path/buf", strings.TrimPrefix(bufVersion, "v"))
	if did := used(); did.err != "" {
		t.Errorf("with the right buf in PATH: %+v", did)
	}
	cached, err := cachedBuf()
	if err != nil {
		t.Fatal(err)
	}
	program(t, cached, "cached")
	if did := used(); did.out != "cached\n" {
		t.Errorf("with a cached buf: %+v", did)
	}
	program(t, "variable", "variable")
	t.Setenv("BUF", "./variable")
	if did := used(); did.out != "variable\n" {
		t.Errorf("with BUF: %+v", did)
	}
	program(t, "stated", "stated")
	if did := used("--buf", "./stated"); did.out != "stated\n" {
		t.Errorf("with --buf: %+v", did)
	}
	if did := cli(t, "generate", "--buf", "./absent"); did.code != exitUsage || !strings.Contains(did.err, `--buf is "./absent", which cannot be run`) {
		t.Errorf("with a buf that is not there: %+v", did)
	}
}

// What cannot be installed is said, and leaves nothing half done.
func TestInstallBufFails(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, bufTemplate, "version: v2\n")
	t.Setenv("BUF", "")
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOMODCACHE", filepath.Join(dir, "modules"))
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	t.Setenv("GOCACHE", filepath.Join(dir, "gocache"))
	goOnly(t, filepath.Join(dir, "path"))
	did := cli(t, "generate")
	for _, want := range []string{"building buf " + bufVersion, "two minutes", "GOPROXY=off", "state one with --buf"} {
		if did.code != exitFailed || !strings.Contains(did.err, want) {
			t.Errorf("%+v, want %q", did, want)
		}
	}
	if left, err := os.ReadDir(filepath.Join(dir, "cache/protoway")); err != nil || len(left) > 0 {
		t.Errorf("%v are left: %v", left, err)
	}
}

// goOnly makes go the only program of PATH.
func goOnly(t *testing.T, folder string) {
	t.Helper()
	found, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(found, filepath.Join(folder, "go")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder)
}

// A stand-in for go "builds" a program that prints what was asked for.
func TestInstallBuf(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, bufTemplate, "version: v2\n")
	program(t, "path/go", "")
	write(t, "path/go", "#!/bin/sh\nprintf '#!/bin/sh\\necho %s\\n' $2 > $GOBIN/buf\nchmod +x $GOBIN/buf\n")
	t.Setenv("PATH", filepath.Join(dir, "path")+string(os.PathListSeparator)+"/bin")
	t.Setenv("BUF", "")
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	if did := cli(t, "generate"); did.code != exitOK || did.out != bufPackage+"@"+bufVersion+"\n" {
		t.Errorf("%+v", did)
	}
}

func TestOutputNeedsATemplate(t *testing.T) {
	t.Chdir(t.TempDir())
	program(t, "buf", "")
	for text, want := range map[string]string{"plugins: [": "cannot be read", "version: v2\n": "has no plugins"} {
		write(t, bufTemplate, text)
		if did := cli(t, "generate", "--buf", "./buf", "--output", "x"); did.code != exitFailed || !strings.Contains(did.err, want) {
			t.Errorf("%q: %+v, want %q", text, did, want)
		}
	}
}
