package golang

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
)

// messagePrinter prints the file beside the messages of one proto file. It
// imports nothing of the gateway, which itself imports such files.
type messagePrinter struct {
	*protogen.GeneratedFile
	imports  *imports
	packages map[protogen.GoImportPath]protogen.GoPackageName
}

func (g *Generator) generateMessages(file *goFile) {
	p := messagePrinter{
		GeneratedFile: g.plugin.NewGeneratedFile(file.GeneratedFilenamePrefix+fileSuffix, file.GoImportPath),
		imports:       newImports(file.GoImportPath),
		packages:      g.packages,
	}
	printHeader(p.GeneratedFile, file)
	p.P("package ", file.GoPackageName)
	p.P()
	for _, message := range file.messages {
		if message.FromClient() {
			g.addRouteImports(p.imports, message)
		}
	}
	p.imports.print(p.GeneratedFile)
	for _, message := range file.messages {
		p.printRules(message)
		if message.FromClient() {
			p.printRoute(message)
		}
	}
}

func (g *Generator) addRouteImports(list *imports, message *goMessage) {
	list.addFixed(contextPath, "context")
	list.addFixed(protoPath, "proto")
	if message.reply != nil {
		list.addFixed(errorsPath, "errors")
		path := message.reply.GoIdent.GoImportPath
		list.add(path, g.packages[path])
	}
}

func (p messagePrinter) printRules(message *goMessage) {
	serialized, err := proto.MarshalOptions{Deterministic: true}.Marshal(message.Rules)
	if err != nil {
		panic(err) // the rules were valid when the request was read
	}
	name := message.name()
	p.P("// ProtowayRules returns the rules of ", name, ", serialized as protoway.v1.Rules:")
	p.P("//")
	p.P("//\t", text(message.Rules.ProtoReflect()))
	p.P("func (*", name, ") ProtowayRules() string {")
	p.P("return ", strconv.QuoteToASCII(string(serialized)))
	p.P("}")
	p.P()
}

func (p messagePrinter) printRoute(message *goMessage) {
	name := message.name()
	p.P("// ProtowayRoute connects receiver's method ", name, " to the message. ok is false if there is none;")
	p.P("// err says why a method of that name cannot be connected.")
	p.P("func (*", name, ") ProtowayRoute(receiver any) (handle func(context.Context, proto.Message) (proto.Message, error), ok bool, err error) {")
	p.P("switch r := receiver.(type) {")
	if message.reply == nil {
		p.printPlainRoute(name)
	} else {
		p.printReplyRoute(message)
	}
	p.P("}")
	p.P("return nil, false, nil")
	p.P("}")
	p.P()
}

func (p messagePrinter) printPlainRoute(name string) {
	p.printCase(name, "error")
	p.P("return func(ctx context.Context, in proto.Message) (proto.Message, error) {")
	p.P("return nil, r.", name, "(ctx, in.(*", name, "))")
	p.P("}, true, nil")
}

// printReplyRoute turns a nil reply into a nil proto.Message: inside the
// interface it would not be nil any more.
func (p messagePrinter) printReplyRoute(message *goMessage) {
	name := message.name()
	p.printCase(name, "(*"+p.imports.ident(message.reply.GoIdent)+", error)")
	p.P("return func(ctx context.Context, in proto.Message) (proto.Message, error) {")
	p.P("out, err := r.", name, "(ctx, in.(*", name, "))")
	p.P("if out == nil {")
	p.P("return nil, err")
	p.P("}")
	p.P("return out, err")
	p.P("}, true, nil")
	p.printCase(name, "error")
	p.P("return nil, false, errors.New(", quote(p.nearMiss(message)), ")")
}

// printCase begins the case of a receiver whose method for the message returns
// the given results.
func (p messagePrinter) printCase(name, results string) {
	p.P("case interface {")
	p.P(name, "(context.Context, *", name, ") ", results)
	p.P("}:")
}

// nearMiss tells what is wrong with a method that returns only an error. It
// names packages as users do, which need not be the name in this file.
func (p messagePrinter) nearMiss(message *goMessage) string {
	reply := strings.TrimPrefix(message.Rules.GetReply(), string(message.File.Desc.Package())+".")
	ident := message.reply.GoIdent
	goName := ident.GoName
	if ident.GoImportPath != p.imports.self {
		goName = string(p.packages[ident.GoImportPath]) + "." + goName
	}
	return "method " + message.name() + " returns only an error, but the schema says reply " + quote(reply) +
		": return (*" + goName + ", error)"
}
