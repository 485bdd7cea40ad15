package model

import (
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

// cacheKinds says which types of fields each kind of cache key takes.
var cacheKinds = map[protowayv1.CacheKey_Kind]struct {
	fits  func(protoreflect.Kind) bool
	types string
}{
	protowayv1.CacheKey_TEXT: {isText, "string or enum"},
	protowayv1.CacheKey_REAL: {isReal, "float or double"},
	protowayv1.CacheKey_DATE: {isInteger, "integer, which holds a time as a number"},
	protowayv1.CacheKey_INT:  {isInteger, "integer"},
}

func (c checker) checkClientCache() {
	cache := c.Rules.GetClientCache()
	if cache == nil {
		return
	}
	if cache.GetTtl() == nil {
		c.add("the client cache has no ttl", "client_cache",
			c.mend("state a ttl, as in ttl: {seconds: 3600}", "state one, as in client cache = hours(1)"),
			numberClientCache, numberClientCacheTTL)
	} else {
		c.checkPositive("the ttl of the client cache", cache.GetTtl(), numberClientCache, numberClientCacheTTL)
	}
	kinds := make(map[protowayv1.CacheKey_Kind]int)
	for i, key := range cache.GetKeys() {
		c.checkCacheKey(key, i)
		kinds[key.GetKind()]++
		if kinds[key.GetKind()] == maxCacheKeys+1 {
			c.add("the client cache has more than 5 keys of one kind", key.GetKind().String(),
				"keep the 5 that clients look up most", atCacheKey(i, numberCacheKeyKind)...)
		}
	}
}

func atCacheKey(index int, number int32) []int32 {
	return []int32{numberClientCache, numberClientCacheKeys, int32(index), number} //nolint:gosec // an index of a list in a file
}

func (c checker) checkCacheKey(key *protowayv1.CacheKey, index int) {
	at := atCacheKey(index, numberCacheKeyField)
	same := func(other *protowayv1.CacheKey) bool { return other.GetField() == key.GetField() }
	if key.GetField() != "" && slices.IndexFunc(c.Rules.GetClientCache().GetKeys(), same) < index {
		c.add("the field is a key of the client cache twice", quote(key.GetField()), "leave one out", at...)
		return
	}
	kind, known := cacheKinds[key.GetKind()]
	if !known {
		c.add("the kind of the cache key is not known", key.GetKind().String(),
			"state TEXT, REAL, DATE or INT", atCacheKey(index, numberCacheKeyKind)...)
	}
	field := c.field("client_cache", key.GetField(), at...)
	if field == nil || !known {
		return
	}
	if field.IsMap() || field.IsList() || !kind.fits(field.Kind()) {
		c.add("a cache key of kind "+key.GetKind().String()+" does not fit the type of the field",
			quote(key.GetField()), "name a singular field of type "+kind.types, at...)
	}
}
