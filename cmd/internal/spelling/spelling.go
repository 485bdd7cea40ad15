// Package spelling helps with names that were spelled wrong.
package spelling

import (
	"strconv"
	"strings"
)

// Suggest asks for the candidate that is nearest to name, or else says mend. A
// third of the letters may be wrong.
func Suggest(name string, candidates []string, mend string) string {
	nearest, best := "", 1+len(name)/3
	for _, candidate := range candidates {
		if d := distance(name, candidate, best); d < best {
			nearest, best = candidate, d
		}
	}
	if nearest == "" {
		return mend
	}
	return "did you mean " + strconv.Quote(nearest) + "?"
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
