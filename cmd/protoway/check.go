package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/protoway/protoway/config"
)

func newCheck() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [PROJECT...]",
		Short: "Find what is wrong with a project before it is committed",
		Long: `Checks projects, each a folder with a buf.gen.yaml; without an argument, this
folder or the nearest one above it that has one:

  - the proto files compile, and what they say to Protoway is valid
  - the generated code is what would be generated now
  - the configuration file, ` + configFile + ` if it is there, is right by itself:
    variables do not count, and the files of secrets are not looked for

Every problem is a line with its place; exit code 1 if there are any. Nothing in
the project is changed.`,
		Example: `  protoway check
  protoway check services/chat services/mail --json
  protoway check --config deploy/protoway.yaml`,
	}
	binary := cmd.Flags().String("buf", "", "the buf to use")
	file := cmd.Flags().String("config", "", "the configuration file (default "+configFile+" of the project)")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		projects, err := projectsOf(args)
		if err != nil {
			return err
		}
		buf, err := findBuf(cmd, *binary)
		if err != nil {
			return err
		}
		problems := []problem{}
		for _, project := range projects {
			found, err := checkProject(cmd, buf, project)
			if err != nil {
				return err
			}
			problems = append(problems, found...)
		}
		problems = append(problems, checkConfigs(projects, *file)...)
		return sayChecked(cmd, problems, *asJSON)
	}
	return cmd
}

// problem is one thing that is wrong with a project. Lines and columns count from
// 1; 0 is unknown.
type problem struct {
	Kind   string `json:"kind"` // schema, generated or configuration
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Text   string `json:"text"`
}

// Kinds of problems.
const (
	kindSchema        = "schema"
	kindGenerated     = "generated"
	kindConfiguration = "configuration"
)

func (p problem) String() string {
	at := config.Place{File: p.File, Line: p.Line, Column: p.Column}
	return at.String() + ": " + p.Text
}

// projectsOf returns the folders that the command line names, or the nearest one.
func projectsOf(args []string) ([]string, error) {
	if len(args) == 0 {
		found, err := findProject()
		return []string{nearer(found)}, err
	}
	for _, folder := range args {
		if _, err := os.Stat(filepath.Join(folder, bufTemplate)); err != nil {
			return nil, usagef("%s is no project: it has no %s", folder, bufTemplate)
		}
	}
	return args, nil
}

// nearer names a folder from here, if that can be done.
func nearer(folder string) string {
	here, err := os.Getwd()
	if err != nil {
		return folder
	}
	if relative, err := filepath.Rel(here, folder); err == nil {
		return relative
	}
	return folder
}

// checkProject checks the schema, and if that is right the generated code.
func checkProject(cmd *cobra.Command, buf, project string) ([]problem, error) {
	set, problems, err := buildSchema(cmd, buf, project)
	if err != nil || len(problems) > 0 {
		return sorted(problems), err
	}
	problems, err = checkSchema(project, set)
	if err != nil || len(problems) > 0 {
		return sorted(problems), err
	}
	problems, err = checkGenerated(cmd, buf, project)
	return sorted(problems), err
}

func sorted(problems []problem) []problem {
	slices.SortStableFunc(problems, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return problems
}

// checkConfigs checks the file that is stated, or those of the projects.
func checkConfigs(projects []string, stated string) []problem {
	var files []string
	if stated != "" {
		files = []string{stated}
	} else {
		for _, project := range projects {
			file := filepath.Join(project, configFile)
			if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
				files = append(files, file)
			}
		}
	}
	var found []problem
	for _, file := range files {
		var problems config.Problems
		if err := config.Check(file); errors.As(err, &problems) {
			for _, p := range problems {
				found = append(found, problem{kindConfiguration, p.File, p.Line, p.Column, p.Text})
			}
		}
	}
	return found
}

// sayChecked prints the result.
func sayChecked(cmd *cobra.Command, problems []problem, asJSON bool) error {
	var failed error
	if len(problems) > 0 {
		failed = errSaid
	}
	if asJSON {
		return errors.Join(failed, printJSON(cmd, map[string][]problem{"problems": problems}))
	}
	if len(problems) == 0 {
		say(cmd, "Nothing is wrong.")
		return nil
	}
	for _, p := range problems {
		say(cmd, "%s", p)
	}
	return errors.Join(failed, countProblems(cmd, len(problems)))
}

func countProblems(cmd *cobra.Command, count int) error {
	noun := "problems"
	if count == 1 {
		noun = "problem"
	}
	_, err := fmt.Fprintf(cmd.ErrOrStderr(), "%d %s\n", count, noun)
	return err
}
