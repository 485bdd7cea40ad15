package model

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/protoway/protoway/cmd/internal/spelling"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

// scope knows every message by its full name, annotated or not.
type scope map[protoreflect.FullName]protoreflect.MessageDescriptor

func newScope(sources []Source) scope {
	names := make(scope)
	for _, source := range sources {
		names.add(source.Desc.Messages())
	}
	return names
}

func (s scope) add(descs protoreflect.MessageDescriptors) {
	for i := range descs.Len() {
		desc := descs.Get(i)
		if !desc.IsMapEntry() {
			s[desc.FullName()] = desc
		}
		s.add(desc.Messages())
	}
}

// find resolves a name as in a field declaration of the message from: the
// innermost enclosing name first, absolute if it begins with a dot.
func (s scope) find(from protoreflect.MessageDescriptor, name string) protoreflect.MessageDescriptor {
	if absolute, ok := strings.CutPrefix(name, "."); ok {
		return s[protoreflect.FullName(absolute)]
	}
	for enclosing := from.FullName(); enclosing != ""; enclosing = enclosing.Parent() {
		if desc, ok := s[enclosing+"."+protoreflect.FullName(name)]; ok {
			return desc
		}
	}
	return s[protoreflect.FullName(name)]
}

// resolveReply connects a message with the one that answers it.
func (s *Schema) resolveReply(message *Message, names scope, problems *Problems) {
	stated := message.stated.GetReply()
	if stated == "" {
		return
	}
	report := func(what, mend string) {
		if message.File.Generate {
			problems.Add(message.AtReply(), what, quote(stated), mend)
		}
	}
	desc := names.find(message.Desc, stated)
	if desc == nil {
		report("the reply is not a known message", s.suggestReply(message, stated))
		return
	}
	reply := s.messages[desc.FullName()]
	if reply == nil {
		report("the reply has no rules",
			"annotate "+string(desc.FullName())+" with origin: "+answering(message)[0].String())
		return
	}
	if !visible(message.Desc, desc) {
		report("the file of the reply is not imported", "add import "+quote(desc.ParentFile().Path()))
	}
	message.Reply = reply
	message.Rules.Reply = string(desc.FullName())
	reply.answersClient = reply.answersClient || message.FromClient()
	reply.answersServer = reply.answersServer || message.FromServer()
	checkAnswers(message, reply, report)
}

func (s *Schema) suggestReply(message *Message, name string) string {
	own := string(message.File.Desc.Package()) + "."
	var candidates []string
	for _, each := range s.all() {
		full := string(each.Desc.FullName())
		candidates = append(candidates, full, strings.TrimPrefix(full, own))
	}
	return spelling.Suggest(name, slices.Compact(candidates),
		"name an annotated message as in a field declaration, and import its file")
}

// answering lists the origins that a reply to the message may have, the best
// one first.
func answering(message *Message) []protowayv1.Rules_Origin {
	switch message.Rules.GetOrigin() {
	case protowayv1.Rules_CLIENT:
		return []protowayv1.Rules_Origin{protowayv1.Rules_SERVER, protowayv1.Rules_BOTH}
	case protowayv1.Rules_SERVER:
		return []protowayv1.Rules_Origin{protowayv1.Rules_CLIENT, protowayv1.Rules_BOTH}
	default:
		return []protowayv1.Rules_Origin{protowayv1.Rules_BOTH}
	}
}

func checkAnswers(message, reply *Message, report func(what, mend string)) {
	origin, answer := message.Rules.GetOrigin(), reply.Rules.GetOrigin()
	if !knownOrigin(origin) || !knownOrigin(answer) {
		return // reported as what it is
	}
	allowed := answering(message)
	if slices.Contains(allowed, answer) {
		return
	}
	names := make([]string, len(allowed))
	for i, each := range allowed {
		names[i] = each.String()
	}
	report("the reply has origin "+answer.String()+", but this message has origin "+origin.String(),
		"give "+string(reply.Desc.FullName())+" origin "+strings.Join(names, " or "))
}

// visible reports whether the file of a message can name the other message.
// Files of one package need no import for it: a lint rule against unused
// imports would forbid one that only a reply needs.
func visible(from, to protoreflect.MessageDescriptor) bool {
	return from.ParentFile().Package() == to.ParentFile().Package() || Imports(from, to)
}

// Imports reports whether the file of a message is the file of the other or
// imports it, as the compiler sees it: public imports of an import count.
func Imports(from, to protoreflect.MessageDescriptor) bool {
	file, path := from.ParentFile(), to.ParentFile().Path()
	return file.Path() == path || imports(file, path, false)
}

func imports(file protoreflect.FileDescriptor, path string, publicOnly bool) bool {
	for i := range file.Imports().Len() {
		each := file.Imports().Get(i)
		if publicOnly && !each.IsPublic {
			continue
		}
		if each.Path() == path || imports(each.FileDescriptor, path, true) {
			return true
		}
	}
	return false
}
