package config

import (
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Value is a setting and where it came from.
type Value struct {
	// Key has a point between section and key: "limits.max_groups".
	Key string `json:"key"`
	// Value is a bool, a number, a text or a list of texts. Durations and secrets
	// are texts; that of a secret is "(set)" or "(not set)".
	Value any `json:"value"`
	// From is "default", "protoway.yaml:3" or "env PROTOWAY_LIMITS_MAX_GROUPS".
	From string `json:"from"`
}

// Values returns all settings that are in effect, defaults included.
func (s *Settings) Values() []Value {
	var list []Value
	full := s.effective()
	for _, k := range keys() {
		list = append(list, Value{k.name, k.value(full).plain(), s.from[k.name].String()})
	}
	for _, name := range slices.Sorted(maps.Keys(s.Paths)) {
		for _, k := range pathKeys() {
			full := pathsKey + "." + name + "." + k.name
			list = append(list, Value{full, k.shown(s.Paths[name]), s.from[full].String()})
		}
	}
	return list
}

// shown is the list that is in effect, never nil.
func (k pathKey) shown(p Path) []string {
	if list := k.get(p); list != nil {
		return list
	}
	if k.byDefault == "" {
		return []string{}
	}
	return strings.Split(k.byDefault, ", ")
}

// Write writes all settings that are in effect as YAML, with secrets as "(set)" or
// "(not set)", and behind each where it came from.
func (s *Settings) Write(w io.Writer) error {
	root := mappingNode()
	full := s.effective()
	sections := map[string]*yaml.Node{"": root}
	for _, k := range keys() {
		section, last := split(k.name)
		if sections[section] == nil {
			sections[section] = mappingNode()
			put(root, section, sections[section])
		}
		put(sections[section], last, scalarNode(k.value(full), s.from[k.name]))
	}
	if len(s.Paths) > 0 {
		put(root, pathsKey, s.pathsNode())
	}
	encoder := yaml.NewEncoder(w)
	const indent = 2
	encoder.SetIndent(indent)
	if err := encoder.Encode(root); err != nil {
		return err
	}
	return encoder.Close()
}

func (s *Settings) pathsNode() *yaml.Node {
	paths := mappingNode()
	for _, name := range slices.Sorted(maps.Keys(s.Paths)) {
		node := mappingNode()
		for _, k := range pathKeys() {
			list := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle, LineComment: s.from[pathsKey+"."+name+"."+k.name].String()}
			for _, text := range k.shown(s.Paths[name]) {
				list.Content = append(list.Content, textNode(text))
			}
			put(node, k.name, list)
		}
		put(paths, name, node)
	}
	return paths
}

func mappingNode() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode} }

func put(mapping *yaml.Node, name string, n *yaml.Node) {
	mapping.Content = append(mapping.Content, textNode(name), n)
}

// textNode is a string: the encoder puts it in quotes where it would be read as
// anything else.
func textNode(text string) *yaml.Node {
	n := new(yaml.Node)
	n.SetString(text)
	return n
}

func scalarNode(v value, from source) *yaml.Node {
	n := textNode(v.text())
	switch v.plain().(type) {
	case bool:
		n.Tag = "!!bool"
	case int, int32:
		if !strings.HasSuffix(v.text(), "B") {
			n.Tag = "!!int"
		}
	}
	n.LineComment = from.String()
	return n
}
