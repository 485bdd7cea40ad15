package migrate

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/protoway/protoway/cmd/internal/comment"
	"github.com/protoway/protoway/cmd/internal/model"
)

// edit replaces a part of a file.
type edit struct {
	start, end int
	text       string
}

// rewriter turns the comments of one file into options.
type rewriter struct {
	*source
	options Options
	edits   []edit
	report  *Report
	changed int // messages
}

// rewrite returns the text of a file with options instead of annotated comments.
// What it leaves to people, and what is wrong, goes to the report.
func rewrite(name, text string, options Options, report *Report) string {
	s, err := scan(name, text)
	if err != nil {
		report.Mistakes = append(report.Mistakes, err.Error())
		return text
	}
	r := &rewriter{source: s, options: options, report: report}
	messages, strange := messagesOf(s)
	var problems model.Problems
	for _, each := range strange {
		problems.Add(s.position(each.start), "this is no statement of a proto file", strconv.Quote(each.text), "mend the file until buf builds it")
	}
	for _, each := range messages {
		switch {
		case each.end == 0:
			problems.Add(s.position(each.keyword), "the message does not end", each.name, "put a } behind it")
		case each.comment != nil:
			problems = append(problems, r.message(each)...)
		}
	}
	if err := problems.Err(); err != nil {
		report.Mistakes = append(report.Mistakes, strings.Split(err.Error(), "\n")...)
		return text
	}
	if r.changed == 0 {
		return text
	}
	report.Rewritten = append(report.Rewritten, Rewritten{File: name, Messages: r.changed})
	r.addImport()
	return r.apply()
}

// message rewrites one message.
func (r *rewriter) message(m *message) model.Problems {
	text, begin := r.inside(m.comment)
	block := comment.Parse(text)
	if !block.Annotated {
		return nil
	}
	at := func(place comment.Place) model.Position {
		offset := begin
		for range place.Line {
			offset += strings.IndexByte(r.text[offset:], '\n') + 1
		}
		return r.position(offset + place.Byte)
	}
	if m.stated {
		if r.options.Rewrite {
			r.report.note(at(block.Start), m.name, "the message has the option already: move what the comment states there by hand")
		}
		return nil
	}
	var problems model.Problems
	for _, mistake := range block.Mistakes {
		problems.Add(at(mistake.Place), mistake.What, mistake.Text, mistake.Mend)
	}
	if block.Origin == nil {
		problems.Add(at(block.Start), "the message has no origin", m.name, "state origin = client, server or both")
	}
	if r.options.Rewrite && strings.HasPrefix(strings.TrimSpace(untilLineEnd(r.text[m.body:])), "/*") {
		problems.Add(r.position(m.body), "the body of the message begins with a comment", m.name, "put the comment on a line of its own")
	}
	made := &option{block: block, lines: strings.Split(text, "\n"), fields: m.fields}
	problems = append(problems, made.resolve(at)...)
	if len(problems) > 0 {
		return problems
	}
	r.judgeAuth(m, made, at)
	r.changed++
	r.cut(m, text, begin, made.stated())
	r.insert(m, made)
	return nil
}

// judgeAuth leaves out what the comment says about auth where that would open
// what was closed, or says nothing.
func (r *rewriter) judgeAuth(m *message, made *option, at func(comment.Place) model.Position) {
	auth := made.block.Auth
	switch {
	case auth == nil:
	case !made.fromClient():
		made.withoutAuth = true
		text := "auth is about senders, and only the server sends this message: take it out, since generate refuses it"
		if r.options.Rewrite {
			text = "auth is left out: it is about senders, and only the server sends this message"
		}
		r.report.note(at(auth.Key), m.name, text)
	case !auth.Is && !r.options.TrustAuth:
		made.withoutAuth = true
		place := at(auth.Key)
		r.report.LeftOff = append(r.report.LeftOff, Place{File: place.File, Line: place.Line, Message: m.name})
	}
}

// inside is the text of a comment that is read, and where it begins.
func (r *rewriter) inside(c *remark) (text string, begin int) {
	if c.block {
		return r.text[c.start+2 : c.end-2], c.start + 2
	}
	begin = r.lineStart(c.start)
	return r.text[begin:c.end], begin
}

// cut takes the lines that are stated elsewhere now out of a comment, and the
// comment as a whole if nothing is left.
func (r *rewriter) cut(m *message, text string, begin int, stated []int) {
	lines := strings.SplitAfter(text, "\n")
	var left strings.Builder
	for i, line := range lines {
		if !slices.Contains(stated, i) {
			left.WriteString(line)
		}
	}
	if strings.Trim(left.String(), " \t\r\n\f\v*/") == "" {
		start := m.comment.start
		if r.lineOf(m.comment.end) < r.lineOf(m.keyword) {
			start = r.lineStart(start)
			r.edits = append(r.edits, edit{start: start, end: r.lineStart(m.keyword)})
			return
		}
		r.edits = append(r.edits, edit{start: start, end: m.keyword})
		return
	}
	for i, line := range lines {
		if slices.Contains(stated, i) {
			r.cutLine(m.comment, line, begin)
		}
		begin += len(line)
	}
}

// cutLine takes one line out. Marks that share it stay.
func (r *rewriter) cutLine(c *remark, line string, start int) {
	end := start + len(line)
	switch last := !strings.HasSuffix(line, "\n"); {
	case c.block && start == c.start+2: // behind /*
		end = start + len(strings.TrimRight(line, "\r\n"))
	case c.block && last: // in front of */
		start += len(line) - len(strings.TrimLeft(line, " \t"))
	case last: // the last of // lines
		end += strings.Index(r.text[end:], "\n") + 1
	}
	r.edits = append(r.edits, edit{start: start, end: end})
}

// insert writes the option at the begin of the body of a message.
func (r *rewriter) insert(m *message, made *option) {
	around, nl := r.indent(m.keyword), r.newline()
	rest := untilLineEnd(r.text[m.body:])
	code := strings.TrimSpace(rest)
	inner := around + "  "
	if code == "" || strings.HasPrefix(code, "//") {
		at := m.body + len(strings.TrimRight(rest, "\r"))
		if body := strings.TrimLeft(r.text[at:], " \t\r\n"); body != "" && body[0] != '}' {
			inner = r.indent(len(r.text) - len(body))
		}
		r.edits = append(r.edits, edit{start: at, end: at, text: nl + made.print(inner, nl)})
		return
	}
	blanks := len(rest) - len(strings.TrimLeft(rest, " \t"))
	text := nl + made.print(inner, nl)
	if code[0] != '}' {
		text += nl + inner
	}
	r.edits = append(r.edits, edit{start: m.body, end: m.body + blanks, text: text})
	if r.lineOf(m.end) == r.lineOf(m.body) {
		start := m.body + len(strings.TrimRight(r.text[m.body:m.end], " \t"))
		r.edits = append(r.edits, edit{start: max(start, m.body+blanks), end: m.end, text: nl + around})
	}
}

// apply makes all edits.
func (r *rewriter) apply() string {
	slices.SortStableFunc(r.edits, func(a, b edit) int {
		return cmp.Or(a.start-b.start, a.end-b.end) // what is added in front of what is cut
	})
	var made strings.Builder
	at := 0
	for _, each := range r.edits {
		made.WriteString(r.text[at:each.start])
		made.WriteString(each.text)
		at = each.end
	}
	made.WriteString(r.text[at:])
	return made.String()
}
