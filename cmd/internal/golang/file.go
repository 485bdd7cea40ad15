package golang

import (
	"path"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/protoway/protoway/cmd/internal/model"
)

// goFile is a proto file with annotated messages, as Go sees it.
type goFile struct {
	*protogen.File
	messages []*goMessage
}

// goMessage is an annotated message, as Go sees it.
type goMessage struct {
	*model.Message
	proto *protogen.Message
	// reply is the reply's Go message; nil if there is none.
	reply *protogen.Message
}

func newFile(file *protogen.File, from *model.File, messages map[protoreflect.FullName]*protogen.Message) *goFile {
	made := &goFile{File: file}
	for _, message := range from.Messages {
		each := &goMessage{Message: message, proto: messages[message.Desc.FullName()]}
		if message.Reply != nil {
			each.reply = messages[message.Reply.Desc.FullName()]
		}
		made.messages = append(made.messages, each)
	}
	return made
}

// name is the message's Go type and the name of every method that handles or
// sends it.
func (m *goMessage) name() string { return m.proto.GoIdent.GoName }

// calls are the messages that clients send by themselves.
func (f *goFile) calls() []*goMessage { return f.only((*model.Message).Calls) }

// arrivals are the messages that clients receive by themselves.
func (f *goFile) arrivals() []*goMessage { return f.only((*model.Message).Arrives) }

func (f *goFile) only(is func(*model.Message) bool) []*goMessage {
	var some []*goMessage
	for _, message := range f.messages {
		if is(message.Message) {
			some = append(some, message)
		}
	}
	return some
}

// hasWay reports whether the file has anything for the sub-package.
func (f *goFile) hasWay() bool { return len(f.calls())+len(f.arrivals()) > 0 }

func (f *goFile) wayName() string { return string(f.GoPackageName) + "way" }

func (f *goFile) wayPath() protogen.GoImportPath {
	return f.GoImportPath + "/" + protogen.GoImportPath(f.wayName())
}

func (f *goFile) wayFilename() string {
	dir, base := path.Split(f.GeneratedFilenamePrefix)
	return dir + f.wayName() + "/" + base + fileSuffix
}

// base is the file's name in Go's spelling, which begins the names of what is
// generated for it: room_chat.proto is RoomChat.
func (f *goFile) base() string {
	words := strings.FieldsFunc(path.Base(f.GeneratedFilenamePrefix), func(r rune) bool {
		return !isLetter(r) && !isDigit(r)
	})
	for i, word := range words {
		words[i] = strings.ToUpper(word[:1]) + word[1:]
	}
	name := strings.Join(words, "")
	if name == "" || isDigit(rune(name[0])) {
		return "File" + name
	}
	return name
}

func isLetter(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }

func isDigit(r rune) bool { return '0' <= r && r <= '9' }
