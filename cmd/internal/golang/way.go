package golang

import (
	"strings"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/types/descriptorpb"
)

// wayPrinter prints the receiver interface and the typed client of one file.
type wayPrinter struct {
	*protogen.GeneratedFile
	imports *imports
	file    *goFile
}

func (g *Generator) generateWay(file *goFile, documented bool) {
	p := wayPrinter{
		GeneratedFile: g.plugin.NewGeneratedFile(file.wayFilename(), file.wayPath()),
		imports:       newImports(file.wayPath()),
		file:          file,
	}
	printHeader(p.GeneratedFile, file)
	if documented {
		p.P("// Package ", file.wayName(), " holds the receiver interfaces and typed clients of ", file.Desc.Package(), ".")
	}
	p.P("package ", file.wayName())
	p.P()
	g.addWayImports(p.imports, file)
	p.imports.print(p.GeneratedFile)
	if len(file.calls()) > 0 {
		p.printReceiver()
	}
	p.printClient()
}

func (g *Generator) addWayImports(list *imports, file *goFile) {
	list.addFixed(contextPath, "context")
	list.addFixed(clientPath, "client")
	list.add(file.GoImportPath, file.GoPackageName)
	for _, message := range append(file.calls(), file.arrivals()...) {
		if message.reply != nil {
			path := message.reply.GoIdent.GoImportPath
			list.add(path, g.packages[path])
		}
	}
}

func (p wayPrinter) printReceiver() {
	name := p.file.receiverName()
	p.P("// ", name, " has a method for each message of ", p.file.Desc.Path(), " that clients send. A receiver")
	p.P("// that means to handle all of them says so, and the compiler finds what is missing:")
	p.P("//")
	p.P("//\tvar _ ", p.file.wayName(), ".", name, " = (*", p.file.base(), ")(nil)")
	p.P("type ", name, " interface {")
	for _, message := range p.file.calls() {
		p.printComment(message, message.name()+" handles "+string(message.Desc.FullName())+".")
		p.P(message.name(), "(ctx context.Context, in *", p.imports.ident(message.proto.GoIdent), ") ", p.result(message))
	}
	p.P("}")
	p.P()
}

func (p wayPrinter) printClient() {
	name := p.file.clientName()
	p.P("// ", name, " sends and receives the messages of ", p.file.Desc.Path(), ".")
	p.P("type ", name, " struct {")
	p.P("caller client.Caller")
	p.P("}")
	p.P()
	p.P("// ", p.file.newName(), " makes the typed client of a connection.")
	p.P("func ", p.file.newName(), "(caller client.Caller) *", name, " {")
	p.P("return &", name, "{caller: caller}")
	p.P("}")
	p.P()
	for _, message := range p.file.calls() {
		p.printCall(message)
	}
	for _, message := range p.file.arrivals() {
		p.printOn(message)
	}
}

func (p wayPrinter) printCall(message *goMessage) {
	p.printComment(message, message.name()+" sends "+string(message.Desc.FullName())+".")
	p.P("func (c *", p.file.clientName(), ") ", message.name(), "(ctx context.Context, in *",
		p.imports.ident(message.proto.GoIdent), ", opts ...client.CallOption) ", p.result(message), " {")
	if message.reply == nil {
		p.P("return c.caller.Call(ctx, in, nil, opts...)")
	} else {
		p.P("out := &", p.imports.ident(message.reply.GoIdent), "{}")
		p.P("if err := c.caller.Call(ctx, in, out, opts...); err != nil {")
		p.P("return nil, err")
		p.P("}")
		p.P("return out, nil")
	}
	p.P("}")
	p.P()
}

func (p wayPrinter) printOn(message *goMessage) {
	name, in := message.onName(), "*"+p.imports.ident(message.proto.GoIdent)
	sentence, result, helper := " calls fn with every "+message.name()+" from the server.", "", "On"
	if message.reply != nil {
		sentence = " answers every " + message.name() + " from the server with what fn returns."
		result, helper = " "+p.result(message), "Answer"
	}
	if message.Comment != "" {
		sentence += "\n\n" + message.Comment
	}
	p.printLines(name + sentence)
	p.printDeprecated(message)
	p.P("func (c *", p.file.clientName(), ") ", name, "(fn func(context.Context, ", in, ")", result, ") {")
	p.P("client.", helper, "(c.caller, fn)")
	p.P("}")
	p.P()
}

// result is what a method for the message returns.
func (p wayPrinter) result(message *goMessage) string {
	if message.reply == nil {
		return "error"
	}
	return "(*" + p.imports.ident(message.reply.GoIdent) + ", error)"
}

// printComment prints the comment of the message, or else the given sentence.
func (p wayPrinter) printComment(message *goMessage, sentence string) {
	if message.Comment != "" {
		sentence = message.Comment
	}
	p.printLines(sentence)
	p.printDeprecated(message)
}

func (p wayPrinter) printDeprecated(message *goMessage) {
	if message.Desc.Options().(*descriptorpb.MessageOptions).GetDeprecated() {
		p.printLines("\nDeprecated: the schema marks " + string(message.Desc.FullName()) + " as deprecated.")
	}
}

// printLines prints a comment. The space behind the slashes keeps a line such
// as go:generate from being a directive.
func (p wayPrinter) printLines(comment string) {
	for line := range strings.SplitSeq(comment, "\n") {
		switch {
		case line == "":
			p.P("//")
		case strings.HasPrefix(line, "\t"):
			p.P("//", line)
		default:
			p.P("// ", line)
		}
	}
}
