package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document reads a YAML file.
func (l *loader) document(data []byte) {
	root := l.parse(data)
	if root == nil {
		return
	}
	l.mapping(root, "the file", func(k, v *yaml.Node) { l.entry("", k, v) })
}

// parse returns the one document of a YAML text; nil if it is empty or broken.
func (l *loader) parse(data []byte) *yaml.Node {
	var document, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	err := decoder.Decode(&document)
	if err == nil {
		err = decoder.Decode(&second)
		if err == nil {
			l.problem(l.at(&second), "a second document begins here, and there may be one")
			return nil
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		at, text := l.syntax(err)
		at.Line = min(at.Line, 1+bytes.Count(bytes.TrimSpace(data), []byte("\n"))) // the end is no line of its own
		l.problem(at, "is not YAML: %s", text)
		return nil
	}
	if len(document.Content) == 0 || isNull(document.Content[0]) {
		return nil
	}
	return document.Content[0]
}

// Package yaml has no types for its errors, so their texts are taken apart. Those of
// its parser count lines from 0, those of its scanner from 1, and neither states the
// first one. Those of its reader know no line.
var (
	syntaxError = regexp.MustCompile(`(?s)^yaml: (?:line (\d+): )?(.*)$`)
	parserError = regexp.MustCompile(`^did not find expected (<|node content|'-' indicator|key|',' or)`)
	readerError = regexp.MustCompile(`UTF-|control characters`)
)

// syntax takes an error of package yaml apart.
func (l *loader) syntax(err error) (at Place, text string) {
	at, text = l.in.place, err.Error()
	if parts := syntaxError.FindStringSubmatch(text); parts != nil {
		at.Line, _ = strconv.Atoi(parts[1])
		text = parts[2]
	}
	switch {
	case strings.HasPrefix(text, "unknown anchor"): // the rest of it may be a secret
		text = "a value that begins with * needs quotes"
	case parserError.MatchString(text):
		at.Line++
	case !readerError.MatchString(text):
		at.Line = max(at.Line, 1)
	}
	return at, text
}

// at is the place of a node. Variables are read as YAML too.
func (l *loader) at(n *yaml.Node) Place {
	place := l.in.place
	place.Line, place.Column = n.Line, n.Column
	return place
}

// mapping hands over the entries of a mapping. An empty one is no mistake: it is
// what is left when all of a section is commented out.
func (l *loader) mapping(n *yaml.Node, what string, entry func(k, v *yaml.Node)) {
	n = target(n)
	if isNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		l.problem(l.at(n), "%s: expected keys with values here, each as \"key: value\"", what)
		return
	}
	first := make(map[string]int)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := target(n.Content[i]), n.Content[i+1]
		switch {
		case k.Kind != yaml.ScalarNode:
			l.problem(l.at(k), "%s: expected the name of a key", what)
		case first[k.Value] > 0:
			l.problem(l.at(k), "%q is given twice, first in line %d", k.Value, first[k.Value])
		default:
			first[k.Value] = k.Line
			entry(k, v)
		}
	}
}

// entry reads a key with its value, or a section. The node of the value may be an
// alias; nothing follows more of them than the sections are deep.
func (l *loader) entry(section string, k, v *yaml.Node) {
	full := k.Value
	if section != "" {
		full = section + "." + full
	}
	known, found := find(l.table, full)
	switch {
	case found:
		l.scalar(known, v)
	case full == pathsKey:
		l.paths(v)
	case isSection(l.table, full):
		l.mapping(v, full, func(k, v *yaml.Node) { l.entry(full, k, v) })
	default:
		l.problem(l.at(k), "there is no key %q; %s", full, suggestKey(full))
	}
}

func (l *loader) scalar(known key, n *yaml.Node) {
	at := l.at(n)
	if _, many := known.value(l.settings).(listValue); many && target(n).Kind == yaml.SequenceNode {
		l.texts(known, target(n))
		return
	}
	if text, ok := l.text(n, known.name); ok {
		l.assign(known, text, at)
	}
}

// text returns the text of a scalar.
func (l *loader) text(n *yaml.Node, what string) (text string, ok bool) {
	switch resolved := target(n); {
	case resolved.Kind != yaml.ScalarNode:
		l.problem(l.at(n), "%s: expected a single value", what)
	case resolved.Style&yaml.TaggedStyle != 0:
		l.problem(l.at(n), "%s: tags are not understood here; write the value only, in quotes if it begins with !", what)
	case isNull(resolved):
		l.problem(l.at(n), "%s: has no value; leave the key out for its default", what)
	default:
		return resolved.Value, true
	}
	return "", false
}

// paths reads the paths of the file, or those of the variable on top of them.
func (l *loader) paths(n *yaml.Node) {
	l.mapping(n, pathsKey, func(k, v *yaml.Node) {
		name := k.Value
		if err := checkPath(name); err != nil {
			l.problem(l.at(k), "%s: %s", pathsKey, err)
			return
		}
		full := pathsKey + "." + name
		l.settings.from[full] = source{l.in.layer, l.at(k)}
		p := l.settings.Paths[name]
		l.mapping(v, full, func(k, v *yaml.Node) { l.pathEntry(&p, full, k, v) })
		l.settings.Paths[name] = p
	})
}

func (l *loader) pathEntry(p *Path, of string, k, v *yaml.Node) {
	full := of + "." + k.Value
	var names []string
	for _, known := range pathKeys() {
		if k.Value == known.name {
			if list, ok := l.list(v, full, known); ok {
				known.set(p, list)
				l.settings.from[full] = source{l.in.layer, l.at(v)}
			}
			return
		}
		names = append(names, known.name)
	}
	l.problem(l.at(k), "there is no key %q; %s", full, suggest(k.Value, names, names))
}

func (l *loader) list(n *yaml.Node, what string, of pathKey) (list []string, ok bool) {
	resolved := target(n)
	if resolved.Kind != yaml.SequenceNode {
		l.problem(l.at(n), "%s: expected a list: [one, two]", what)
		return nil, false
	}
	if len(resolved.Content) == 0 && of.byDefault != "" {
		l.problem(l.at(n), "%s: the list is empty; leave the key out for its default", what)
		return nil, false
	}
	list, ok = []string{}, true
	for _, item := range resolved.Content {
		text, good := l.text(item, what)
		if good {
			if err := of.check(text); err != nil {
				l.problem(l.at(item), "%s: %s", what, err)
				good = false
			}
		}
		list, ok = append(list, text), ok && good
	}
	return list, ok
}

// target is what an alias stands for.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}
