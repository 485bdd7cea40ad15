package scaffold

import (
	_ "embed"
	"regexp"
	"strings"

	"google.golang.org/protobuf/cmd/protoc-gen-go/internal_gengo"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"

	"github.com/protoway/protoway/cmd/internal/golang"
	"github.com/protoway/protoway/cmd/internal/model"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

// ownImport is an import of a proto file of Protoway.
var ownImport = regexp.MustCompile(`(?m)^import (?:public )?"(protoway/v1/[^"]+)";`)

// placeholder is the name and the module of the project that schema was compiled
// for. No other word of the schema contains it.
const placeholder = "placeholder"

// schema is the compiled schema.proto.tmpl: a FileDescriptorProto with comments.
// A test compares it with what buf makes.
//
//go:embed project/schema.binpb
var schema []byte

// generate makes the generated code, as the plugins do when buf runs them.
func (p Project) generate() (map[string][]byte, error) {
	request, err := p.request()
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	for _, run := range []func([]byte) (*protogen.Plugin, error){runGo, runProtoway} {
		plugin, err := run(request)
		if err != nil {
			return nil, err
		}
		for _, file := range plugin.Response().GetFile() {
			files[file.GetName()] = []byte(file.GetContent())
		}
	}
	return files, nil
}

// request is what buf would send to the plugins.
func (p Project) request() ([]byte, error) {
	file := new(descriptorpb.FileDescriptorProto)
	if err := (proto.UnmarshalOptions{Resolver: noExtensions}).Unmarshal(schema, file); err != nil {
		return nil, err
	}
	file.Name = proto.String(p.schemaFile())
	file.Package = proto.String(strings.ReplaceAll(file.GetPackage(), placeholder, p.Name))
	file.Options.GoPackage = proto.String(p.Module + "/gen/" + p.Name + "/v1;" + p.Name + "v1")
	request := &pluginpb.CodeGeneratorRequest{
		FileToGenerate: []string{p.schemaFile()},
		Parameter:      proto.String("module=" + p.Module),
		ProtoFile:      append(dependencies(protowayv1.File_protoway_v1_annotations_proto), file),
	}
	return proto.Marshal(request)
}

// dependencies are a file and what it imports, in the order that plugins want.
func dependencies(file protoreflect.FileDescriptor) []*descriptorpb.FileDescriptorProto {
	var all []*descriptorpb.FileDescriptorProto
	seen := make(map[string]bool)
	var add func(protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		for i := range file.Imports().Len() {
			add(file.Imports().Get(i).FileDescriptor)
		}
		all = append(all, protodesc.ToFileDescriptorProto(file))
	}
	add(file)
	return all
}

// noExtensions knows no options: the descriptor that protoc-gen-go prints has
// them in the order of the schema, if nobody reads and writes them before.
var noExtensions = new(protoregistry.Types)

// runGo is protoc-gen-go.
func runGo(encoded []byte) (*protogen.Plugin, error) {
	request := new(pluginpb.CodeGeneratorRequest)
	if err := (proto.UnmarshalOptions{Resolver: noExtensions}).Unmarshal(encoded, request); err != nil {
		return nil, err
	}
	plugin, err := protogen.Options{}.New(request)
	if err != nil {
		return nil, err
	}
	for _, file := range plugin.Files {
		if file.Generate {
			internal_gengo.GenerateFile(plugin, file)
		}
	}
	return plugin, nil
}

// runProtoway is protoc-gen-protoway.
func runProtoway(encoded []byte) (*protogen.Plugin, error) {
	request := new(pluginpb.CodeGeneratorRequest)
	if err := proto.Unmarshal(encoded, request); err != nil {
		return nil, err
	}
	plugin, err := protogen.Options{}.New(request)
	if err != nil {
		return nil, err
	}
	sources := make([]model.Source, len(plugin.Files))
	for i, file := range plugin.Files {
		sources[i] = model.Source{Desc: file.Desc, Generate: file.Generate}
	}
	built, problems := model.Build(sources)
	generator := golang.New(plugin, built)
	if err := append(problems, generator.Check()...).Err(); err != nil {
		return nil, err
	}
	generator.Generate()
	return plugin, nil
}
