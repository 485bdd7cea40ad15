package comment

import (
	"strings"

	"github.com/protoway/protoway/cmd/internal/spelling"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

// kindNames are the kinds of cache keys.
var kindNames = []string{"text", "real", "date", "int"}

// kinds are the kinds by name.
var kinds = map[string]protowayv1.CacheKey_Kind{
	"text": protowayv1.CacheKey_TEXT,
	"real": protowayv1.CacheKey_REAL,
	"date": protowayv1.CacheKey_DATE,
	"int":  protowayv1.CacheKey_INT,
}

// cacheKeys reads the value of client cache_keys: lists of names, each behind
// its kind. Between the lists there may be a comma.
func (c *cursor) cacheKeys() ([]CacheKey, []Mistake) {
	var keys []CacheKey
	var all []Mistake
	for {
		some, mistakes := c.keysOfKind()
		keys, all = append(keys, some...), append(all, mistakes...)
		if c.done() {
			return keys, all
		}
		c.take(',')
	}
}

// keysOfKind reads one list, such as text('a', 'b'). After a mistake that
// leaves unclear where the next one begins, it is at the end of the line.
func (c *cursor) keysOfKind() ([]CacheKey, []Mistake) {
	at := c.next()
	name := c.span(inWord)
	if name == "" || !c.take('(') {
		return nil, c.stop(at, "the cache keys cannot be read", "state them as in text('name', 'city') int('age')")
	}
	keys, mistakes := c.names()
	kind, known := kinds[name]
	if !known {
		wrong := mistake(at, "the kind of cache keys is not known", quote(name),
			spelling.Suggest(name, kindNames, "state "+strings.Join(kindNames, ", ")))
		return nil, append(wrong, mistakes...)
	}
	if len(keys) == 0 && mistakes == nil {
		return nil, mistake(at, "the kind of cache keys has no names", name+"()", "name a field, as in "+name+"('name')")
	}
	for i := range keys {
		keys[i].Kind, keys[i].KindPlace = kind, at
	}
	return keys, mistakes
}

// names reads the names of a list and what ends it.
func (c *cursor) names() ([]CacheKey, []Mistake) {
	var keys []CacheKey
	for !c.take(')') {
		if at := c.next(); len(keys) > 0 && !c.take(',') {
			return nil, c.stop(at, "the list of names does not end", "put a comma between names and ) behind the last")
		}
		at := c.next()
		name, mistakes := c.quoted()
		if mistakes != nil {
			c.Byte = len(c.text)
			return nil, mistakes
		}
		keys = append(keys, CacheKey{Field: name, Place: at})
	}
	return keys, nil
}
