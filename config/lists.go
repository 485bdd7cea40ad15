package config

import (
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/protoway/protoway/auth"
)

// listValue is a list of texts: in a variable one text with commas, in a file that
// or a list.
type listValue struct {
	field *[]string
	check func(item string) error
}

func (v listValue) text() string { return strings.Join(*v.field, ", ") }
func (v listValue) plain() any   { return v.text() }
func (v listValue) zero() bool   { return len(*v.field) == 0 }
func (v listValue) set(text string) error {
	if text == "" {
		*v.field = nil
		return nil
	}
	items := strings.Split(text, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
		if err := v.check(items[i]); err != nil {
			return err
		}
	}
	*v.field = slices.Clip(items)
	return nil
}

func checkNetwork(item string) error {
	if _, err := auth.ParseProxies([]string{item}); err != nil {
		return expected("addresses and networks such as 10.0.0.0/8, with commas between them", item)
	}
	return nil
}

func checkWord(item string) error {
	if item == "" || strings.ContainsFunc(item, unicode.IsSpace) {
		return expected("words without spaces", item)
	}
	return nil
}

func checkAmong(words ...string) func(string) error {
	return func(item string) error {
		if !slices.Contains(words, item) {
			return expected("some of "+strings.Join(words, ", "), item)
		}
		return nil
	}
}

// texts reads a list of the file as the text that stands for it.
func (l *loader) texts(known key, list *yaml.Node) {
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
