package config

import (
	"errors"
	"path"
	"strings"

	"github.com/protoway/protoway/broadcast"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

const pathsKey = "paths"

// pathsVariable has all paths, as YAML or JSON: the names of paths have signs that
// those of variables cannot have.
const pathsVariable = Prefix + "PATHS"

// pathKey is a key of a path; its value is a list.
type pathKey struct {
	name      string
	doc       string
	byDefault string
	check     func(text string) error
	set       func(p *Path, list []string)
	get       func(p Path) []string
}

func pathKeys() []pathKey {
	return []pathKey{
		{
			"groups", "The groups that every connection of the path joins.", "", checkGroup,
			func(p *Path, list []string) { p.Groups = list },
			func(p Path) []string { return p.Groups },
		},
		{
			"origins", "The hosts whose pages may connect besides the server's own, as patterns: example.com, *.example.com.", "", checkOrigin,
			func(p *Path, list []string) { p.Origins = list },
			func(p Path) []string { return p.Origins },
		},
		{
			"dialects", "What clients may speak: " + strings.Join(dialectNames(), ", ") + ".", "protobuf, json, proto-socket", checkDialect,
			func(p *Path, list []string) { p.Dialects = dialectsOf(list) },
			func(p Path) []string { return namesOf(p.Dialects) },
		},
	}
}

// dialect is a dialect by the name that it has here.
type dialect struct {
	name    string
	dialect wire.Dialect
}

func dialects() []dialect {
	return []dialect{{"protobuf", wire.Protobuf}, {"json", wire.JSON}, {"proto-socket", wire.ProtoSocket}}
}

func dialectNames() []string {
	var names []string
	for _, d := range dialects() {
		names = append(names, d.name)
	}
	return names
}

func dialectsOf(names []string) []wire.Dialect {
	list := make([]wire.Dialect, 0, len(names))
	for _, name := range names {
		for _, d := range dialects() {
			if d.name == name {
				list = append(list, d.dialect)
			}
		}
	}
	return list
}

func namesOf(list []wire.Dialect) []string {
	var names []string
	for _, stated := range list {
		for _, d := range dialects() {
			if d.dialect == stated {
				names = append(names, d.name)
			}
		}
	}
	return names
}

func checkDialect(text string) error {
	if len(dialectsOf([]string{text})) == 0 {
		return expected("one of "+strings.Join(dialectNames(), ", "), text)
	}
	return nil
}

func checkGroup(text string) error {
	if err := broadcast.CheckGroup(text); err != nil {
		return errors.New(status.From(err).Text)
	}
	return nil
}

func checkOrigin(text string) error {
	if _, err := path.Match(text, ""); err != nil || text == "" || strings.ContainsAny(text, " \t\r\n,") {
		return expected("a host, or a pattern of hosts such as *.example.com", text)
	}
	return nil
}

func checkPath(name string) error {
	if !strings.HasPrefix(name, "/") || strings.ContainsAny(name, "{} \t\n") {
		return expected("a path that starts with / and has no braces and spaces, such as /ws", name)
	}
	return nil
}
