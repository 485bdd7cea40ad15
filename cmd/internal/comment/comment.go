// Package comment reads the annotations of a message from the comment in front
// of it, one "key = value" a line, as Proto Socket Django has them:
//
//	type = 'user-data'
//	origin = server
//	client cache = days(7)  # a remark
//	client cache_keys = text('username')
//
// A comment is annotated if at least one line begins with a known key and =.
// Any other comment is documentation, whatever it says.
package comment

import (
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

// Block is what one comment says.
type Block struct {
	// Annotated tells a comment with annotations from mere documentation, of
	// which only Doc is set.
	Annotated bool
	// Start is the first annotation.
	Start Place
	// What the lines state; nil if no line does.
	Type   *Value[string]
	Origin *Value[protowayv1.Rules_Origin]
	Auth   *Value[bool]
	Cache  *Value[int64] // in seconds
	Keys   *Value[[]CacheKey]
	// Doc is the rest of the comment: what a reader of the generated code wants.
	Doc string
	// Mistakes are all that is wrong with the annotations by themselves.
	Mistakes []Mistake
}

// Value is what one line states.
type Value[T any] struct {
	Is T
	// Key and Place are where the key and the value stand.
	Key, Place Place
	// Misread says that the line has a mistake: Is means nothing.
	Misread bool
}

// CacheKey is a name in client cache_keys.
type CacheKey struct {
	Kind      protowayv1.CacheKey_Kind
	Field     string
	KindPlace Place
	Place     Place
}

// Mistake is one thing that is wrong: what it is, the text that is wrong, and
// what to do about it.
type Mistake struct {
	Place
	What, Text, Mend string
}

// Parse reads a comment as compilers tell it: without comment marks and the
// leading stars, but possibly with carriage returns.
func Parse(text string) *Block {
	lines := split(text)
	block := &Block{}
	for _, line := range lines {
		if line.separator == "=" && known(line.key) && !block.Annotated {
			block.Annotated = true
			block.Start = line.place
		}
	}
	if block.Annotated {
		for _, line := range lines {
			block.read(line)
		}
	}
	block.Doc = doc(lines, block.Annotated)
	return block
}

// read reads one line of an annotated comment.
func (b *Block) read(line line) {
	switch {
	case line.separator != "=" && line.key != "":
		b.add(line.place, "the key is not followed by a single =", quote(line.key), "put = between the key and its value")
	case line.key == "type":
		set(b, line, &b.Type, (*cursor).name)
	case line.key == "origin":
		set(b, line, &b.Origin, (*cursor).origin)
	case line.key == "auth":
		set(b, line, &b.Auth, (*cursor).truth)
	case line.key == "client cache":
		set(b, line, &b.Cache, (*cursor).duration)
	case line.key == "client cache_keys":
		set(b, line, &b.Keys, (*cursor).cacheKeys)
	case line.key != "":
		b.add(line.place, "the annotation has an unknown key", quote(line.key), mendKey(line.key))
	}
}

// set reads the value of a key. A mistake in it does not hide those of the
// other lines.
func set[T any](b *Block, line line, into **Value[T], read func(*cursor) (T, []Mistake)) {
	if *into != nil {
		b.add(line.place, "the annotation is stated twice", quote(line.key), "leave one out")
		return
	}
	c := &cursor{text: line.text, Place: line.value}
	value := &Value[T]{Key: line.place, Place: c.next()}
	*into = value
	if c.done() {
		value.Misread = true
		b.add(line.place, "the annotation has no value", quote(line.key), "state one or leave the line out")
		return
	}
	is, mistakes := read(c)
	value.Is, value.Misread = is, len(mistakes) > 0
	b.Mistakes = append(b.Mistakes, mistakes...)
}

func (b *Block) add(at Place, what, text, mend string) {
	b.Mistakes = append(b.Mistakes, Mistake{Place: at, What: what, Text: text, Mend: mend})
}
