package comment

import "strings"

// Place is where a text begins in a comment. Both numbers count from 0.
type Place struct {
	Line int
	Byte int // in the line, as the compiler tells it
}

// Locate finds a place in the file of the comment. line and column are those
// of the message behind the comment, from 1.
//
// Compilers do not tell where a comment stands, and take its indentation and
// marks off. So the lines are counted back from the message, to which the
// comment is attached without an empty line; and the column is right if the
// comment is indented as the message is.
func (p Place) Locate(text string, line, column int) (atLine, atColumn int) {
	block := isBlock(text)
	atLine = line - strings.Count(text, "\n") + p.Line
	if block {
		atLine-- // of the message itself or of what ends the comment
	}
	lines := strings.Split(text, "\n")
	atColumn = column + p.Byte
	// The first line has "/*" in front of it, each line comment "//", and a line
	// whose blanks are kept " *": elsewhere compilers take the blanks off.
	if !block || p.Line == 0 || isBlank(lines[p.Line][0]) {
		atColumn += 2
	}
	return max(atLine, 1), max(atColumn, 1)
}

// isBlock tells /* comments from those of // lines, which compilers do not. It
// is wrong about a comment whose first line says something, whose other lines
// begin with stars, and whose end has its own line, which compilers tell as they
// tell // lines: mistakes in it are told for the line below. And it is wrong
// about // lines of which the first is empty: they are told for the line above.
func isBlock(text string) bool {
	if !strings.HasSuffix(text, "\n") {
		return true // every // line ends its line, but */ need not
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if first := strings.TrimSpace(lines[0]); first == "" || first[0] == '*' {
		return true // "/*" or "/**" alone; an empty "//" is rarely the first
	}
	for _, line := range lines[1:] {
		if lines[0][0] == ' ' && line != "" && !isBlank(line[0]) {
			return true // compilers took the indentation off
		}
	}
	return false
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' || b == '\r' }
