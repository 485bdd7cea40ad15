package migrate

import (
	"slices"
	"strings"
)

// message is a message of a file.
type message struct {
	name string
	// keyword, body and end are the offsets of the word message, behind its brace,
	// and of the brace that ends it.
	keyword, body, end int
	// comment is what stands directly in front of it; nil if nothing does.
	comment *remark
	fields  []string
	// stated says that it has the option already.
	stated bool
}

// remark is a comment: a block, or lines that follow each other.
type remark struct {
	start, end int
	block      bool
}

// scope is what braces enclose.
type scope struct {
	message *message // whose fields stand in it; nil if there are none
	nested  bool     // whether messages may stand in it
}

// reader finds the messages of a source.
type reader struct {
	*source
	words    []item // without comments
	scopes   []scope
	messages []*message
	strange  []item // words that no statement at the top of a file begins with
}

// begins are what statements at the top of a file begin with.
var begins = []string{"syntax", "edition", "package", "import", "option", "message", "enum", "service", "extend", "export", "local", ";"}

// messagesOf finds all messages of a file, also those in others, and words that
// stand where no compiler takes them.
func messagesOf(s *source) (messages []*message, strange []item) {
	r := &reader{source: s, scopes: []scope{{nested: true}}}
	for _, each := range s.items {
		if !each.comment {
			r.words = append(r.words, each)
		}
	}
	for first := 0; first < len(r.words); {
		if len(r.scopes) == 1 && !slices.Contains(begins, r.words[first].text) {
			r.strange = append(r.strange, r.words[first])
		}
		first = r.statement(first)
	}
	return r.messages, r.strange
}

// statement reads up to ; or a brace, and returns where the next one begins.
func (r *reader) statement(first int) int {
	for i := first; i < len(r.words); i++ {
		switch r.words[i].text {
		case ";":
			if words := r.words[first:i]; len(r.scopes) == 1 && len(words) > 0 && words[0].text == "import" && !isQuoted(words[len(words)-1]) {
				r.strange = append(r.strange, words[0])
			}
			r.take(r.words[first:i])
			return i + 1
		case "}":
			r.close(r.words[i].start)
			return i + 1
		case "{":
			if r.words[first].text == "option" || slices.ContainsFunc(r.words[first:i], isBracket) {
				i = r.skipBraces(i)
				continue
			}
			r.open(first, i)
			return i + 1
		}
	}
	r.strange = append(r.strange, r.words[first]) // nothing ends it
	return len(r.words)
}

func isQuoted(word item) bool { return strings.ContainsAny(word.text[:1], `"'`) }

func isBracket(word item) bool { return word.text == "[" }

// skipBraces returns the index of the brace that ends the value of an option.
func (r *reader) skipBraces(open int) int {
	depth := 0
	for i := open; i < len(r.words); i++ {
		switch r.words[i].text {
		case "{":
			depth++
		case "}":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(r.words) - 1
}

// open begins what a brace encloses.
func (r *reader) open(first, brace int) {
	words, around := r.words[first:brace], r.scopes[len(r.scopes)-1]
	switch {
	case around.nested && len(words) == 2 && words[0].text == "message":
		made := &message{
			name: words[1].text, keyword: words[0].start, body: r.words[brace].end,
			comment: r.inFront(first),
		}
		r.messages = append(r.messages, made)
		r.scopes = append(r.scopes, scope{message: made, nested: true})
	case len(words) == 2 && words[0].text == "oneof":
		r.scopes = append(r.scopes, scope{message: around.message})
	default:
		r.scopes = append(r.scopes, scope{})
	}
}

// close ends what a brace encloses.
func (r *reader) close(brace int) {
	last := len(r.scopes) - 1
	if last == 0 {
		return // one brace too many, which is for a compiler to say
	}
	if ended := r.scopes[last]; ended.message != nil && ended.nested {
		ended.message.end = brace
	}
	r.scopes = r.scopes[:last]
}

// take reads a statement that ended with a semicolon: a field or an option.
func (r *reader) take(words []item) {
	owner := r.scopes[len(r.scopes)-1].message
	if owner == nil || len(words) == 0 {
		return
	}
	if words[0].text == "option" {
		var text strings.Builder
		for _, word := range words {
			text.WriteString(word.text)
		}
		name := strings.Replace(text.String(), "(.", "(", 1)
		owner.stated = owner.stated || strings.HasPrefix(name, "option(protoway.v1.message)")
		return
	}
	for i, word := range words {
		if word.text == "=" && i > 0 {
			owner.fields = append(owner.fields, words[i-1].text)
			return
		}
	}
}

// inFront finds the comment that compilers attach to the statement that begins
// with a word: on lines of its own, without an empty line behind it.
func (r *reader) inFront(word int) *remark {
	begin, after, between := r.words[word].start, 0, 0
	if word > 0 { // the line that the word before ends in
		after, between = r.lineOf(r.words[word-1].end), r.words[word-1].index+1
	}
	var found *remark
	for _, each := range r.items[between:r.words[word].index] {
		own := r.lineOf(each.start) > after
		switch {
		case own && strings.TrimSpace(r.text[r.lineStart(each.start):each.start]) != "":
			found = nil // behind another comment, of which it cannot be told apart
		case !own:
		case found != nil && !found.block && each.text[1] == '/' && r.lineOf(found.end)+1 == r.lineOf(each.start):
			found.end = each.end
		default:
			found = &remark{start: each.start, end: each.end, block: each.text[1] == '*'}
		}
	}
	if found == nil || r.lineOf(found.end)+1 < r.lineOf(begin) {
		return nil
	}
	return found
}
