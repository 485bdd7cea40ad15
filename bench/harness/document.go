package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The markers between which a document has what was measured.
const (
	beginMarker = "<!-- measured: begin, written by make bench -->"
	endMarker   = "<!-- measured: end -->"
)

// writeDocument writes the tables into a document and the plots into a folder
// beside it, which has its name: docs/performance.md, docs/performance/*.svg.
func (f *file) writeDocument(name string) error {
	text, err := os.ReadFile(name) //nolint:gosec // whoever runs it says which
	if err != nil {
		return err
	}
	folder := strings.TrimSuffix(name, filepath.Ext(name))
	replaced, err := between(string(text), f.markdown(filepath.Base(folder)))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	for _, t := range tables() {
		drawn := ""
		if t.plot != "" {
			drawn = f.plot(t)
		}
		if drawn == "" {
			continue
		}
		if err := publish(filepath.Join(folder, t.plot), drawn); err != nil {
			return err
		}
	}
	return publish(name, replaced)
}

// publish writes a file that everybody may read.
func publish(name, text string) error {
	return os.WriteFile(name, []byte(text), 0o644) //nolint:gosec // documentation, where whoever runs it says
}

// between returns a text with something else between its markers.
func between(text, something string) (string, error) {
	head, rest, begun := strings.Cut(text, beginMarker)
	_, tail, ended := strings.Cut(rest, endMarker)
	if !begun || !ended {
		return "", fmt.Errorf("it has no place for what was measured: add the lines %q and %q", beginMarker, endMarker)
	}
	return head + beginMarker + "\n\n" + strings.TrimSpace(something) + "\n\n" + endMarker + tail, nil
}
