package model

import (
	"fmt"
	"regexp"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

var typePattern = regexp.MustCompile(`^[a-zA-Z0-9._:|-]{1,100}$`)

// checker collects the problems of one message.
type checker struct {
	*Message
	problems *Problems
}

// checkMessage finds what is wrong with one message by itself. What concerns
// other messages is found by resolveReply and checkTypesUnique.
func checkMessage(message *Message, problems *Problems) {
	c := checker{Message: message, problems: problems}
	if message.commented != nil {
		*problems = append(*problems, message.commented.problems...)
	}
	c.checkKnown(message.stated.ProtoReflect())
	c.checkOrigin()
	c.checkType()
	c.checkAccess(accessSender)
	c.checkAccess(accessReceiver)
	c.checkDirection()
	c.checkDedupe()
	c.checkLimits()
	c.checkLane()
	c.checkSlowConsumer()
	c.checkClientCache()
}

// add reports a problem at the rule that path leads to, see [Message.atRule].
// A line of the comment that could not be read is a problem already.
func (c checker) add(what, text, mend string, path ...int32) {
	if c.misread(path...) {
		return
	}
	c.problems.Add(c.atRule(path...), what, text, mend)
}

// checkKnown refuses rules that a newer schema has and this plugin does not
// know: leaving one out in silence could open what it closes.
func (c checker) checkKnown(rules protoreflect.Message) {
	if len(rules.GetUnknown()) > 0 {
		c.add("the rules hold a field that this plugin does not know", string(rules.Descriptor().FullName()),
			"use a plugin as new as the imported protoway/v1/rules.proto")
	}
	rules.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.Message() == nil:
		case field.IsList():
			for i := range value.List().Len() {
				c.checkKnown(value.List().Get(i).Message())
			}
		default:
			c.checkKnown(value.Message())
		}
		return true
	})
}

// mend chooses what to do about a rule in the form in which it is stated.
func (c checker) mend(inOption, inComment string) string {
	if c.commented != nil && c.commented.alone {
		return inComment
	}
	return inOption
}

func knownOrigin(origin protowayv1.Rules_Origin) bool {
	_, known := protowayv1.Rules_Origin_name[int32(origin)]
	return known && origin != protowayv1.Rules_ORIGIN_UNSPECIFIED
}

func (c checker) checkOrigin() {
	if knownOrigin(c.Rules.GetOrigin()) {
		return
	}
	c.add("the message has no origin that this plugin knows", string(c.Desc.Name()),
		c.mend("state origin: CLIENT, SERVER or BOTH", "state origin = client, server or both"), numberOrigin)
}

func (c checker) checkType() {
	name := c.Rules.GetType()
	if typePattern.MatchString(name) {
		return
	}
	mend := "use 1 to 100 characters of a-z, A-Z, 0-9 and . _ : | -"
	if c.stated.GetType() == "" {
		mend = "state a type of 1 to 100 characters; this one was made of the message name"
	}
	c.add("the type cannot be used on the wire", quote(name), mend, numberType)
}

func (c checker) checkDedupe() {
	if _, known := protowayv1.Rules_Dedupe_name[int32(c.Rules.GetDedupe())]; !known {
		c.add("the dedupe is unknown", c.Rules.GetDedupe().String(), "state NONE, LOCAL or SHARED", numberDedupe)
	}
}

func (c checker) checkLimits() {
	if limit := c.Rules.GetRateLimit(); limit != nil {
		if limit.GetCount() == 0 {
			c.add("the rate limit allows nothing", "count: 0", "state a count of at least 1",
				numberRateLimit, numberRateLimitCount)
		}
		if limit.GetPer() != nil {
			c.checkPositive("the period of the rate limit", limit.GetPer(), numberRateLimit, numberRateLimitPer)
		}
	}
	if c.Rules.GetTimeout() != nil {
		c.checkPositive("the timeout", c.Rules.GetTimeout(), numberTimeout)
	}
}

func (c checker) checkPositive(subject string, value *durationpb.Duration, path ...int32) {
	if value.CheckValid() == nil && value.AsDuration() > 0 {
		return
	}
	text := fmt.Sprintf("{seconds: %d nanos: %d}", value.GetSeconds(), value.GetNanos())
	c.add(subject+" is not a positive duration", text, "state seconds or nanos above 0, as in {seconds: 5}", path...)
}

func quote(text string) string { return strconv.Quote(text) }
