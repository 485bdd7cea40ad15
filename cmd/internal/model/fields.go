package model

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/protoway/protoway/cmd/internal/spelling"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

// maxCacheKeys is how many keys of one kind a client cache has: clients keep
// them in a table with that many columns.
const maxCacheKeys = 5

func (c checker) checkLane() {
	if c.Rules.GetLane() != nil {
		c.checkKeyField("lane", c.Rules.GetLane().GetField(), numberLane, numberLaneField)
	}
}

func (c checker) checkSlowConsumer() {
	rule := c.Rules.GetSlowConsumer()
	if rule == nil {
		return
	}
	policy, key := rule.GetPolicy(), rule.GetKey()
	_, known := protowayv1.SlowConsumer_Policy_name[int32(policy)]
	switch {
	case !known:
		c.add("the policy for slow consumers is unknown", policy.String(),
			"state DISCONNECT, DROP or LATEST", numberSlowConsumer, numberSlowConsumerPolicy)
	case policy == protowayv1.SlowConsumer_LATEST:
		c.checkKeyField("slow_consumer", key, numberSlowConsumer, numberSlowConsumerKey)
	case key != "":
		c.add("only the policy LATEST has a key", quote(key),
			"leave the key out or state policy: LATEST", numberSlowConsumer, numberSlowConsumerKey)
	}
}

// checkKeyField checks a field whose value sorts frames: the value is compared
// on the wire, so it must be one scalar with one spelling.
func (c checker) checkKeyField(rule, name string, path ...int32) {
	field := c.field(rule, name, path...)
	if field == nil {
		return
	}
	kind := field.Kind()
	switch {
	case field.IsMap(), field.IsList():
		c.add("the field of "+rule+" holds many values", quote(name), "name a singular field", path...)
	case !isText(kind) && !isInteger(kind) && kind != protoreflect.BoolKind:
		c.add("the field of "+rule+" is of type "+kind.String(), quote(name),
			"name a field of type string, integer, bool or enum", path...)
	}
}

// field finds a field of the message and reports it if there is none.
func (c checker) field(rule, name string, path ...int32) protoreflect.FieldDescriptor {
	mend := "name a field of " + string(c.Desc.Name())
	if name == "" {
		c.add("the rule names no field", rule, mend, path...)
		return nil
	}
	fields := c.Desc.Fields()
	field := fields.ByName(protoreflect.Name(name))
	if field == nil {
		names := make([]string, fields.Len())
		for i := range names {
			names[i] = string(fields.Get(i).Name())
		}
		c.add("the field of "+rule+" does not exist", quote(name), spelling.Suggest(name, names, mend), path...)
	}
	return field
}

func isText(kind protoreflect.Kind) bool {
	return kind == protoreflect.StringKind || kind == protoreflect.EnumKind
}

func isReal(kind protoreflect.Kind) bool {
	return kind == protoreflect.FloatKind || kind == protoreflect.DoubleKind
}

func isInteger(kind protoreflect.Kind) bool {
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Uint32Kind,
		protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Uint64Kind,
		protoreflect.Sfixed32Kind, protoreflect.Fixed32Kind,
		protoreflect.Sfixed64Kind, protoreflect.Fixed64Kind:
		return true
	default:
		return false
	}
}
