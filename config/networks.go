package config

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/protoway/protoway/auth"
)

// networksValue is a list of addresses and networks: in a variable one text with
// commas, in a file that or a list.
type networksValue struct{ field *[]string }

func (v networksValue) text() string { return strings.Join(*v.field, ", ") }
func (v networksValue) plain() any   { return v.text() }
func (v networksValue) zero() bool   { return len(*v.field) == 0 }
func (v networksValue) set(text string) error {
	if text == "" {
		*v.field = nil
		return nil
	}
	networks := strings.Split(text, ",")
	for i := range networks {
		networks[i] = strings.TrimSpace(networks[i])
		if _, err := auth.ParseProxies(networks[i : i+1]); err != nil {
			return expected("addresses and networks such as 10.0.0.0/8, with commas between them", networks[i])
		}
	}
	*v.field = slices.Clip(networks)
	return nil
}

// networks reads a list of the file as the text that stands for it.
func (l *loader) networks(known key, list *yaml.Node) {
	var texts []string
	for _, item := range list.Content {
		text, ok := l.text(item, known.name)
		if !ok {
			return
		}
		texts = append(texts, text)
	}
	l.assign(known, strings.Join(texts, ","), l.at(list))
}
