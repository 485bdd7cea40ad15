// Package docs_test holds the documents to what the code does: an example that
// is not what the server sends, a code that is in no table, a link to nowhere.
package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
)

const root = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// report fails the test for each problem of a document.
func report(t *testing.T, document string, problems []string) {
	t.Helper()
	for _, problem := range problems {
		t.Errorf("%s: %s", document, problem)
	}
}

func TestProtocolShowsEveryGolden(t *testing.T) {
	report(t, "docs/protocol.md", missingGoldens(read(t, "docs/protocol.md"), goldens(t)))
}

// golden is one file of the golden frames.
type golden struct{ name, text string }

func goldens(t *testing.T) []golden {
	t.Helper()
	var all []golden
	for _, kind := range []string{"hex", "json"} {
		names, err := filepath.Glob(filepath.Join(root, "wire/testdata/frames/*."+kind))
		if err != nil {
			t.Fatal(err)
		}
		if len(names) < 10 {
			t.Fatalf("there are only %d goldens of kind %s", len(names), kind)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, golden{filepath.Base(name), strings.TrimSpace(string(text))})
		}
	}
	return all
}

// missingGoldens returns the goldens that no block of a document shows, and the
// dumps whose parts are not their whole.
func missingGoldens(document string, all []golden) []string {
	shown := map[string]bool{}
	var problems []string
	for _, b := range blocks(document) {
		whole, parts, dumped := strings.Cut(b.text, "\n\n")
		shown[strings.TrimSpace(whole)] = true
		if b.language == "hex" && (!dumped || joined(parts) != whole) {
			problems = append(problems, "the parts of "+whole+" are together "+joined(parts))
		}
	}
	for _, g := range all {
		if !shown[g.text] {
			problems = append(problems, "golden "+g.name+" is not shown: "+g.text)
		}
	}
	return problems
}

// joined returns the bytes of a dump without its remarks.
func joined(parts string) string {
	var all strings.Builder
	for line := range strings.Lines(parts) {
		bytes, _, _ := strings.Cut(line, "#")
		all.WriteString(strings.TrimSpace(bytes))
	}
	return all.String()
}

// block is what stands between two fences.
type block struct{ language, text string }

var fenced = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)\n```$")

func blocks(document string) []block {
	var all []block
	for _, found := range fenced.FindAllStringSubmatch(document, -1) {
		all = append(all, block{found[1], found[2]})
	}
	return all
}

func TestMissingGoldensFindsThem(t *testing.T) {
	all := []golden{{"a.hex", "0a025a00"}, {"a.json", `{"heartbeat":{}}`}}
	const dump, text = "```hex\n0a025a00\n\n0a02  # frames\n  5a00  # heartbeat\n```\n", "```json\n{\"heartbeat\":{}}\n```\n"
	for document, want := range map[string]int{
		dump + text: 0,
		dump:        1,
		text:        1,
		"0a025a00":  2,
		strings.Replace(dump, "5a00  #", "5a01  #", 1) + text: 1,
		strings.Replace(dump, "0a025a00", "0a025a01", 1):      3,
	} {
		if got := missingGoldens(document, all); len(got) != want {
			t.Errorf("found %q, want %d in\n%s", got, want, document)
		}
	}
}

func TestProtocolHasEveryCloseCode(t *testing.T) {
	codes := closeCodes(t)
	if len(codes) < 10 {
		t.Fatalf("only %d close codes were found", len(codes))
	}
	var rows []string
	for _, c := range codes {
		reconnect := "no"
		if c.code.Reconnect() {
			reconnect = "yes"
		}
		rows = append(rows, "| "+c.code.String()+" | `"+c.name+"` | "+reconnect+" | ")
	}
	report(t, "docs/protocol.md", wrongRows(read(t, "docs/protocol.md"), "## Close codes", rows))
}

// closeCode is a constant of the code.
type closeCode struct {
	name string
	code consumer.CloseCode
}

var closeConstant = regexp.MustCompile(`(?m)^\t(Close\w+)\s+CloseCode = (\d+)`)

// closeCodes reads the constants, which are not to be had otherwise.
func closeCodes(t *testing.T) []closeCode {
	t.Helper()
	var all []closeCode
	for _, found := range closeConstant.FindAllStringSubmatch(read(t, "consumer/conn.go"), -1) {
		number, err := strconv.Atoi(found[2])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, closeCode{found[1], consumer.CloseCode(number)})
	}
	return all
}

func TestProtocolHasEveryStatusCode(t *testing.T) {
	var rows []string
	for c := range status.Code(status.NumCodes) {
		retryable := "no"
		if c.Retryable() {
			retryable = "yes"
		}
		rows = append(rows, "| "+strconv.Itoa(int(c))+" | `"+protowayv1.Code(c).String()+"` | `"+c.String()+"` | "+
			retryable+" | "+strconv.Itoa(c.HTTP())+" | ")
	}
	report(t, "docs/protocol.md", wrongRows(read(t, "docs/protocol.md"), "## Codes", rows))
}

// wrongRows returns the beginnings of rows that the first table behind a heading
// does not have, and the rows that it has beyond them.
func wrongRows(document, heading string, rows []string) []string {
	_, rest, found := strings.Cut(document, "\n"+heading+"\n")
	if !found {
		return []string{"there is no " + heading}
	}
	section, _, _ := strings.Cut(rest, "\n## ")
	var problems []string
	known := 0
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "| ") {
			known++
		}
	}
	for _, row := range rows {
		if !strings.Contains(section, "\n"+row) {
			problems = append(problems, heading+" has no row "+row)
		}
	}
	if known != len(rows)+1 { // the head of the table
		problems = append(problems, heading+" has "+strconv.Itoa(known-1)+" rows, want "+strconv.Itoa(len(rows)))
	}
	return problems
}

func TestWrongRowsFindsThem(t *testing.T) {
	rows := []string{"| 1 | a | ", "| 2 | b | "}
	for document, want := range map[string]int{
		"\n## T\n| N | X |\n|---|---|\n| 1 | a | x |\n| 2 | b | y |\n":                0,
		"\n## T\n| N | X |\n|---|---|\n| 1 | a | x |\n":                               2,
		"\n## T\n| N | X |\n| 1 | a | x |\n| 2 | c | y |\n":                           1,
		"\n## T\n| N | X |\n| 1 | a | x |\n| 2 | b | y |\n| 3 | c | z |\n":            1,
		"\n## T\n| N | X |\n| 1 | a | x |\n\n## U\n| N |\n| 1 | a | x |\n| 2 | b |\n": 2,
		"": 1,
	} {
		if got := wrongRows(document, "## T", rows); len(got) != want {
			t.Errorf("found %q, want %d in\n%s", got, want, document)
		}
	}
}
