// Package model turns the annotated messages of a set of proto files into plain
// structs that know nothing of a target language, and finds every mistake in
// the annotations. A generator gets a [Schema] that holds only what is valid,
// or the [Problems] of all files at once.
package model

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

// Source is one proto file of a run of the plugin.
type Source struct {
	Desc protoreflect.FileDescriptor
	// Generate is false for a file that others only import. Its messages may be
	// replies and occupy their types, but its mistakes are not reported.
	Generate bool
}

// Schema is what the annotations of all files say.
type Schema struct {
	// Files stand in the order of the sources.
	Files []*File

	messages map[protoreflect.FullName]*Message
}

// File is one proto file.
type File struct {
	Source
	// Messages are the annotated ones as they stand in the file, a nested
	// message after the one it is declared in.
	Messages []*Message
}

// Message is one annotated message.
type Message struct {
	Desc protoreflect.MessageDescriptor
	File *File
	// Rules are complete: the type and the lane's name are filled in and the
	// reply is a full name.
	Rules *protowayv1.Rules
	// Reply answers the message; nil if there is none.
	Reply *Message
	// Comment stands in front of the message, without comment marks and
	// annotations.
	Comment string

	answersClient, answersServer bool
	// stated are the rules as they were written, for messages about them.
	stated *protowayv1.Rules
	// commented are those of them that the comment states; nil if it states none.
	commented *commented
}

// FromClient reports whether clients may send the message.
func (m *Message) FromClient() bool {
	origin := m.Rules.GetOrigin()
	return origin == protowayv1.Rules_CLIENT || origin == protowayv1.Rules_BOTH
}

// FromServer reports whether the server may send the message.
func (m *Message) FromServer() bool {
	origin := m.Rules.GetOrigin()
	return origin == protowayv1.Rules_SERVER || origin == protowayv1.Rules_BOTH
}

// Calls reports whether clients send the message by itself. A message of client
// origin that answers one of the server is not sent by itself.
func (m *Message) Calls() bool {
	return m.FromClient() && (m.FromServer() || !m.answersServer)
}

// Arrives reports whether clients receive the message by itself. A message of
// server origin that answers one of a client comes inside an ack.
func (m *Message) Arrives() bool {
	return m.FromServer() && (m.FromClient() || !m.answersClient)
}

// Build reads the annotations of all sources. If there are problems, the schema
// is what could be understood, good for finding more problems only.
func Build(sources []Source) (*Schema, Problems) {
	schema := &Schema{messages: make(map[protoreflect.FullName]*Message)}
	for _, source := range sources {
		file := &File{Source: source}
		schema.Files = append(schema.Files, file)
		schema.addMessages(file, source.Desc.Messages())
	}
	var problems Problems
	names := newScope(sources)
	for _, message := range schema.all() {
		schema.resolveReply(message, names, &problems)
	}
	for _, message := range schema.all() {
		if message.File.Generate {
			checkMessage(message, &problems)
		}
	}
	checkTypesUnique(schema.all(), &problems)
	return schema, problems
}

func (s *Schema) addMessages(file *File, descs protoreflect.MessageDescriptors) {
	for i := range descs.Len() {
		desc := descs.Get(i)
		if desc.IsMapEntry() {
			continue
		}
		if message := newMessage(file, desc); message != nil {
			file.Messages = append(file.Messages, message)
			s.messages[desc.FullName()] = message
		}
		s.addMessages(file, desc.Messages())
	}
}

// newMessage reads the rules of a message from its option and from the comment
// in front of it; nil if neither has any.
func newMessage(file *File, desc protoreflect.MessageDescriptor) *Message {
	stated, commented := option(desc), readComment(desc)
	doc := commented.Doc
	if commented.Annotated {
		stated = commented.merge(stated)
	} else {
		commented = nil
	}
	if stated == nil {
		return nil
	}
	return &Message{
		Desc:      desc,
		File:      file,
		Rules:     complete(desc, stated),
		Comment:   doc,
		stated:    stated,
		commented: commented,
	}
}

func (s *Schema) all() []*Message {
	var all []*Message
	for _, file := range s.Files {
		all = append(all, file.Messages...)
	}
	return all
}
