package model

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake in the annotations.
type Problem struct {
	Position
	// What is wrong, the text that is wrong, and what to do about it.
	What, Text, Mend string
}

// Error spells the problem as file:line:column: what is wrong: text; the mend.
func (p Problem) Error() string {
	return fmt.Sprintf("%v: %s: %s; %s", p.Position, p.What, p.Text, p.Mend)
}

// Problems are all mistakes of one run.
type Problems []Problem

// Add appends a problem.
func (p *Problems) Add(at Position, what, text, mend string) {
	*p = append(*p, Problem{Position: at, What: what, Text: text, Mend: mend})
}

// Err returns the problems as one error, sorted by place, one a line; nil if
// there are none.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	sorted := slices.Clone(p)
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		return cmp.Or(
			strings.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
		)
	})
	return sorted
}

// Error lists the problems, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}
