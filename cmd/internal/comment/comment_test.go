package comment_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/protoway/protoway/cmd/internal/comment"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

const everything = `
 Docs.
 type = 'a#b' # 'remark
 origin = both
 auth = false
 client cache = days(1) + hours(2)
 client cache_keys = text('a', "b") int('c')
`

func TestParse(t *testing.T) {
	got := comment.Parse(everything)
	want := &comment.Block{
		Annotated: true,
		Start:     comment.Place{Line: 2, Byte: 1},
		Type:      &comment.Value[string]{Is: "a#b", Key: comment.Place{Line: 2, Byte: 1}, Place: comment.Place{Line: 2, Byte: 8}},
		Origin: &comment.Value[protowayv1.Rules_Origin]{
			Is: protowayv1.Rules_BOTH, Key: comment.Place{Line: 3, Byte: 1}, Place: comment.Place{Line: 3, Byte: 10},
		},
		Auth:  &comment.Value[bool]{Key: comment.Place{Line: 4, Byte: 1}, Place: comment.Place{Line: 4, Byte: 8}},
		Cache: &comment.Value[int64]{Is: 93600, Key: comment.Place{Line: 5, Byte: 1}, Place: comment.Place{Line: 5, Byte: 16}},
		Keys: &comment.Value[[]comment.CacheKey]{
			Is: []comment.CacheKey{
				{Kind: protowayv1.CacheKey_TEXT, Field: "a", KindPlace: comment.Place{Line: 6, Byte: 21}, Place: comment.Place{Line: 6, Byte: 26}},
				{Kind: protowayv1.CacheKey_TEXT, Field: "b", KindPlace: comment.Place{Line: 6, Byte: 21}, Place: comment.Place{Line: 6, Byte: 31}},
				{Kind: protowayv1.CacheKey_INT, Field: "c", KindPlace: comment.Place{Line: 6, Byte: 36}, Place: comment.Place{Line: 6, Byte: 40}},
			},
			Key: comment.Place{Line: 6, Byte: 1}, Place: comment.Place{Line: 6, Byte: 21},
		},
		Doc: "Docs.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestDocumentation reads comments without annotations: whatever they say, they
// are documentation, and nothing is wrong with them.
func TestDocumentation(t *testing.T) {
	for _, text := range []string{
		"", "\n", "\r\n", "*", " Docs.\n",
		" speed = 9\n", " a == b\n", " Type = 'x'\n", " types = 'x'\n", " the type = 'x'\n", " auth: true\n",
		" type == 'x'\n", " origin => x\n", " auth\n", "= true", " `type = 'x'`\n", " client cache keys = x",
	} {
		if got := comment.Parse(text); got.Annotated || len(got.Mistakes) > 0 {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}

func TestDoc(t *testing.T) {
	for text, want := range map[string]string{
		" Docs.\n\n\ttab\n":                           "Docs.\n\n\ttab",
		"*\n Docs.\n type = 'a'\n":                    "Docs.",
		"/ Docs.\n/\n/ type = 'a'\n/ /etc\n":          "Docs.\n\n/etc",
		" type = 'a'\n\n Docs.\n":                     "Docs.",
		" Docs.\r\n\r\n type = 'a'\r\n\r\n More.\r\n": "Docs.\n\nMore.",
		" Docs.\n\n\n More.\n type = 'a'\n Last.":     "Docs.\n\n\nMore.\nLast.",
		" type = 'a'\n":                               "",
		" speed = 9\n":                                "speed = 9",
	} {
		if got := comment.Parse(text).Doc; got != want {
			t.Errorf("documentation of %q is %q, want %q", text, got, want)
		}
	}
}

// TestMistakesDoNotHide finds every mistake of a comment at once.
func TestMistakesDoNotHide(t *testing.T) {
	block := comment.Parse("type = x\norigin = y\nauth = z\nclient cache = day(1) days(x)\nclient cache_keys = txt('a') text()\nlane = 'a'")
	var got []string
	for _, each := range block.Mistakes {
		got = append(got, each.What)
	}
	want := []string{
		"the name is not in quotes", "the origin is not client, server or both", "the auth is not true or false",
		"the unit of the duration is not known", "the amount of the duration is not a whole number",
		"the kind of cache keys is not known", "the kind of cache keys has no names",
		"the annotation has an unknown key",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !block.Type.Misread || !block.Origin.Misread || !block.Auth.Misread || !block.Cache.Misread || !block.Keys.Misread {
		t.Errorf("a value counts as read: %+v", block)
	}
}

func TestDuration(t *testing.T) {
	for text, want := range map[string]int64{
		"years(1)":                365 * 86400,
		"years(10000)":            10000 * 365 * 86400,
		"seconds(315576000000)":   315576000000,
		"days(1)hours(1)":         90000,
		"minutes( 2 ),seconds(3)": 123,
		"days(0) seconds(007)":    7,
	} {
		block := comment.Parse("client cache = " + text)
		if len(block.Mistakes) > 0 || block.Cache.Is != want {
			t.Errorf("%s is %+v with %v, want %d", text, block.Cache, block.Mistakes, want)
		}
	}
	for _, text := range []string{
		"seconds(315576000001)", "years(10007)", "years(292271023046)", "days(0)", "+ days(1)", "days(1) ++ days(1)",
		"days(1),", "days 1", "days()", "Days(1)", "days(-1)", "days(+1)", "days(1_0)", "(1)", "7",
		"seconds(315576000000) seconds(1)", strings.Repeat("years(9999) ", 100000),
	} {
		if block := comment.Parse("client cache = " + text); len(block.Mistakes) == 0 {
			t.Errorf("%.40s passes as %d", text, block.Cache.Is)
		}
	}
}
