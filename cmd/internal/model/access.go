package model

import (
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

// access is one of the two sets of rules about users.
type access struct {
	permissions, allow, deny                   func(*protowayv1.Rules) []string
	permissionsNumber, allowNumber, denyNumber int32
}

var (
	accessSender = access{
		permissions:       (*protowayv1.Rules).GetPermissions,
		allow:             (*protowayv1.Rules).GetAllowGroups,
		deny:              (*protowayv1.Rules).GetDenyGroups,
		permissionsNumber: numberPermissions,
		allowNumber:       numberAllowGroups,
		denyNumber:        numberDenyGroups,
	}
	accessReceiver = access{
		permissions:       (*protowayv1.Rules).GetReceivePermissions,
		allow:             (*protowayv1.Rules).GetReceiveAllowGroups,
		deny:              (*protowayv1.Rules).GetReceiveDenyGroups,
		permissionsNumber: numberReceivePermissions,
		allowNumber:       numberReceiveAllowGroups,
		denyNumber:        numberReceiveDenyGroups,
	}
)

func (c checker) checkAccess(a access) {
	c.checkNames("permission", a.permissions(c.Rules), a.permissionsNumber)
	c.checkNames("group", a.allow(c.Rules), a.allowNumber)
	c.checkNames("group", a.deny(c.Rules), a.denyNumber)
	allowed := a.allow(c.Rules)
	for i, group := range a.deny(c.Rules) {
		if group != "" && slices.Contains(allowed, group) {
			c.add("the group is allowed and denied", quote(group), "keep one of the two",
				c.element(a.denyNumber, i)...)
		}
	}
}

func (c checker) checkNames(noun string, names []string, number int32) {
	for i, name := range names {
		switch {
		case name == "":
			c.add("the "+noun+" is empty", `""`, "name it or leave it out", c.element(number, i)...)
		case slices.Index(names, name) < i:
			c.add("the "+noun+" is stated twice", quote(name), "leave one out", c.element(number, i)...)
		}
	}
}

// directed is a rule that has a meaning in one direction only.
type directed struct {
	number int32
	// instead is the rule for the other direction, if there is one.
	instead int32
}

var (
	aboutReceivers = []directed{
		{number: numberReceiveAuth, instead: numberAuth},
		{number: numberReceivePermissions, instead: numberPermissions},
		{number: numberReceiveAllowGroups, instead: numberAllowGroups},
		{number: numberReceiveDenyGroups, instead: numberDenyGroups},
		{number: numberSlowConsumer},
	}
	aboutSenders = []directed{
		{number: numberAuth, instead: numberReceiveAuth},
		{number: numberPermissions, instead: numberReceivePermissions},
		{number: numberAllowGroups, instead: numberReceiveAllowGroups},
		{number: numberDenyGroups, instead: numberReceiveDenyGroups},
		{number: numberMaxBytes},
		{number: numberRateLimit},
		{number: numberTimeout},
		{number: numberLane},
		{number: numberIdentity},
		{number: numberDedupe},
	}
)

// checkDirection refuses rules about a direction in which the message never
// goes: they would look like protection and do nothing.
func (c checker) checkDirection() {
	switch c.Rules.GetOrigin() { //nolint:exhaustive // the others are about both directions, or refused elsewhere
	case protowayv1.Rules_CLIENT:
		c.refuse(aboutReceivers, "the rule is about receiving clients, but only clients send this message")
	case protowayv1.Rules_SERVER:
		c.refuse(aboutSenders, "the rule is about sending clients, but only the server sends this message")
	}
}

func (c checker) refuse(rules []directed, what string) {
	stated := c.stated.ProtoReflect()
	fields := stated.Descriptor().Fields()
	for _, rule := range rules {
		field := fields.ByNumber(protoreflect.FieldNumber(rule.number))
		if !stated.Has(field) {
			continue
		}
		if rule.number == numberTimeout && c.stated.GetReply() != "" {
			continue // it bounds how long the server waits for the answer
		}
		mend := "leave it out"
		if rule.instead != 0 {
			mend = c.mend(mend+" or state "+string(fields.ByNumber(protoreflect.FieldNumber(rule.instead)).Name()), mend)
		}
		c.add(what, string(field.Name()), mend, rule.number)
	}
}
