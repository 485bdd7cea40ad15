package protojson

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText is how many characters of foreign text an error repeats.
const maxText = 40

// Error says what is wrong with a message or its JSON, and where.
type Error struct {
	// Path leads to the value, such as items[2].bigNumber or counts["a"]. It is empty for the message itself.
	Path string
	// Reason says what is wrong.
	Reason string
	// Text is the offending text as it was sent, shortened to 40 characters. It may be empty.
	Text string
}

// Error joins path, reason and text.
func (e *Error) Error() string {
	s := e.Reason
	if e.Path != "" {
		s = e.Path + ": " + s
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// at adds the step that led to the failing value in front of the path of err.
func at(err error, step string) error {
	e := &Error{}
	ok := errors.As(err, &e)
	if !ok {
		return &Error{Path: step, Reason: err.Error()}
	}
	switch {
	case e.Path == "":
		e.Path = step
	case e.Path[0] == '[':
		e.Path = step + e.Path
	default:
		e.Path = step + "." + e.Path
	}
	return e
}

// atIndex is at for the element of a list.
func atIndex(err error, i int) error { return at(err, "["+strconv.Itoa(i)+"]") }

// atKey is at for the value of a map.
func atKey(err error, key string) error { return at(err, "["+strconv.Quote(cut(key))+"]") }

// shorten cuts text and makes it printable: what a peer sent may hold anything.
func shorten(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return utf8.RuneError
		}
		return r
	}, cut(text))
}

// cut cuts text to [maxText] characters.
func cut(text string) string {
	text = text[:min(len(text), (maxText+1)*utf8.UTFMax)] // enough, and not all of a large value
	if utf8.RuneCountInString(text) <= maxText {
		return text
	}
	return string([]rune(text)[:maxText-1]) + "…"
}
