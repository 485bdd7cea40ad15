package config

import (
	"cmp"
	"fmt"
	"strings"
)

// Place is where a setting was stated: in a file, or in a variable. Line and Column
// count from 1; 0 is unknown.
type Place struct {
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Variable string `json:"variable,omitempty"`
}

// String is the place as compilers write it: "protoway.yaml:3:5".
func (p Place) String() string {
	text := cmp.Or(p.Variable, p.File)
	if p.Line > 0 {
		text += fmt.Sprintf(":%d", p.Line)
		if p.Column > 0 {
			text += fmt.Sprintf(":%d", p.Column)
		}
	}
	return text
}

// Problem is one thing that is wrong. Its text never has a secret in it.
type Problem struct {
	Place
	// Text says what is wrong, and what to do.
	Text string `json:"text"`
}

// Error is "place: text".
func (p Problem) Error() string { return p.Place.String() + ": " + p.Text }

// Problems are all the things that are wrong, in the order of the file; those of
// variables come last. It is the type of the errors of [Load].
type Problems []Problem

// Error has one problem per line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems one by one.
func (p Problems) Unwrap() []error {
	errs := make([]error, len(p))
	for i, problem := range p {
		errs[i] = problem
	}
	return errs
}

// order puts the problem of a file before those of variables.
func order(a, b Problem) int {
	return cmp.Or(strings.Compare(a.Variable, b.Variable), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

// layer says who wins.
type layer int

const (
	layerDefault layer = iota
	layerFile
	layerEnvironment
)

// source is who stated a key.
type source struct {
	layer layer
	place Place
}

// String says it in the output: "default", "protoway.yaml:3", "env PROTOWAY_LISTEN".
func (s source) String() string {
	switch s.layer {
	case layerEnvironment:
		return "env " + s.place.Variable
	case layerFile:
		return Place{File: s.place.File, Line: s.place.Line}.String()
	default:
		return "default"
	}
}
