package config

import (
	"slices"
	"strconv"
	"strings"
)

// suggestKey names the key that was meant: one that is spelled nearly alike, or the
// same one of another section.
func suggestKey(name string) string {
	section, last := split(name)
	var names, members []string
	for _, k := range keys() {
		of, own := split(k.name)
		if fold(own) == fold(last) {
			return didYouMean(k.name)
		}
		names = append(names, k.name)
		if of == section {
			members = append(members, own)
		} else if section == "" && !slices.Contains(members, of) {
			members = append(members, of)
		}
	}
	if section == "" {
		members = append(members, pathsKey)
	}
	return suggest(name, append(names, members...), members)
}

// suggestVariable names the variable that was meant.
func suggestVariable(name string, names []string) string {
	if strings.HasPrefix(name, pathsVariable+"_") {
		return "all paths are in one: " + pathsVariable + `={"/ws": {"origins": ["example.com"]}}`
	}
	rest := make([]string, len(names))
	for i, candidate := range names {
		rest[i] = strings.TrimPrefix(candidate, Prefix)
		_, last, _ := strings.Cut(rest[i], "_")
		if own := strings.TrimPrefix(name, Prefix); fold(own) == fold(rest[i]) || own == last {
			return didYouMean(candidate)
		}
	}
	if found := nearest(strings.TrimPrefix(name, Prefix), rest); found != "" {
		return didYouMean(Prefix + found)
	}
	return "`protoway config --example` lists what may be configured"
}

// suggest names the nearest of some names, or else all of those that may be there.
func suggest(name string, names, all []string) string {
	if found := nearest(name, names); found != "" {
		return didYouMean(found)
	}
	return "there are " + strings.Join(all, ", ")
}

func didYouMean(name string) string { return "did you mean " + strconv.Quote(name) + "?" }

// fold makes maxGroups, max-groups and MAX_GROUPS one.
func fold(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

// nearest returns the candidate of which at most a third of the letters differ.
func nearest(name string, candidates []string) string {
	found, best := "", 1+len(name)/3
	for _, candidate := range candidates {
		if d := distance(fold(name), fold(candidate)); d < best {
			found, best = candidate, d
		}
	}
	return found
}

// distance counts the letters to change, add or drop between a and b.
func distance(a, b string) int {
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
