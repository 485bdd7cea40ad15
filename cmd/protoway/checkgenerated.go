package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
)

// checkGenerated compares the generated code of a project with what would be
// generated now.
func checkGenerated(cmd *cobra.Command, buf, project string) ([]problem, error) {
	folder, err := os.MkdirTemp("", "protoway-check-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	template, outputs, err := elsewhere(filepath.Join(project, bufTemplate), folder)
	if err != nil {
		return nil, err
	}
	said, err := runBuf(cmd, buf, project, "generate", "--template", template)
	if err != nil {
		problems := pluginProblems(project, said)
		if len(problems) == 0 {
			return nil, fmt.Errorf("buf generate failed in %s: %w\n%s", project, err, said)
		}
		return problems, nil
	}
	var problems []problem
	for made, stated := range outputs {
		if !filepath.IsAbs(stated) {
			stated = filepath.Join(project, stated)
		}
		stale, err := compareFolders(made, stated)
		if err != nil {
			return nil, err
		}
		problems = append(problems, stale...)
	}
	return problems, nil
}

// elsewhere writes a copy of a template whose plugins write below folder, each
// output of the project to one of its own there. It returns the name of the copy,
// and by the new outputs the stated ones.
func elsewhere(template, folder string) (name string, outputs map[string]string, err error) {
	text, err := os.ReadFile(template) //nolint:gosec // of the project
	if err != nil {
		return "", nil, err
	}
	var document map[string]any
	if err := yaml.Unmarshal(text, &document); err != nil {
		return "", nil, fmt.Errorf("%s cannot be read: %w", template, err)
	}
	plugins, _ := document["plugins"].([]any)
	moved, outputs := make(map[string]string), make(map[string]string)
	for _, plugin := range plugins {
		fields, ok := plugin.(map[string]any)
		stated, isText := fields["out"].(string)
		if !ok || !isText {
			return "", nil, fmt.Errorf("%s has a plugin without out: state where its code goes", template)
		}
		stated = filepath.Clean(stated)
		if moved[stated] == "" {
			moved[stated] = filepath.Join(folder, strconv.Itoa(len(moved)))
			outputs[moved[stated]] = stated
		}
		fields["out"] = moved[stated]
	}
	changed, err := yaml.Marshal(document)
	if err != nil {
		return "", nil, err
	}
	name = filepath.Join(folder, bufTemplate)
	const ours = 0o600
	return name, outputs, os.WriteFile(name, changed, ours)
}

// compareFolders finds the files of made that are missing or other ones in stated.
func compareFolders(made, stated string) ([]problem, error) {
	var found []problem
	err := filepath.WalkDir(made, func(name string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && name == made {
			return nil // nothing is generated there
		}
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(made, name)
		if err != nil {
			return err
		}
		want, err := os.ReadFile(name) //nolint:gosec // in our own folder
		if err != nil {
			return err
		}
		file := filepath.Join(stated, relative)
		switch got, err := os.ReadFile(file); { //nolint:gosec // what was generated before
		case errors.Is(err, fs.ErrNotExist):
			found = append(found, problem{Kind: kindGenerated, File: file, Text: "is missing; run protoway generate and commit it"})
		case err != nil:
			return err
		case !bytes.Equal(got, want):
			line := 1 + bytes.Count(got[:shared(got, want)], []byte("\n"))
			found = append(found, problem{Kind: kindGenerated, File: file, Line: line, Text: "is stale from this line on; run protoway generate and commit it"})
		}
		return nil
	})
	return found, err
}

// shared counts the bytes that both begin with.
func shared(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// pluginProblem is a line of a plugin that has a place.
var pluginProblem = regexp.MustCompile(`(?m)^(\S+\.proto):(\d+):(\d+): ?(.*)$`)

func pluginProblems(project string, said []byte) []problem {
	modules := moduleFolders(project)
	var found []problem
	for _, match := range pluginProblem.FindAllStringSubmatch(string(said), -1) {
		line, _ := strconv.Atoi(match[2]) // digits
		column, _ := strconv.Atoi(match[3])
		found = append(found, problem{kindSchema, locate(modules, match[1]), line, column, match[4]})
	}
	return found
}
