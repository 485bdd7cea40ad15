package model

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/protoway/protoway/cmd/internal/comment"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

// rulePath leads to a rule: the numbers of the fields below Rules, with the
// index behind a repeated one, and then zeros.
type rulePath [4]int32

func newRulePath(path []int32) (made rulePath) {
	copy(made[:], path)
	return made
}

// commented is what the comment in front of a message says about its rules.
type commented struct {
	*comment.Block
	desc protoreflect.MessageDescriptor
	// text is the whole comment, as the compiler tells it.
	text string
	// rules are what the comment states.
	rules *protowayv1.Rules
	// places are where it states them.
	places map[rulePath]comment.Place
	// misread are the rules whose lines have a mistake.
	misread map[rulePath]bool
	// problems are the mistakes in the comment, and what differs in the option.
	problems Problems
	// alone says that there is no option.
	alone bool
}

// readComment reads the comment in front of a message.
func readComment(desc protoreflect.MessageDescriptor) *commented {
	text := desc.ParentFile().SourceLocations().ByDescriptor(desc).LeadingComments
	c := &commented{
		Block:   comment.Parse(text),
		desc:    desc,
		text:    text,
		rules:   new(protowayv1.Rules),
		places:  make(map[rulePath]comment.Place),
		misread: make(map[rulePath]bool),
	}
	for _, mistake := range c.Mistakes {
		c.problems.Add(c.at(mistake.Place), mistake.What, mistake.Text, mistake.Mend)
	}
	if value := c.Type; take(c, value, numberType) {
		c.rules.Type = value.Is
		c.places[rulePath{numberType}] = value.Place
	}
	if value := c.Origin; take(c, value, numberOrigin) {
		c.rules.Origin = value.Is
		c.places[rulePath{numberOrigin}] = value.Place
	}
	if value := c.Auth; take(c, value, numberAuth) {
		c.rules.Auth = &value.Is
	}
	if value := c.Cache; take(c, value, numberClientCache, numberClientCacheTTL) {
		c.rules.ClientCache = &protowayv1.ClientCache{Ttl: &durationpb.Duration{Seconds: value.Is}}
	}
	if value := c.Keys; take(c, value, numberClientCache, numberClientCacheKeys) {
		c.takeKeys(value.Is)
	}
	return c
}

// take remembers where a rule is stated and reports whether it can be used.
func take[T any](c *commented, value *comment.Value[T], path ...int32) bool {
	if value == nil {
		return false
	}
	c.places[newRulePath(path)] = value.Key
	if value.Misread {
		c.misread[newRulePath(path)] = true
	}
	return !value.Misread
}

// takeKeys turns the names of fields into proto names. What names no field
// stays as it is and is found with the other mistakes of the kind.
func (c *commented) takeKeys(keys []comment.CacheKey) {
	if c.rules.GetClientCache() == nil {
		c.rules.ClientCache = new(protowayv1.ClientCache)
	}
	for i, key := range keys {
		name := key.Field
		if c.desc.Fields().ByName(protoreflect.Name(name)) == nil {
			if field := c.desc.Fields().ByJSONName(name); field != nil {
				name = string(field.Name())
			}
		}
		c.rules.ClientCache.Keys = append(c.rules.ClientCache.Keys, &protowayv1.CacheKey{Kind: key.Kind, Field: name})
		c.places[newRulePath(atCacheKey(i, numberCacheKeyKind))] = key.KindPlace
		c.places[newRulePath(atCacheKey(i, numberCacheKeyField))] = key.Place
	}
}

// at finds a place of the comment in the file.
func (c *commented) at(place comment.Place) Position {
	found := Locate(c.desc)
	found.Line, found.Column = place.Locate(c.text, found.Line, found.Column)
	return found
}

// find finds where the comment states a rule. A rule that nothing states is at
// the first annotation.
func (c *commented) find(path []int32) (Position, bool) {
	place, ok := c.places[newRulePath(path)]
	if !ok && c.alone {
		place, ok = c.Start, true
		for ; len(path) > 0; path = path[:len(path)-1] {
			if nearest, stated := c.places[newRulePath(path)]; stated {
				place = nearest
				break
			}
		}
	}
	return c.at(place), ok
}

// misread reports whether the rule that path leads to is stated by a line of
// the comment that has a mistake.
func (m *Message) misread(path ...int32) bool {
	return m.commented != nil && m.commented.misread[newRulePath(path)]
}
