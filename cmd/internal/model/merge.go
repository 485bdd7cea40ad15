package model

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

// merge adds what the comment states to what the option states. Both may state
// the same; where they differ it is not for this plugin to choose.
func (c *commented) merge(option *protowayv1.Rules) *protowayv1.Rules {
	if option == nil {
		c.alone = true
		return c.rules
	}
	rules := proto.CloneOf(option)
	both(c, typeRule, rules)
	both(c, originRule, rules)
	both(c, authRule, rules)
	if c.rules.GetClientCache() != nil && rules.GetClientCache() == nil {
		rules.ClientCache = new(protowayv1.ClientCache)
	}
	both(c, ttlRule, rules)
	both(c, keysRule, rules)
	return rules
}

// mergedRule is a rule that both forms can state.
type mergedRule struct {
	path []int32
	// text spells the rule; it is empty if nothing states it.
	text func(*protowayv1.Rules) string
	// move takes the rule over from the comment.
	move func(to, from *protowayv1.Rules)
}

var (
	typeRule = mergedRule{
		path: []int32{numberType},
		text: func(r *protowayv1.Rules) string { return r.GetType() },
		move: func(to, from *protowayv1.Rules) { to.Type = from.GetType() },
	}
	originRule = mergedRule{
		path: []int32{numberOrigin},
		text: func(r *protowayv1.Rules) string {
			if r.GetOrigin() == protowayv1.Rules_ORIGIN_UNSPECIFIED {
				return ""
			}
			return strings.ToLower(r.GetOrigin().String())
		},
		move: func(to, from *protowayv1.Rules) { to.Origin = from.GetOrigin() },
	}
	authRule = mergedRule{
		path: []int32{numberAuth},
		text: func(r *protowayv1.Rules) string {
			if r.Auth == nil {
				return ""
			}
			return strconv.FormatBool(r.GetAuth())
		},
		move: func(to, from *protowayv1.Rules) { to.Auth = proto.Bool(from.GetAuth()) },
	}
	ttlRule = mergedRule{
		path: []int32{numberClientCache, numberClientCacheTTL},
		text: func(r *protowayv1.Rules) string {
			if ttl := r.GetClientCache().GetTtl(); ttl != nil {
				return fmt.Sprintf("{seconds: %d nanos: %d}", ttl.GetSeconds(), ttl.GetNanos())
			}
			return ""
		},
		move: func(to, from *protowayv1.Rules) { to.ClientCache.Ttl = from.GetClientCache().GetTtl() },
	}
	keysRule = mergedRule{
		path: []int32{numberClientCache, numberClientCacheKeys},
		text: func(r *protowayv1.Rules) string { return keysText(r.GetClientCache().GetKeys()) },
		move: func(to, from *protowayv1.Rules) { to.ClientCache.Keys = from.GetClientCache().GetKeys() },
	}
)

// keysText spells the keys of a client cache, whose order means nothing.
func keysText(keys []*protowayv1.CacheKey) string {
	sorted := slices.SortedFunc(slices.Values(keys), func(a, b *protowayv1.CacheKey) int {
		return cmp.Or(cmp.Compare(a.GetKind(), b.GetKind()), strings.Compare(a.GetField(), b.GetField()))
	})
	texts := make([]string, len(sorted))
	for i, key := range sorted {
		texts[i] = strings.ToLower(key.GetKind().String()) + "('" + key.GetField() + "')"
	}
	return strings.Join(texts, " ")
}

// both merges one rule into those of the option.
func both(c *commented, rule mergedRule, option *protowayv1.Rules) {
	inComment, inOption := rule.text(c.rules), rule.text(option)
	switch {
	case inComment == "" || inComment == inOption:
	case inOption == "":
		rule.move(option, c.rules)
	default:
		at, _ := c.find(rule.path)
		stated := Locate(c.desc, append([]int32{optionsNumber, rulesNumber}, rule.path...)...)
		c.problems.Add(at, "the comment and the option at "+stated.String()+" differ",
			inComment+" in the comment, "+inOption+" in the option", "state it once, or the same in both")
	}
}
