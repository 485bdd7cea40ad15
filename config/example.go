package config

import (
	"fmt"
	"io"
	"strings"
)

// Example returns a file with every key, its meaning and its default, commented
// out, for people to edit.
func Example() string {
	var b strings.Builder
	b.WriteString("# The configuration of a Protoway server. Remove the # in front of a key to change it.\n" +
		"# Variables win over this file: limits.max_groups is " + variable("limits.max_groups") + ".\n")
	section := ""
	for _, k := range Keys() {
		of, last := split(k.Name)
		if strings.HasPrefix(k.Name, pathsKey+".") {
			break
		}
		b.WriteString("\n")
		indent := ""
		if of != "" {
			indent = "  "
			if of != section {
				b.WriteString(of + ":\n")
			}
		}
		section = of
		writeExample(&b, indent, k.Doc, last+": "+exampleOf(k))
	}
	b.WriteString("\n" + pathsKey + ":\n  #/ws:\n")
	for _, k := range pathKeys() {
		writeExample(&b, "    ", k.doc, k.name+": ["+examplesOfLists()[k.name]+"]")
	}
	return b.String()
}

func examplesOfLists() map[string]string {
	return map[string]string{"groups": "lobby", "origins": `example.com, "*.example.com"`, "dialects": strings.Join(dialectNames(), ", ")}
}

// exampleOf is the value that stands behind a key: its default, or else one that
// shows the form. None is a secret.
func exampleOf(k Key) string {
	switch {
	case k.Default != "":
		return scalarText(k.Default)
	case strings.HasSuffix(k.Name, fileSuffix):
		return "/run/secrets/" + strings.NewReplacer(".", "-", "_", "-").Replace(strings.TrimSuffix(k.Name, fileSuffix))
	case k.Name == "trusted_proxies":
		return "[10.0.0.0/8]"
	case k.Name == "auth.algorithms":
		return "[RS256]"
	case k.Name == "auth.jwks_url":
		return "https://issuer.example/.well-known/jwks.json"
	default:
		return `"..."`
	}
}

// scalarText puts quotes where YAML needs them.
func scalarText(text string) string {
	if strings.HasPrefix(text, ":") {
		return `"` + text + `"`
	}
	return text
}

// writeExample writes lines of a comment and the key below.
func writeExample(w io.Writer, indent, doc, line string) {
	const width = 90
	row := indent + "#"
	for word := range strings.FieldsSeq(doc) {
		if len(row)+1+len(word) > width {
			fmt.Fprintln(w, row)
			row = indent + "#"
		}
		row += " " + word
	}
	fmt.Fprintf(w, "%s\n%s#%s\n", row, indent, line)
}
