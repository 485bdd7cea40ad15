package comment

import (
	"slices"
	"strings"

	"github.com/protoway/protoway/cmd/internal/spelling"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

// cursor reads the value of one line. Its place is what it reads next.
type cursor struct {
	text string // the whole line
	Place
}

// next goes to the next thing of the line and returns where it stands.
func (c *cursor) next() Place {
	for c.Byte < len(c.text) && strings.IndexByte(" \t\r\f\v", c.text[c.Byte]) >= 0 {
		c.Byte++
	}
	return c.Place
}

// done reports whether nothing but a remark is left.
func (c *cursor) done() bool {
	c.next()
	return c.Byte == len(c.text) || c.text[c.Byte] == '#'
}

// rest is what is left, without a remark.
func (c *cursor) rest() string {
	c.next()
	text, _, _ := strings.Cut(c.text[c.Byte:], "#")
	if text = strings.TrimSpace(text); text != "" {
		return text
	}
	return "the end of the line"
}

// take reads one given letter, if it is the next.
func (c *cursor) take(letter byte) bool {
	c.next()
	if c.Byte == len(c.text) || c.text[c.Byte] != letter {
		return false
	}
	c.Byte++
	return true
}

// span reads as long as the letters are among the given ones.
func (c *cursor) span(among func(byte) bool) string {
	start := c.next().Byte
	for c.Byte < len(c.text) && among(c.text[c.Byte]) {
		c.Byte++
	}
	return c.text[start:c.Byte]
}

func inWord(b byte) bool {
	return b == '_' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
}

// quoted reads a text in quotes of either kind. There is no way to have the
// same quote inside.
func (c *cursor) quoted() (string, []Mistake) {
	at := c.next()
	if c.done() || c.text[c.Byte] != '\'' && c.text[c.Byte] != '"' {
		return "", mistake(at, "the name is not in quotes", c.rest(), "put it in quotes, as in 'name'")
	}
	mark := c.text[c.Byte]
	text, _, ended := strings.Cut(c.text[c.Byte+1:], string(mark))
	if !ended {
		return "", mistake(at, "the quote does not end", c.text[c.Byte:], "end it with "+string(mark))
	}
	c.Byte += len(text) + 2
	return text, nil
}

// end finds what follows a value.
func (c *cursor) end() []Mistake {
	if c.done() {
		return nil
	}
	return mistake(c.Place, "the value is followed by something else", c.rest(),
		"leave it out, or put # in front of a remark")
}

// stop gives the line up: it is unclear where the next value begins. What is
// wrong is everything from the given place on.
func (c *cursor) stop(at Place, what, mend string) []Mistake {
	c.Place = at
	text := c.rest()
	c.Byte = len(c.text)
	return mistake(at, what, text, mend)
}

func mistake(at Place, what, text, mend string) []Mistake {
	return []Mistake{{Place: at, What: what, Text: text, Mend: mend}}
}

// name reads the value of type.
func (c *cursor) name() (string, []Mistake) {
	at := c.next()
	name, mistakes := c.quoted()
	switch {
	case mistakes != nil:
		return "", mistakes
	case name == "":
		return "", mistake(at, "the type is empty", "''", "name it, or leave the line out for the message name in kebab-case")
	default:
		return name, c.end()
	}
}

// origins are the values of origin.
var origins = map[string]protowayv1.Rules_Origin{
	"client": protowayv1.Rules_CLIENT,
	"server": protowayv1.Rules_SERVER,
	"both":   protowayv1.Rules_BOTH,
}

// origin reads the value of origin.
func (c *cursor) origin() (protowayv1.Rules_Origin, []Mistake) {
	at, text := c.next(), c.rest()
	if origin, known := origins[text]; known {
		return origin, nil
	}
	return 0, choice("origin", []string{"client", "server", "both"}, at, text)
}

// truth reads the value of auth.
func (c *cursor) truth() (bool, []Mistake) {
	at, text := c.next(), c.rest()
	if text == "true" || text == "false" {
		return text == "true", nil
	}
	return false, choice("auth", []string{"true", "false"}, at, text)
}

// choice says what is wrong with a text that is none of the values of a key. It
// may be all of them, copied from documentation: client/server.
func choice(key string, values []string, at Place, text string) []Mistake {
	last := len(values) - 1
	list := strings.Join(values[:last], ", ") + " or " + values[last]
	parts := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("/| ", r) })
	unknown := func(part string) bool { return !slices.Contains(values, part) }
	if len(parts) > 1 && !slices.ContainsFunc(parts, unknown) {
		return mistake(at, "the placeholder is not filled in", text, "state "+list)
	}
	what := "the " + key + " is not " + list
	if bare := strings.Trim(text, `'"`); slices.Contains(values, bare) {
		return mistake(at, what, text, "take the quotes off "+bare)
	}
	return mistake(at, what, text, spelling.Suggest(text, values, "state "+list))
}
