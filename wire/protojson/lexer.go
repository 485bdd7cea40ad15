package protojson

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// lexer reads JSON text token by token. It is strict: what it accepts, every JSON reader accepts.
type lexer struct {
	data    []byte
	pos     int
	depth   int    // objects and arrays that may still be opened
	fresh   bool   // an object or array was opened and holds nothing yet
	scratch []byte // the last string that had escapes
}

// peek skips white space and returns the byte at which the next token starts, 0 at the end.
func (l *lexer) peek() byte {
	for ; l.pos < len(l.data); l.pos++ {
		switch c := l.data[l.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// open reads the bracket that starts an object or an array.
func (l *lexer) open(bracket byte) error {
	if l.peek() != bracket {
		if bracket == '{' {
			return l.mismatch("not an object")
		}
		return l.mismatch("not an array")
	}
	if l.depth == 0 {
		return &Error{Reason: "nested too deeply"}
	}
	l.depth--
	l.pos++
	l.fresh = true
	return nil
}

// next reports whether the object or array that was opened last has another element and moves to it; if not, it
// reads the closing bracket.
func (l *lexer) next(bracket byte) (bool, error) {
	c := l.peek()
	first := l.fresh
	l.fresh = false
	switch {
	case c == bracket:
		l.depth++
		l.pos++
		return false, nil
	case first:
		return true, nil
	case c == ',':
		l.pos++
		return true, nil
	default:
		return false, l.syntax("expected a comma or the end")
	}
}

// name reads the name of an object member and the colon. It is valid until the next string.
func (l *lexer) name() ([]byte, error) {
	if l.peek() != '"' {
		return nil, l.syntax("expected a name in quotes")
	}
	name, err := l.text()
	if err != nil {
		return nil, err
	}
	if l.peek() != ':' {
		return nil, l.syntax("expected a colon")
	}
	l.pos++
	return name, nil
}

// text reads a string, at whose quote the lexer stands. The result is valid until the next string.
func (l *lexer) text() ([]byte, error) {
	start := l.pos + 1
	ascii := true
	for i := start; i < len(l.data); i++ {
		switch c := l.data[i]; {
		case c == '"':
			text := l.data[start:i]
			if !ascii && !utf8.Valid(text) {
				return nil, l.syntax("invalid UTF-8 in a string")
			}
			l.pos = i + 1
			return text, nil
		case c == '\\':
			return l.escapedText(start, i)
		case c < ' ':
			return nil, l.syntax("control character in a string")
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, l.syntax("a string without an end")
}

// escapedText is text for a string with a first escape at i.
func (l *lexer) escapedText(start, i int) ([]byte, error) {
	text := l.scratch[:0]
	done := start
	for i < len(l.data) {
		switch c := l.data[i]; {
		case c == '"':
			text = append(text, l.data[done:i]...)
			l.scratch = text
			if !utf8.Valid(text) {
				return nil, l.syntax("invalid UTF-8 in a string")
			}
			l.pos = i + 1
			return text, nil
		case c == '\\':
			r, size := readEscape(l.data[i:])
			if size == 0 {
				l.pos = i
				return nil, l.syntax("invalid escape in a string")
			}
			text = utf8.AppendRune(append(text, l.data[done:i]...), r)
			i += size
			done = i
		case c < ' ':
			return nil, l.syntax("control character in a string")
		default:
			i++
		}
	}
	return nil, l.syntax("a string without an end")
}

// readEscape reads the escape that b starts with. size is 0 if it is none, or half a surrogate pair.
func readEscape(b []byte) (r rune, size int) {
	if len(b) < 2 {
		return 0, 0
	}
	switch b[1] {
	case '"', '\\', '/':
		return rune(b[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	}
	r, ok := readUnit(b)
	if !ok || !utf16.IsSurrogate(r) {
		return r, size6(ok)
	}
	low, ok := readUnit(b[6:])
	r = utf16.DecodeRune(r, low)
	if !ok || r == utf8.RuneError {
		return 0, 0
	}
	return r, 12
}

// size6 is the length of an escaped UTF-16 unit, 0 if it is none.
func size6(ok bool) int {
	if ok {
		return 6
	}
	return 0
}

// readUnit reads \uXXXX.
func readUnit(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range b[2:6] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// number reads a number.
func (l *lexer) number() ([]byte, error) {
	n := scanNumber(l.data[l.pos:])
	if n == 0 {
		return nil, l.syntax("malformed number")
	}
	l.pos += n
	return l.data[l.pos-n : l.pos], nil
}

// literal reads the given word if it is next, and reports whether it was.
func (l *lexer) literal(word string) bool {
	rest := l.data[l.pos:]
	if len(rest) < len(word) || string(rest[:len(word)]) != word {
		return false
	}
	l.pos += len(word)
	return true
}

// null reads a null if it is next.
func (l *lexer) null() bool { return l.peek() == 'n' && l.literal("null") }

// skip reads a value of any kind. It checks all of its syntax.
func (l *lexer) skip() error {
	switch c := l.peek(); {
	case c == '"':
		_, err := l.text()
		return err
	case c == '-' || isDigit(c):
		_, err := l.number()
		return err
	case c == '{' || c == '[':
		return l.skipNested(c)
	case l.literal("null") || l.literal("true") || l.literal("false"):
		return nil
	default:
		return l.syntax("expected a value")
	}
}

func (l *lexer) skipNested(bracket byte) error {
	if err := l.open(bracket); err != nil {
		return err
	}
	for {
		more, err := l.next(bracket + 2) // '}' and ']' are two behind their partners
		if err != nil || !more {
			return err
		}
		if bracket == '{' {
			if _, err := l.name(); err != nil {
				return err
			}
		}
		if err := l.skip(); err != nil {
			return err
		}
	}
}

// syntax makes the error for text that is not JSON.
func (l *lexer) syntax(problem string) error {
	if l.pos >= len(l.data) {
		problem = "unexpected end"
	}
	rest := l.data[min(l.pos, len(l.data)):]
	if i := bytes.IndexAny(rest, ",]} \t\r\n"); i >= 0 {
		rest = rest[:max(i, 1)]
	}
	return &Error{Reason: "invalid JSON at byte " + strconv.Itoa(l.pos) + ": " + problem, Text: shorten(string(rest))}
}

// mismatch makes the error for the value that is next, which is not of the expected kind, or not JSON at all.
func (l *lexer) mismatch(reason string) error {
	l.peek()
	probe := lexer{data: l.data, pos: l.pos, depth: l.depth}
	if err := probe.skip(); err != nil {
		return err
	}
	return &Error{Reason: reason, Text: shorten(string(l.data[l.pos:probe.pos]))}
}

// bad makes the error for the value that was read since start and is of the expected kind, but not acceptable.
func (l *lexer) bad(reason string, start int) error {
	return &Error{Reason: reason, Text: shorten(string(bytes.TrimLeft(l.data[start:l.pos], " \t\r\n")))}
}
