package golang

import (
	"slices"
	"strconv"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/protoway/protoway/cmd/internal/model"
)

// Names of what is generated for a file and a message.
func (f *goFile) receiverName() string { return f.base() + "Receiver" }
func (f *goFile) clientName() string   { return f.base() + "Client" }
func (f *goFile) newName() string      { return "New" + f.clientName() }
func (m *goMessage) onName() string    { return "On" + m.name() }

// Check finds what is valid in the schema but cannot be spelled in Go.
func (g *Generator) Check() model.Problems {
	var problems model.Problems
	for _, file := range g.files {
		for _, message := range file.messages {
			checkMembers(message, &problems)
			checkImport(message, &problems)
		}
		checkClientMethods(file, &problems)
		checkReceiverMethods(file, &problems)
	}
	g.checkFiles(&problems)
	return problems
}

// checkMembers finds fields and oneofs whose Go names are those of the
// generated methods.
func checkMembers(message *goMessage, problems *model.Problems) {
	check := func(goName string, desc protoreflect.Descriptor) {
		if goName == "ProtowayRules" || goName == "ProtowayRoute" {
			problems.Add(model.Locate(desc), "the name is that of a generated Go method, "+goName,
				quote(desc.Name()), "rename it")
		}
	}
	for _, field := range message.proto.Fields {
		check(field.GoName, field.Desc)
	}
	for _, oneof := range message.proto.Oneofs {
		check(oneof.GoName, oneof.Desc)
	}
}

// checkImport finds a reply in a Go package that the message's package would
// import for it alone, which could make an import cycle.
func checkImport(message *goMessage, problems *model.Problems) {
	if message.reply == nil || message.reply.GoIdent.GoImportPath == message.proto.GoIdent.GoImportPath {
		return
	}
	from, to := message.Desc, message.Reply.Desc
	if from.ParentFile().Package() != to.ParentFile().Package() || model.Imports(from, to) {
		return // there is an import, or the model reported that there is none
	}
	problems.Add(message.AtReply(), "the reply is in another Go package, and its file is not imported",
		quote(to.FullName()), "add import "+quote(to.ParentFile().Path()))
}

// checkClientMethods finds messages that need the same method of a client:
// OnSaid, which clients send, and Said, which they receive.
func checkClientMethods(file *goFile, problems *model.Problems) {
	calls := make(map[string]*goMessage)
	for _, message := range file.calls() {
		calls[message.name()] = message
	}
	for _, message := range file.arrivals() {
		if other := calls[message.onName()]; other != nil {
			problems.Add(message.At(), "both the call of "+string(other.Desc.Name())+" and the receipt of this message are method "+
				message.onName()+" of "+file.clientName(), quote(message.Desc.Name()), "rename one of the two messages")
		}
	}
}

// receiverMethods are what the gateway calls on a receiver besides the methods
// for messages; package receivers has them.
var receiverMethods = []string{"Connected", "Authenticated", "Rejoin", "Disconnected", "Routes"}

// checkReceiverMethods refuses messages whose method a receiver can only have
// instead of one of its own: it would compile, and never be told of a connection.
func checkReceiverMethods(file *goFile, problems *model.Problems) {
	for _, message := range file.calls() {
		if slices.Contains(receiverMethods, message.name()) {
			problems.Add(message.At(), "the name is that of a method that receivers have for another purpose, "+message.name(),
				quote(message.Desc.Name()), "rename the message; state type "+quote(message.Rules.GetType())+" to keep its name on the wire")
		}
	}
}

// checkFiles finds files whose generated names meet in one package.
func (g *Generator) checkFiles(problems *model.Problems) {
	type name struct {
		path protogen.GoImportPath
		name string
	}
	names := make(map[name]*goFile)
	for _, file := range g.files {
		if !file.hasWay() {
			continue
		}
		if _, taken := g.packages[file.wayPath()]; taken {
			problems.Add(model.LocatePackage(file.Desc), "the Go package of the generated client is the package of other messages",
				quote(file.wayPath()), "change go_package of one of the two")
		}
		for _, each := range file.exported() {
			other := names[name{file.wayPath(), each}]
			if other == nil {
				names[name{file.wayPath(), each}] = file
				continue
			}
			problems.Add(model.LocatePackage(file.Desc), "the Go name "+each+" is generated for "+other.Desc.Path()+" too",
				quote(file.Desc.Path()), "rename one of the two files, or change go_package of one")
			break
		}
	}
}

// exported are the names that the file adds to the sub-package.
func (f *goFile) exported() []string {
	names := []string{f.clientName(), f.newName()}
	if len(f.calls()) > 0 {
		names = append(names, f.receiverName())
	}
	return names
}

func quote[S ~string](text S) string { return strconv.Quote(string(text)) }
