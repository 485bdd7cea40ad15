package comment_test

import (
	"testing"

	"github.com/protoway/protoway/cmd/internal/comment"
)

// TestLocate has comments as compilers tell them, in front of a message in line
// 10 and column 3.
func TestLocate(t *testing.T) {
	tests := []struct {
		name, text   string
		line, column int
	}{
		{"block", "\nDocs.\ntype = 'a'\n", 8, 3},
		{"block that ends with the text", "\nDocs.\ntype = 'a' ", 9, 3},
		{"block that begins with the text", " type = 'a'\norigin = client\n", 7, 6},
		{"block of one line", " type = 'a' ", 9, 6},
		{"stars", "\n Docs.\n type = 'a'\n", 8, 6},
		{"two stars", "*\n type = 'a'\n", 8, 6},
		{"two stars and text", "* type = 'a'\n", 8, 7},
		{"lines", " Docs.\n type = 'a'\n", 9, 6},
		{"one line", " type = 'a'\n", 9, 6},
		{"lines without blanks", "Docs.\ntype = 'a'\n", 9, 5},
		{"lines with a tab", " Docs.\n\ttype = 'a'\n", 9, 6},
		{"CRLF block", "\r\ntype = 'a'\r\n", 8, 3},
		{"CRLF lines", " Docs.\r\n\r\n type = 'a'\r\n", 9, 6},
		// What compilers tell of the next two is what they tell of others, too.
		{"stars behind text, which look like lines", " Docs.\n type = 'a'\n", 9, 6},   // stands in line 8
		{"lines behind an empty one, which look like stars", "\n type = 'a'\n", 8, 6}, // stands in line 9
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			line, column := comment.Parse(test.text).Start.Locate(test.text, 10, 3)
			if line != test.line || column != test.column {
				t.Errorf("%q is at %d:%d, want %d:%d", test.text, line, column, test.line, test.column)
			}
		})
	}
}
