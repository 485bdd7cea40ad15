package golang

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"
)

const (
	contextPath = protogen.GoImportPath("context")
	errorsPath  = protogen.GoImportPath("errors")
	protoPath   = protogen.GoImportPath("google.golang.org/protobuf/proto")
	// clientPath is the package that the typed clients call.
	clientPath = protogen.GoImportPath("github.com/protoway/protoway/clients/go")
)

// reserved are the names that generated code uses where it also names imported
// packages: an import of the same name gets a number.
var reserved = []string{
	"any", "bool", "c", "caller", "client", "context", "ctx", "err", "error", "errors", "fn", "handle",
	"in", "nil", "ok", "opts", "out", "proto", "r", "receiver", "string", "true", "false",
}

// imports names the packages that one generated file uses. protogen would name
// a package after the last element of its path, which is mostly "v1"; here it
// has the name that it has.
type imports struct {
	self  protogen.GoImportPath
	names map[protogen.GoImportPath]string
}

func newImports(self protogen.GoImportPath) *imports {
	return &imports{self: self, names: make(map[protogen.GoImportPath]string)}
}

// addFixed imports a package under one of the reserved names.
func (i *imports) addFixed(importPath protogen.GoImportPath, name string) {
	i.names[importPath] = name
}

// add imports a package, under another name if its own is taken.
func (i *imports) add(importPath protogen.GoImportPath, name protogen.GoPackageName) {
	if importPath == i.self || i.names[importPath] != "" {
		return
	}
	unique := string(name)
	for n := 2; i.taken(unique); n++ {
		unique = string(name) + strconv.Itoa(n)
	}
	i.names[importPath] = unique
}

func (i *imports) taken(name string) bool {
	if slices.Contains(reserved, name) {
		return true
	}
	for _, other := range i.names {
		if other == name {
			return true
		}
	}
	return false
}

// ident spells a name of any imported package.
func (i *imports) ident(id protogen.GoIdent) string {
	if id.GoImportPath == i.self {
		return id.GoName
	}
	return i.names[id.GoImportPath] + "." + id.GoName
}

// print prints the import block: the standard library, then the rest. Nothing
// is printed if nothing is imported.
func (i *imports) print(out *protogen.GeneratedFile) {
	var groups [2][]string
	for importPath, name := range i.names {
		line := strconv.Quote(string(importPath))
		if path.Base(string(importPath)) != name {
			line = name + " " + line
		}
		group := 0
		if importPath != contextPath && importPath != errorsPath {
			group = 1
		}
		groups[group] = append(groups[group], line)
	}
	if len(i.names) == 0 {
		return
	}
	out.P("import (")
	for _, lines := range groups {
		slices.SortFunc(lines, byPath)
		for _, line := range lines {
			out.P(line)
		}
		out.P()
	}
	out.P(")")
	out.P()
}

// byPath orders import lines as gofmt does.
func byPath(a, b string) int {
	return strings.Compare(a[strings.IndexByte(a, '"'):], b[strings.IndexByte(b, '"'):])
}
