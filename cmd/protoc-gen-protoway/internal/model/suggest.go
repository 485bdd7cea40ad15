package model

import (
	"slices"
	"strings"
)

// suggest asks for the candidate that is nearest to name, or else says mend. A
// third of the letters may be wrong.
func suggest(name string, candidates []string, mend string) string {
	nearest, best := "", 1+len(name)/3
	for _, candidate := range candidates {
		if d := distance(name, candidate, best); d < best {
			nearest, best = candidate, d
		}
	}
	if nearest == "" {
		return mend
	}
	return "did you mean " + quote(nearest) + "?"
}

func (s *Schema) suggestReply(message *Message, name string) string {
	own := string(message.File.Desc.Package()) + "."
	var candidates []string
	for _, each := range s.all() {
		full := string(each.Desc.FullName())
		candidates = append(candidates, full, strings.TrimPrefix(full, own))
	}
	return suggest(name, slices.Compact(candidates),
		"name an annotated message as in a field declaration, and import its file")
}

// distance counts the letters to change, add or drop between a and b, without
// looking at their case, and gives up at limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	a, b = strings.ToLower(a), strings.ToLower(b)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
