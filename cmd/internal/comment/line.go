package comment

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/protoway/protoway/cmd/internal/spelling"
)

// keys are all that a comment can state.
var keys = []string{"type", "origin", "auth", "client cache", "client cache_keys"}

// optionKeys are the rules that only the option can state.
var optionKeys = []string{
	"permissions", "allow_groups", "deny_groups", "reply", "max_bytes", "rate_limit", "timeout", "lane",
	"identity", "dedupe", "slow_consumer", "client_cache", "receive_auth", "receive_permissions",
	"receive_allow_groups", "receive_deny_groups",
}

// statement is the begin of a line that looks like an annotation: words, and =
// or what is taken for it. There are up to three words, so that "client cache
// keys" is found wrong.
var statement = regexp.MustCompile(`^([A-Za-z_]\w*(?:[ \t]+[A-Za-z_]\w*){0,2})[ \t]*(=[=~>]?|:)`)

// line is one line of a comment.
type line struct {
	// text is the line as it stands; doc is what of it is documentation.
	text, doc string
	// key is set on lines that look like an annotation.
	key string
	// separator is what follows the key: = or, behind a known key only, another.
	separator string
	// place and value are where the key and what follows the separator stand.
	place, value Place
}

func known(key string) bool { return slices.Contains(keys, key) }

// split takes the lines of a comment apart.
func split(text string) []line {
	var lines []line
	for i, each := range strings.Split(text, "\n") {
		each = strings.TrimRight(each, " \t\r\f\v")
		lines = append(lines, newLine(i, each))
	}
	return lines
}

func newLine(number int, text string) line {
	made := line{text: text, doc: withoutMarks(number, text)}
	// Compilers leave the second star of "/**" and the third slash of "///".
	body := strings.TrimLeft(text, " \t\r\f\v*/")
	start := len(text) - len(body)
	found := statement.FindStringSubmatchIndex(body)
	if found == nil {
		return made
	}
	key := strings.Join(strings.Fields(body[:found[3]]), " ")
	separator := body[found[4]:found[5]]
	if separator != "=" && !known(key) {
		return made // such as "Note: prose"
	}
	made.key, made.separator = key, separator
	made.place, made.value = Place{number, start}, Place{number, start + found[5]}
	return made
}

// withoutMarks takes off what is left of comment marks: the second star of
// "/**" in the first line and the third slash of "///".
func withoutMarks(number int, text string) string {
	if number == 0 {
		text = strings.TrimLeft(text, "*")
	}
	if rest, ok := strings.CutPrefix(text, "/"); ok && (rest == "" || rest[0] == ' ') {
		text = rest
	}
	return strings.TrimPrefix(text, " ")
}

// doc is the documentation in a comment: the lines without the annotations and
// the empty line that would be doubled where one was.
func doc(lines []line, annotated bool) string {
	var kept []string
	cut := false
	for _, line := range lines {
		switch {
		case annotated && line.key != "":
			cut = true
			continue
		case cut && line.doc == "" && len(kept) > 0 && kept[len(kept)-1] == "":
			continue
		}
		kept = append(kept, line.doc)
		cut = cut && line.doc == ""
	}
	return strings.Trim(strings.Join(kept, "\n"), "\n")
}

// mendKey says what to do about a key that is not known.
func mendKey(key string) string {
	for _, each := range optionKeys {
		if key == each && each != "client_cache" {
			return "only option (protoway.v1.message) can state it"
		}
	}
	return spelling.Suggest(key, keys, "state "+strings.Join(keys[:len(keys)-1], ", ")+" or "+keys[len(keys)-1]+
		"; in documentation beside them, do not begin a line with words and =")
}

func quote(text string) string { return strconv.Quote(text) }
