package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/protoway/protoway"
)

// maxOutput is how much of what a program printed is shown, in bytes from its end.
const maxOutput = 8 << 10

func newRoutes() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "routes [PACKAGE] [-- ARGUMENT...]",
		Short: "Show which messages a program handles, and who may send them",
		Long: `Builds the program of a Go package, by default the one in this folder, and runs it
with the variable ` + protoway.RoutesVariable + `: protoway.New then writes down how messages
are handled instead of making a server. It shows per path and type: the message and
its reply, who may send it, which receivers get it, its lane and its limits.
Messages that clients may send and nobody handles come first, marked with !.

What the program does before protoway.New it does here too, such as reading its
configuration or listening. What stands behind -- are its arguments.`,
		Example: `  protoway routes
  protoway routes ./cmd/server --json
  protoway routes ~/chat    # a folder of another module
  protoway routes ./examples/chat -- -addr 127.0.0.1:0`,
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if own := ownArgs(cmd, args); len(own) > 1 {
			return fmt.Errorf("%q is one argument too many: those of the program stand behind --", own[1])
		}
		return nil
	}
	limit := cmd.Flags().Duration("timeout", 15*time.Second, "how long the program may take")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		own := ownArgs(cmd, args)
		name := "."
		if len(own) > 0 {
			name = own[0]
		}
		found, err := askRoutes(cmd, name, args[len(own):], *limit)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd, map[string][]protoway.Route{"routes": found})
		}
		printRoutes(cmd, found)
		return nil
	}
	return cmd
}

// ownArgs are the arguments in front of --.
func ownArgs(cmd *cobra.Command, args []string) []string {
	if dash := cmd.ArgsLenAtDash(); dash >= 0 {
		return args[:dash]
	}
	return args
}

// askRoutes builds a program and has it write its routes.
func askRoutes(cmd *cobra.Command, name string, args []string, limit time.Duration) ([]protoway.Route, error) {
	folder, err := os.MkdirTemp("", "protoway-routes-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if folder, err = filepath.Abs(folder); err != nil {
		return nil, err
	}
	program, err := buildProgram(cmd, filepath.Join(folder, "program"), name)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "routes.json")
	said, ended := runForRoutes(cmd, limit, file, append([]string{program}, args...))
	return readRoutes(file, name, said, ended)
}

// buildProgram builds the one program of a package into a folder and returns its
// path.
func buildProgram(cmd *cobra.Command, folder, name string) (string, error) {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return "", err
	}
	within, pattern := buildPlace(name)
	build := exec.CommandContext(cmd.Context(), "go", "build", "-o", folder, pattern) //nolint:gosec // the user states it
	build.Dir = within
	out, err := build.CombinedOutput()
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		return "", fmt.Errorf("go does not run: %w; install Go", err)
	}
	if err != nil && !bytes.Contains(out, []byte("no main packages")) {
		return "", fmt.Errorf("%s does not build: mend it, or state the package of a program:\n%s", name, bytes.TrimSpace(out))
	}
	built, err := os.ReadDir(folder)
	if err != nil {
		return "", err
	}
	if len(built) != 1 {
		return "", fmt.Errorf("%s has %d programs: state one package with main, such as ./cmd/server", name, len(built))
	}
	return filepath.Join(folder, built[0].Name()), nil
}

// buildPlace returns where go builds a package, and how it is named there: this
// folder, or that of the package if it is of another module, which go would refuse.
func buildPlace(name string) (folder, pattern string) {
	own, err := filepath.Abs(".")
	if err != nil || !filepath.IsAbs(name) && !strings.HasPrefix(name, ".") {
		return "", name // a path of Go
	}
	stated, err := filepath.Abs(name)
	if found, missing := os.Stat(stated); err != nil || missing != nil || !found.IsDir() || moduleRoot(own) == moduleRoot(stated) {
		return "", name
	}
	return stated, "."
}

// moduleRoot is the nearest folder with a go.mod, from one up; empty if there is none.
func moduleRoot(folder string) string {
	for ; ; folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		if folder == filepath.Dir(folder) {
			return ""
		}
	}
}

// runForRoutes runs a program until it has ended, and returns what it printed.
func runForRoutes(cmd *cobra.Command, limit time.Duration, file string, line []string) (said []byte, ended error) {
	ctx, cancel := context.WithTimeoutCause(cmd.Context(), limit, fmt.Errorf("it has not ended within %s", limit))
	defer cancel()
	run := exec.CommandContext(ctx, line[0], line[1:]...) //nolint:gosec // it was built here
	run.Env = append(os.Environ(), protoway.RoutesVariable+"="+file)
	var out bytes.Buffer
	run.Stdout, run.Stderr = &out, &out
	run.WaitDelay = time.Second // for what it has started and that keeps its output open
	end := ownGroup(run)
	defer end()
	ended = run.Run()
	if ctx.Err() != nil {
		ended = context.Cause(ctx)
	}
	return out.Bytes(), ended
}

// readRoutes reads what a program wrote. How it ended does not matter then: many
// report protoway.ErrRoutesWritten as an error.
func readRoutes(file, name string, said []byte, ended error) ([]protoway.Route, error) {
	text, err := os.ReadFile(file) //nolint:gosec // in our own folder
	if err == nil {
		var found []protoway.Route
		if err := json.Unmarshal(text, &found); err != nil {
			return nil, fmt.Errorf("%s wrote routes that cannot be read: %w; is its gateway of another version?", name, err)
		}
		return found, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	how := "it ended"
	if ended != nil {
		how = ended.Error()
	}
	said = bytes.TrimSpace(said)
	if len(said) > maxOutput {
		said = append([]byte("…"), said[len(said)-maxOutput:]...)
	}
	if len(said) == 0 {
		said = []byte("(nothing)")
	}
	return nil, fmt.Errorf("%s did not write its routes: %s before protoway.New was through. It needs what it always needs to start: "+
		"state arguments behind --, and variables. It printed:\n%s", name, how, said)
}
