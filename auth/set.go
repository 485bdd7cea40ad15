package auth

import (
	"iter"
	"slices"
)

// Set is an unchangeable set of names: permissions or user groups. The zero
// value is empty. It is a sorted slice and not a map, because a connection holds
// one for its whole life and a slice takes less than half the memory.
type Set struct{ sorted []string }

// NewSet makes a set of names. Repeated names count once.
func NewSet(names ...string) Set { return Set{sorted: distinct(names)} }

// Has reports whether name is in s. It allocates nothing.
func (s Set) Has(name string) bool {
	_, found := slices.BinarySearch(s.sorted, name)
	return found
}

// Len returns how many names are in s.
func (s Set) Len() int { return len(s.sorted) }

// All yields the names in order.
func (s Set) All() iter.Seq[string] { return slices.Values(s.sorted) }

// Names returns the names in order, in a slice of the caller's own.
func (s Set) Names() []string { return slices.Clone(s.sorted) }

// Equal reports whether both sets hold the same names.
func (s Set) Equal(other Set) bool { return slices.Equal(s.sorted, other.sorted) }

// distinct returns names sorted and without repetition; nil if there are none.
func distinct(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}
