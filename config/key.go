package config

import (
	"slices"
	"strings"
)

// Prefix is how the names of variables begin.
const Prefix = "PROTOWAY_"

// FileVariable is the variable that names the file.
const FileVariable = Prefix + "CONFIG"

// Key is one key of the file, as documentation and completion need it.
type Key struct {
	// Name has a point between section and key: "limits.max_groups".
	Name string
	// Variable is the variable of the environment that wins over the file.
	Variable string
	// Default is the text of the default; empty if there is none.
	Default string
	// Doc says what it means.
	Doc string
}

// Keys returns all keys, in the order of the example file.
func Keys() []Key {
	var list []Key
	defaults := newSettings("").effective()
	for _, k := range keys() {
		made := Key{Name: k.name, Variable: variable(k.name), Doc: k.doc}
		if v := k.value(defaults); !v.zero() || !hidesZero(v) {
			made.Default = v.text()
		}
		list = append(list, made)
	}
	for _, k := range pathKeys() {
		list = append(list, Key{Name: pathsKey + ".<path>." + k.name, Variable: pathsVariable, Doc: k.doc, Default: k.byDefault})
	}
	return list
}

// hidesZero reports whether a zero value means that there is none.
func hidesZero(v value) bool {
	switch v.(type) {
	case textValue, secretValue, listValue, optionalValue:
		return true
	default:
		return false
	}
}

// key is one row of the table that is in keys.go.
type key struct {
	name  string
	doc   string
	value func(s *Settings) value
}

// variable derives the variable of a key from its name.
func variable(name string) string {
	return Prefix + strings.ToUpper(strings.ReplaceAll(name, ".", "_"))
}

// split returns the section of a key, which is empty for those at the top, and its
// last part.
func split(name string) (section, last string) {
	if at := strings.LastIndexByte(name, '.'); at >= 0 {
		return name[:at], name[at+1:]
	}
	return "", name
}

func find(table []key, name string) (key, bool) {
	at := slices.IndexFunc(table, func(k key) bool { return k.name == name })
	if at < 0 {
		return key{}, false
	}
	return table[at], true
}

// isSection reports whether keys are below name.
func isSection(table []key, name string) bool {
	return slices.ContainsFunc(table, func(k key) bool { return strings.HasPrefix(k.name, name+".") })
}
