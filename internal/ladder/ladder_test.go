// Package ladder_test holds the project to its import ladder: imports only point
// down. A new top-level folder fails until [ladder] says where it stands.
package ladder_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/protoway/protoway"
)

// A folder of ladder that stands for the sub-packages of another one, each of
// which is a unit of its own.
const each = "/*"

// ladder has the folders of the module from the top to the bottom. A package
// may import those on lower rungs and the rest of its own unit.
var ladder = [][]string{
	{"internal/*"}, // helpers of tests
	{"cmd/*"},
	{"cmd/internal"}, // what the commands share
	{"examples/*", "conformance", "gatewaytest", "bench"},
	{"clients/go", "config"},
	{"."}, // package protoway
	{"receivers", "receivers/*", "transport", "serverapi", "console", "metrics", "broadcast/*"},
	{"consumer"},
	{"broadcast", "auth"},
	{"wire"},
	{"status"},
	{"gen", "proto"}, // the schema, as code and as files
}

// onlyFrom are the folders that less may import than the ladder allows.
var onlyFrom = map[string][]string{
	"internal/*": {"internal/*"}, // and tests
	"clients/go": {"internal/*", "cmd/*", "examples/*", "conformance", "gatewaytest", "bench"},
}

// onlyTo are the folders that may import less than the ladder allows.
var onlyTo = map[string][]string{
	"clients/go": {"wire", "status", "gen"},
}

// also are imports that do not point down.
var also = map[string][]string{
	"receivers/*": {"receivers"}, // what is built in uses what users use
}

// place is where a package stands.
type place struct {
	folder    string // as the ladder has it
	unit      string // the folder with its * filled in
	rung      int
	generated bool // code that the plugin made from protos outside proto
	client    bool // of these, a typed client: a package that is named <pkg>way
}

// locate finds the place of a package, given by its path in the module.
func locate(path string) (place, error) {
	parts := strings.Split(path, "/")
	best := place{rung: -1}
	for rung, folders := range ladder {
		for _, folder := range folders {
			unit, deep := strings.CutSuffix(folder, each)
			if deep && (len(parts) < 2 || parts[0] != unit) || !deep && path != unit && !strings.HasPrefix(path, unit+"/") {
				continue
			}
			if deep {
				unit = parts[0] + "/" + parts[1]
			}
			if len(unit) > len(best.unit) || len(unit) == len(best.unit) && !deep {
				best = place{folder: folder, unit: unit, rung: rung}
			}
		}
	}
	if best.rung < 0 {
		return best, fmt.Errorf("package %s has no place in the ladder: add its folder to ladder in internal/ladder/ladder_test.go, "+
			"to .golangci.yml and to AGENTS.md", path)
	}
	below := strings.TrimPrefix(path, best.unit+"/")
	made := best.folder == "gen" || strings.HasPrefix(below, "gen/")
	best.generated = made && best.folder != "gen"
	best.client = made && strings.HasSuffix(path, "way")
	return best, nil
}

// check says why a package may not import another one outside of tests.
func check(importer, imported string) error {
	from, err := locate(importer)
	to, unplaced := locate(imported)
	if err := errors.Join(err, unplaced); err != nil {
		return err
	}
	if rule := refuse(from, to); rule != "" {
		return fmt.Errorf("%s imports %s: %s", importer, imported, rule)
	}
	return nil
}

// refuse returns the rule against an import, if there is one.
func refuse(from, to place) string {
	allowed, limited := onlyTo[from.folder]
	callers, reserved := onlyFrom[to.folder]
	switch {
	case from.client && to.folder == "clients/go" || from.unit == to.unit:
		return ""
	case from.generated:
		if to.folder == "gen" || to.folder == "clients/go" {
			return ""
		}
		return "generated code imports only gen and, for typed clients, clients/go"
	case slices.Contains(also[from.folder], to.folder):
		return ""
	case reserved && !slices.Contains(callers, from.folder):
		return fmt.Sprintf("%s is only for tests and %v", to.folder, callers)
	case limited && !slices.Contains(allowed, to.folder):
		return fmt.Sprintf("%s imports only %v", from.folder, allowed)
	case from.rung == to.rung:
		return fmt.Sprintf("%s and %s stand on the same rung of the ladder, and imports only point down", from.folder, to.folder)
	case from.rung > to.rung:
		return fmt.Sprintf("%s stands below %s on the ladder, and imports only point down", from.folder, to.folder)
	default:
		return ""
	}
}

func TestImportsPointDown(t *testing.T) {
	packages := list(t)
	if len(packages) < 10 {
		t.Fatalf("go list found only %d packages", len(packages))
	}
	for _, p := range packages {
		if _, err := locate(p.path()); err != nil {
			t.Error(err)
		}
		for _, imported := range p.Imports {
			if !ours(imported) {
				continue
			}
			if err := check(p.path(), inModule(imported)); err != nil {
				t.Error(err)
			}
		}
		// Tests may import what they like, but it has to have a place.
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			if _, err := locate(inModule(imported)); ours(imported) && err != nil {
				t.Errorf("a test of %s: %v", p.path(), err)
			}
		}
	}
}

// listed is a package as go list describes it.
type listed struct {
	ImportPath, Dir                    string
	GoFiles                            []string
	Imports, TestImports, XTestImports []string
}

func (p *listed) path() string { return inModule(p.ImportPath) }

func ours(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

func inModule(path string) string {
	if path == module {
		return "."
	}
	return strings.TrimPrefix(path, module+"/")
}

func list(t *testing.T) []*listed {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-e",
		"-json=ImportPath,Dir,GoFiles,Imports,TestImports,XTestImports", "./...")
	command.Dir = root
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var packages []*listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, &p)
	}
}
