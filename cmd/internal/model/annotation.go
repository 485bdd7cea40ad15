package model

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

// option reads the rules of the option of a message; nil if there is none.
func option(desc protoreflect.MessageDescriptor) *protowayv1.Rules {
	if !proto.HasExtension(desc.Options(), protowayv1.E_Message) {
		return nil
	}
	return proto.GetExtension(desc.Options(), protowayv1.E_Message).(*protowayv1.Rules)
}

// complete fills in the defaults that depend on the message alone. The reply is
// completed when it is resolved.
func complete(desc protoreflect.MessageDescriptor, stated *protowayv1.Rules) *protowayv1.Rules {
	rules := proto.CloneOf(stated)
	if rules.GetType() == "" {
		rules.Type = Kebab(string(desc.Name()))
	}
	if rules.GetLane() != nil && rules.GetLane().GetName() == "" {
		rules.Lane.Name = rules.GetLane().GetField()
	}
	return rules
}
