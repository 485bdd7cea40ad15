package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// suite is what the tests share.
var suite struct {
	root   string // of this module
	dir    string // temporary
	binary string // this program
}

func TestMain(m *testing.M) {
	if err := openSuite(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := os.RemoveAll(suite.dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func openSuite() error {
	var err error
	if suite.root, err = filepath.Abs("../.."); err != nil {
		return err
	}
	if suite.dir, err = os.MkdirTemp("", "protoway-"); err != nil {
		return err
	}
	suite.binary = filepath.Join(suite.dir, "protoway")
	if out, err := exec.Command("go", "build", "-o", suite.binary, ".").CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return nil
}

// ran is what a command line did.
type ran struct {
	code     int
	out, err string
}

// cli runs a command line inside of the test, in the current folder.
func cli(t *testing.T, args ...string) ran {
	t.Helper()
	var out, err bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	code := run(ctx, streams{strings.NewReader(""), &out, &err}, args)
	return ran{code, out.String(), err.String()}
}

// must runs a program in a folder and returns what it printed. It must end well.
func must(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = dir
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// exitCode is the exit code of a program that ended.
func exitCode(err error) int {
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		return -1
	}
	return 0
}

// setBuf names the pinned buf in BUF, and builds it if BUF names none.
func setBuf(t *testing.T) {
	t.Helper()
	name := os.Getenv("BUF")
	switch {
	case name == "":
		name = filepath.Join(suite.dir, "buf")
		must(t, suite.root, "go", "build", "-modfile=tools/go.mod", "-o", name, bufPackage)
	case !filepath.IsAbs(name):
		name = filepath.Join(suite.root, name)
	}
	t.Setenv("BUF", name)
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := writeFile(path, []byte(text)); err != nil {
		t.Fatal(err)
	}
}
