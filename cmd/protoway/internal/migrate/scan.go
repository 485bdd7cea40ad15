package migrate

import (
	"slices"
	"strings"

	"github.com/protoway/protoway/cmd/internal/model"
)

// item is a word, a sign, a text in quotes or a comment of a proto file.
type item struct {
	start, end int
	text       string
	comment    bool
	index      int // among the items
}

// source is a proto file in pieces.
type source struct {
	name  string
	text  string
	items []item
	lines []int // where each line begins
}

// scan takes a file apart. It knows as much of the language as is needed to
// find messages: comments, texts in quotes and words.
func scan(name, text string) (*source, error) {
	s := &source{name: name, text: text, lines: []int{0}}
	for i := range len(text) {
		if text[i] == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	for at := 0; at < len(text); {
		switch end := s.ends(at); {
		case end < 0:
			return nil, model.Problem{
				Position: s.position(at), What: "the comment or the text in quotes does not end",
				Text: s.line(at), Mend: "end it",
			}
		case end == at:
			at++
		default:
			piece := text[at:end]
			comment := strings.HasPrefix(piece, "//") || strings.HasPrefix(piece, "/*")
			s.items = append(s.items, item{start: at, end: end, text: piece, comment: comment, index: len(s.items)})
			at = end
		}
	}
	return s, nil
}

// ends finds the end of what begins at an offset: at itself for blanks, and less
// than 0 if there is none.
func (s *source) ends(at int) int {
	rest := s.text[at:]
	switch c := rest[0]; {
	case strings.HasPrefix(rest, "//"):
		return at + len(strings.TrimSuffix(untilLineEnd(rest), "\r"))
	case strings.HasPrefix(rest, "/*"):
		if end := strings.Index(rest[2:], "*/"); end >= 0 {
			return at + 2 + end + 2
		}
		return -1
	case c == '"' || c == '\'':
		for i := 1; i < len(rest) && rest[i] != '\n'; i++ {
			switch rest[i] {
			case '\\':
				i++
			case c:
				return at + i + 1
			}
		}
		return -1
	case inWord(c):
		end := 1
		for end < len(rest) && inWord(rest[end]) {
			end++
		}
		return at + end
	case strings.IndexByte(" \t\r\n\f\v", c) >= 0:
		return at
	default:
		return at + 1
	}
}

func inWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

func untilLineEnd(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// position is the place of an offset.
func (s *source) position(at int) model.Position {
	return model.Position{File: s.name, Line: s.lineOf(at), Column: at - s.lineStart(at) + 1}
}

// lineOf is the number of the line of an offset, from 1.
func (s *source) lineOf(at int) int {
	line, found := slices.BinarySearch(s.lines, at)
	if found {
		line++
	}
	return line
}

func (s *source) lineStart(at int) int { return s.lines[s.lineOf(at)-1] }

// line is the line of an offset, without its end.
func (s *source) line(at int) string {
	return strings.TrimRight(untilLineEnd(s.text[s.lineStart(at):]), "\r")
}

// indent is what stands in front of the line of an offset.
func (s *source) indent(at int) string {
	line := s.line(at)
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}

// newline is how lines end in the file.
func (s *source) newline() string {
	if strings.Contains(s.text, "\r\n") {
		return "\r\n"
	}
	return "\n"
}
