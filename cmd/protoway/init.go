package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/cmd/protoway/internal/scaffold"
)

// ownModule is the module of this tool.
const ownModule = "github.com/protoway/protoway"

func newInit() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "init NAME",
		Short: "Make a new project that runs at once",
		Long: `Makes a folder NAME with a project that builds and runs: a schema and its
generated code, a receiver and its test, a server and a page that talks to it.

NAME is a lower-case letter and then lower-case letters and digits, 30 at most:
it becomes the name of a proto package, a Go type and a program.`,
		Example: `  protoway init chat
  protoway init chat --module github.com/you/chat
  protoway init chat --local ../protoway    # use a checkout instead of a release`,
		Args: exactly("NAME"),
	}
	module := cmd.Flags().String("module", "", "path of the Go module (default example.com/NAME)")
	local := cmd.Flags().String("local", "", "a checkout of Protoway to use instead of a release")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		project, err := newProject(args[0], *module, *local)
		if err != nil {
			return err
		}
		made, err := makeProject(cmd, project)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd, made)
		}
		say(cmd, nextSteps, project.Name, len(made.Files), project.Name)
		return nil
	}
	return cmd
}

const nextSteps = `Made %s with %d files. Next:

  cd %s
  make run     # then open http://localhost:8080 in two tabs
  make test

README.md there says how to add a message of your own.`

// madeProject is the result of the command.
type madeProject struct {
	Name   string   `json:"name"`
	Module string   `json:"module"`
	Files  []string `json:"files"` // below the folder of that name
}

var (
	goodName   = regexp.MustCompile(`^[a-z][a-z0-9]{0,29}$`)
	goodModule = regexp.MustCompile(`^[A-Za-z0-9_~-][A-Za-z0-9._~-]*(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$`)
	ownModfile = regexp.MustCompile(`(?m)^module ` + regexp.QuoteMeta(ownModule) + `\s*$`)
	goVersion  = regexp.MustCompile(`^go(1\.\d+(?:\.\d+)?)`)
)

// reserved are names whose folders or packages mean something else.
var reserved = []string{"protoway", "google", "internal", "vendor", "testdata"}

// newProject checks what the command line says.
func newProject(name, module, local string) (scaffold.Project, error) {
	project := scaffold.Project{
		Name: name, Module: module, Go: goRelease(),
		Version: moduleVersion(), Protobuf: dependencyVersion("google.golang.org/protobuf"),
	}
	if !goodName.MatchString(name) {
		return project, usagef("%q cannot be the name of a project: use a lower-case letter and then lower-case letters and digits, 30 at most", name)
	}
	if slices.Contains(reserved, name) {
		return project, usagef("%q cannot be the name of a project, since it means something else to Go or to proto files: use another one", name)
	}
	if module == "" {
		project.Module = "example.com/" + name
	} else if !goodModule.MatchString(module) {
		return project, usagef("%q cannot be the path of a Go module: use names with slashes between them, as in example.com/%s", module, name)
	}
	if local == "" {
		return project, nil
	}
	var err error
	project.Local, err = checkout(local)
	project.Version = localVersion
	return project, err
}

// localVersion is the version that a module requires of a checkout.
const localVersion = "v" + protoway.Version

// checkout is the absolute path of a checkout of Protoway, with slashes.
func checkout(local string) (string, error) {
	folder, err := filepath.Abs(local)
	if err != nil {
		return "", err
	}
	text, err := fs.ReadFile(os.DirFS(folder), "go.mod")
	if err != nil || !ownModfile.Match(text) {
		return "", usagef("--local %s is no checkout of Protoway: it has no go.mod of module %s", local, ownModule)
	}
	return filepath.ToSlash(folder), nil
}

// makeProject writes the files and completes the module.
func makeProject(cmd *cobra.Command, project scaffold.Project) (madeProject, error) {
	made := madeProject{Name: project.Name, Module: project.Module}
	if err := checkEmpty(project.Name); err != nil {
		return made, err
	}
	files, err := project.Files()
	if err != nil {
		return made, err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := writeFile(filepath.Join(project.Name, filepath.FromSlash(name)), files[name]); err != nil {
			return made, err
		}
		made.Files = append(made.Files, name)
	}
	if project.Local == "" {
		progress(cmd, "the project needs the Go module %s %s", ownModule, project.Version)
	}
	if err := tidy(cmd, project); err != nil {
		return made, err
	}
	made.Files = append(made.Files, "go.sum")
	slices.Sort(made.Files)
	return made, nil
}

// tidy completes go.mod and go.sum.
func tidy(cmd *cobra.Command, project scaffold.Project) error {
	progress(cmd, "completing go.mod and go.sum with go mod tidy")
	command := exec.CommandContext(cmd.Context(), "go", "mod", "tidy")
	command.Dir = project.Name
	out, err := command.CombinedOutput()
	if err == nil {
		return nil
	}
	text := firstLines(string(out))
	if text == "" {
		text = err.Error()
	}
	mend := "mend what it says and run it there again"
	if project.Local == "" {
		mend += ", or remove the folder and use a checkout with --local"
	}
	return fmt.Errorf("the files of %s are written, but go mod tidy failed there; %s:\n%s", project.Name, mend, text)
}

// firstLines is the begin of what a program said, which says most.
func firstLines(text string) string {
	const most = 5
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > most {
		lines = append(lines[:most], "...")
	}
	return strings.Join(lines, "\n")
}

// checkEmpty refuses a folder with something in it.
func checkEmpty(folder string) error {
	entries, err := os.ReadDir(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("%s is there and is no folder: choose another name or move it away", folder)
	case len(entries) > 0:
		return fmt.Errorf("the folder %s is not empty: choose another name or move what is in it away", folder)
	default:
		return nil
	}
}

// writeFile writes a file and the folders above it.
func writeFile(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // source code, for everybody to read
		return err
	}
	return os.WriteFile(name, text, 0o644) //nolint:gosec // source code, for everybody to read
}

// dependencyVersion is the version of a module that this program was built with.
func dependencyVersion(module string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dependency := range info.Deps {
			if dependency.Path == module {
				return dependency.Version
			}
		}
	}
	return "latest"
}

// goRelease is the version of Go that this program was built with, as go.mod has it.
func goRelease() string {
	if found := goVersion.FindStringSubmatch(runtime.Version()); found != nil {
		return found[1]
	}
	return "1.26"
}
