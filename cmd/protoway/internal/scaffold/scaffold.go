// Package scaffold makes the files of a new project.
//
//	files, err := scaffold.Project{Name: "chat", Module: "example.com/chat"}.Files()
//
// The one idea: a new project is complete. Its generated code is what buf would
// make, byte by byte, but nobody has to wait for buf to be built first.
package scaffold

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"strings"
	"text/template"

	"github.com/protoway/protoway/examples/chat/room"
	"github.com/protoway/protoway/proto"
)

//go:embed project
var templates embed.FS

// Project is what distinguishes one new project from another.
type Project struct {
	// Name is the name of the project, its proto package and its program.
	Name string
	// Module is the path of its Go module.
	Module string
	// Go, Version and Protobuf are the versions of Go, Protoway and protobuf that it
	// requires.
	Go, Version, Protobuf string
	// Local is a checkout of Protoway to use instead of Version; none if empty.
	Local string
}

// Type is the name of the receiver.
func (p Project) Type() string { return strings.ToUpper(p.Name[:1]) + p.Name[1:] }

// schemaFile is the path of the schema, as imports name it.
func (p Project) schemaFile() string { return path.Join(p.Name, "v1", p.Name+".proto") }

// renamed are the files whose place is not that of their template.
func (p Project) renamed() map[string]string {
	return map[string]string{
		"gitignore":    ".gitignore",
		"schema.proto": path.Join("proto", p.schemaFile()),
	}
}

// Files are the files of the project, by their paths with slashes. Only go.sum is
// left for "go mod tidy" to write.
func (p Project) Files() (map[string][]byte, error) {
	files, err := p.fill()
	if err != nil {
		return nil, err
	}
	vendored, err := Annotations()
	if err != nil {
		return nil, err
	}
	for name, text := range vendored {
		files[path.Join("third_party", name)] = text
	}
	client, err := fs.ReadFile(room.Pages(), "gateway.js")
	if err != nil {
		return nil, err
	}
	files["web/gateway.js"] = client
	generated, err := p.generate()
	if err != nil {
		return nil, fmt.Errorf("generate the code of a new project: %w", err)
	}
	maps.Copy(files, generated)
	return files, nil
}

// fill fills the templates in.
func (p Project) fill() (map[string][]byte, error) {
	parsed, err := template.ParseFS(templates, "project/*.tmpl", "project/web/*.tmpl")
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	renamed := p.renamed()
	err = fs.WalkDir(templates, "project", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		to, ok := strings.CutSuffix(strings.TrimPrefix(name, "project/"), ".tmpl")
		if !ok {
			return nil
		}
		if other := renamed[to]; other != "" {
			to = other
		}
		var text bytes.Buffer
		err = parsed.ExecuteTemplate(&text, path.Base(name), p)
		files[to] = text.Bytes()
		return err
	})
	return files, err
}

// Annotations are the proto files that a schema with options imports, by the
// paths that imports name.
func Annotations() (map[string][]byte, error) {
	return Exported("protoway/v1/annotations.proto")
}

// Exported are proto files of Protoway and what they import of it.
func Exported(names ...string) (map[string][]byte, error) {
	files := make(map[string][]byte)
	for len(names) > 0 {
		name := names[0]
		names = names[1:]
		if files[name] != nil {
			continue
		}
		text, err := proto.Files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files[name] = text
		for _, found := range ownImport.FindAllSubmatch(text, -1) {
			names = append(names, string(found[1]))
		}
	}
	return files, nil
}
