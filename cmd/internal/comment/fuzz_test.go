package comment_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/protoway/protoway/cmd/internal/comment"
)

// FuzzParse checks that no comment makes the parser fail, that every place is
// inside of the comment, and that what was read is read again the same from
// its plainest spelling.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		everything,
		"\ntype = 'custom-message'\norigin = client/server\nauth = true/false\nclient cache = days(7)  # remark\n",
		"*\r\n * type = \"a\r\n origin=client\r\n",
		"/ client cache_keys = text('a' , 'b'),int( \"c\" )real()\n/ client cache keys = x\n",
		" client cache = years(1)days(2),hours(3)+minutes( 4 ) seconds(99999999999999999999",
		" type == 'x'\n auth: true\n origin = server#\n permissions = 'a'\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		block := comment.Parse(text)
		if !block.Annotated && (len(block.Mistakes) > 0 || block.Type != nil || block.Cache != nil) {
			t.Fatalf("documentation is read as %+v", block)
		}
		for _, mistake := range block.Mistakes {
			checkPlace(t, text, mistake.Place)
		}
		checkPlace(t, text, block.Start)
		if len(block.Mistakes) > 0 || !block.Annotated {
			return
		}
		again := comment.Parse(spell(block))
		if diff := cmp.Diff(spell(block), spell(again)); diff != "" || len(again.Mistakes) > 0 {
			t.Fatalf("read again with %v: -first +again:\n%s", again.Mistakes, diff)
		}
	})
}

func checkPlace(t *testing.T, text string, place comment.Place) {
	t.Helper()
	lines := strings.Split(text, "\n")
	if place.Line >= len(lines) || place.Byte > len(lines[place.Line]) {
		t.Fatalf("%+v is outside of %q", place, text)
	}
	if line, column := place.Locate(text, len(lines)+1, 1); line < 1 || line > len(lines)+1 || column < 1 {
		t.Fatalf("%+v of %q is located at %d:%d", place, text, line, column)
	}
}

// spell writes annotations in their plainest form.
func spell(block *comment.Block) string {
	var lines []string
	if block.Type != nil {
		lines = append(lines, "type = "+inQuotes(block.Type.Is))
	}
	if block.Origin != nil {
		lines = append(lines, "origin = "+strings.ToLower(block.Origin.Is.String()))
	}
	if block.Auth != nil {
		lines = append(lines, fmt.Sprint("auth = ", block.Auth.Is))
	}
	if block.Cache != nil {
		lines = append(lines, fmt.Sprintf("client cache = seconds(%d)", block.Cache.Is))
	}
	if block.Keys != nil {
		line := "client cache_keys ="
		for _, key := range block.Keys.Is {
			line += " " + strings.ToLower(key.Kind.String()) + "(" + inQuotes(key.Field) + ")"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func inQuotes(text string) string {
	if strings.Contains(text, "'") {
		return `"` + text + `"`
	}
	return "'" + text + "'"
}
