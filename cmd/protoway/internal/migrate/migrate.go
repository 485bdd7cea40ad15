// Package migrate takes over projects of Proto Socket Django.
//
//	plan, err := migrate.Make(migrate.Options{Dir: ".", Rewrite: true})
//
// The one idea: a plan is made in whole before a byte is written, so that a
// mistake in one file leaves all others as they are.
package migrate

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/protoway/protoway/cmd/internal/model"
)

// Options say what to do.
type Options struct {
	// Dir has the fps_config.json.
	Dir string
	// Module is the Go module of the project; empty for that of the go.mod around Dir.
	Module string
	// Rewrite turns annotations in comments into options.
	Rewrite bool
	// TrustAuth carries "auth = false" of comments over.
	TrustAuth bool
	// Force replaces buf.yaml and buf.gen.yaml.
	Force bool
}

// Plan is what is to be written, and what there is to say about it.
type Plan struct {
	Files  []File
	Report Report
	// NewModule is the Go module to make, since there is none around the folder.
	NewModule string
}

// File is a file to write.
type File struct{ Path, Text string }

// Report is what a migration found.
type Report struct {
	// Wrote are the files that change.
	Wrote []string `json:"wrote"`
	// Kept are files that differ from what would be written, and are not replaced.
	Kept []string `json:"kept"`
	// Rewritten are proto files with options instead of comments.
	Rewritten []Rewritten `json:"rewritten"`
	// LeftOff are comments whose auth = false was not carried over.
	LeftOff []Place `json:"auth_left_off"`
	// Notes are for people.
	Notes []string `json:"notes"`
	// Mistakes are why nothing is written.
	Mistakes []string `json:"mistakes"`
}

// Rewritten is a proto file and how many of its messages changed.
type Rewritten struct {
	File     string `json:"file"`
	Messages int    `json:"messages"`
}

// Place is a line about a message.
type Place struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Message string `json:"message"`
}

func (r *Report) note(at model.Position, message, text string) {
	r.Notes = append(r.Notes, fmt.Sprintf("%v: %s: %s", at, message, text))
}

// Make makes the plan of a migration. If the report has mistakes, it has no files.
func Make(options Options) (*Plan, error) {
	config, err := readConfig(options.Dir, options.Module)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Report: Report{Notes: config.notes}, NewModule: config.newModule}
	if err := plan.addSettings(options, config); err != nil {
		return nil, err
	}
	texts, err := config.schemas(options.Dir)
	if err != nil {
		return nil, err
	}
	if options.Rewrite {
		plan.addSchemas(options, texts)
	} else {
		plan.warn(options, texts)
	}
	plan.Report.fill()
	if len(plan.Report.Mistakes) > 0 {
		plan.Files, plan.Report.Wrote, plan.Report.Rewritten = nil, []string{}, []Rewritten{}
	}
	return plan, nil
}

// fill makes empty lists of those that are missing, as readers of JSON want them.
func (r *Report) fill() {
	for _, list := range []*[]string{&r.Wrote, &r.Kept, &r.Notes, &r.Mistakes} {
		if *list == nil {
			*list = []string{}
		}
	}
	if r.Rewritten == nil {
		r.Rewritten = []Rewritten{}
	}
	if r.LeftOff == nil {
		r.LeftOff = []Place{}
	}
}

// addSettings plans the files of buf and the vendored ones.
func (p *Plan) addSettings(options Options, config *config) error {
	for name, text := range map[string]string{"buf.yaml": config.workspace(), "buf.gen.yaml": config.template()} {
		if err := p.add(filepath.Join(options.Dir, name), text, options.Force); err != nil {
			return err
		}
	}
	vendored, err := config.vendored()
	if err != nil {
		return err
	}
	for name, text := range vendored {
		if err := p.add(filepath.Join(options.Dir, thirdParty, filepath.FromSlash(name)), string(text), true); err != nil {
			return err
		}
	}
	p.sort()
	return nil
}

// add plans a file, if it is not there as it is wanted.
func (p *Plan) add(path, text string, replace bool) error {
	old, err := read(path)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case err == nil && string(old) == text:
		return nil
	case err == nil && !replace:
		p.Report.Kept = append(p.Report.Kept, path)
		return nil
	}
	p.Files = append(p.Files, File{Path: path, Text: text})
	p.Report.Wrote = append(p.Report.Wrote, path)
	return nil
}

func (p *Plan) sort() {
	slices.SortFunc(p.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	slices.Sort(p.Report.Wrote)
	slices.Sort(p.Report.Kept)
}

// schemas are the proto files of the project, by their paths.
func (c *config) schemas(dir string) (map[string]string, error) {
	texts := make(map[string]string)
	for _, module := range c.modules {
		if err := readProtos(filepath.Join(dir, filepath.FromSlash(module)), texts); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// addSchemas plans the proto files with options.
func (p *Plan) addSchemas(options Options, texts map[string]string) {
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		changed := rewrite(path, texts[path], options, &p.Report)
		if changed != texts[path] {
			p.Files = append(p.Files, File{Path: path, Text: changed})
			p.Report.Wrote = append(p.Report.Wrote, path)
		}
	}
}

// warn tells what comments that stay as they are mean here: which messages they
// open, and what no code is generated for.
func (p *Plan) warn(options Options, texts map[string]string) {
	var found Report
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		rewrite(path, texts[path], options, &found)
	}
	p.Report.Notes = append(p.Report.Notes, found.Notes...)
	for _, place := range found.LeftOff {
		p.Report.Notes = append(p.Report.Notes, fmt.Sprintf(
			"%s:%d: %s: auth = false counts here, and never did in Proto Socket: take it out unless anybody may send it",
			place.File, place.Line, place.Message))
	}
	for _, mistake := range found.Mistakes {
		p.Report.Notes = append(p.Report.Notes, mistake+"; generate refuses it")
	}
}

// readProtos reads the proto files of a module, without those of others.
func readProtos(module string, texts map[string]string) error {
	files := os.DirFS(module)
	return fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == thirdParty || entry.Name() == "node_modules"):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".proto"):
			return nil
		}
		text, err := fs.ReadFile(files, path)
		texts[filepath.Join(module, filepath.FromSlash(path))] = string(text)
		return err
	})
}

// read reads a file of the project.
func read(path string) ([]byte, error) {
	return os.ReadFile(path) //nolint:gosec // the user says where the project is
}
