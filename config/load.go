package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// maxBytes is the longest file that is read: a configuration has a few KiB.
const maxBytes = 1 << 20

// Load reads a file and the variables of an environment, as os.Environ returns it.
// An empty name means the file that the variable PROTOWAY_CONFIG names, or none.
// All that is wrong comes back at once, as [Problems].
func Load(file string, environ []string) (*Settings, error) {
	if file == "" {
		file = lookup(environ, FileVariable)
	}
	if file == "" {
		return Read("", strings.NewReader(""), environ)
	}
	return newLoader(file).open(environ)
}

// Check says what is wrong with a file by itself, as before a commit: variables do
// not count, and the files of secrets are not looked for, which another machine has.
func Check(file string) error {
	l := newLoader(file)
	l.alone = true
	_, err := l.open(nil)
	return err
}

// Read is [Load] for a file that is open; the name is for messages, and its folder
// is where relative names of secret files count from.
func Read(file string, in io.Reader, environ []string) (*Settings, error) {
	return newLoader(file).read(in, environ)
}

// loader collects settings and problems.
type loader struct {
	settings *Settings
	table    []key
	problems Problems
	in       source // what is being read
	alone    bool   // without the files of secrets
}

func newLoader(file string) *loader {
	return &loader{settings: newSettings(file), table: keys(), in: source{layerFile, Place{File: file}}}
}

func (l *loader) open(environ []string) (*Settings, error) {
	in, err := os.Open(l.in.place.File)
	if err != nil {
		text := unreadable(err)
		if errors.Is(err, os.ErrNotExist) {
			text += "; `protoway config --example` prints one to begin with"
		}
		return nil, Problems{{l.in.place, text}}
	}
	defer in.Close() //nolint:errcheck // it was only read
	return l.read(in, environ)
}

func (l *loader) read(in io.Reader, environ []string) (*Settings, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxBytes+1))
	switch {
	case err != nil:
		l.problem(l.in.place, "%s", unreadable(err))
	case len(data) > maxBytes:
		l.problem(l.in.place, "is larger than %d bytes, so it is not a configuration", maxBytes)
	default:
		l.document(data)
	}
	l.environment(environ)
	l.secrets()
	if len(l.problems) > 0 {
		slices.SortStableFunc(l.problems, order)
		return nil, l.problems
	}
	return l.settings, nil
}

func (l *loader) problem(at Place, format string, args ...any) {
	l.problems = append(l.problems, Problem{at, fmt.Sprintf(format, args...)})
}

// assign gives a key its value, and notes who stated it.
func (l *loader) assign(k key, text string, at Place) {
	if err := k.value(l.settings).set(text); err != nil {
		l.problem(at, "%s: %s", k.name, err)
		return
	}
	l.settings.from[k.name] = source{l.in.layer, at}
}

// unreadable says why a file cannot be read, without its name, which stands in
// front, or is a secret that somebody gave for the name of its file.
func unreadable(err error) string {
	if pathError := new(os.PathError); errors.As(err, &pathError) {
		err = pathError.Err
	}
	if errors.Is(err, os.ErrNotExist) {
		return "there is no such file"
	}
	return "cannot be read: " + err.Error()
}
