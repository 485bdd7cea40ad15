package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/protoway/protoway/cmd/internal/model"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire"
)

// schema is what the proto files of a server say.
type schema struct {
	name    string // how the command line names it
	catalog *wire.Catalog
}

// newCatalog returns a catalog that takes messages until it is sealed. Then it gets
// those of the gateway itself, and refuses what else is linked into this program,
// such as the example's messages: that is of another schema.
func newCatalog() (catalog *wire.Catalog, seal func()) {
	sealed := false
	catalog = wire.NewCatalog(func(e *wire.Entry) error {
		if sealed && !ofGateway(e) {
			return fmt.Errorf("%s is not of this schema", e.Name())
		}
		return nil
	})
	return catalog, func() {
		sealed = true
		var linked []protoreflect.MessageType
		protoregistry.GlobalTypes.RangeMessages(func(mt protoreflect.MessageType) bool {
			linked = append(linked, mt)
			return true
		})
		_ = catalog.Add(linked...) // most are refused, and those whose name is taken
	}
}

// ofGateway reports whether a message is of the gateway, and so of every schema.
func ofGateway(e *wire.Entry) bool { return strings.HasPrefix(string(e.Name()), "protoway.") }

// loadSchema reads a FileDescriptorSet, or has buf build the one of a folder.
func loadSchema(cmd *cobra.Command, name, binary string) (*schema, error) {
	found, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("--schema: %w; make the file with buf build -o schema.binpb", err)
	}
	var set *descriptorpb.FileDescriptorSet
	if found.IsDir() {
		set, err = compileSchema(cmd, name, binary)
	} else {
		set, err = readSchema(name)
	}
	if err != nil {
		return nil, err
	}
	catalog, err := catalogOf(set)
	if err != nil {
		return nil, fmt.Errorf("--schema %s: %w", name, err)
	}
	return &schema{name, catalog}, nil
}

func compileSchema(cmd *cobra.Command, folder, binary string) (*descriptorpb.FileDescriptorSet, error) {
	buf, err := findBuf(cmd, binary)
	if err != nil {
		return nil, err
	}
	set, problems, err := buildSchema(cmd, buf, folder)
	if err != nil || len(problems) == 0 {
		return set, err
	}
	for _, p := range sorted(problems) {
		progress(cmd, "%s", p)
	}
	return nil, fmt.Errorf("--schema %s does not compile: mend it, or state a file", folder)
}

func readSchema(name string) (*descriptorpb.FileDescriptorSet, error) {
	encoded, err := os.ReadFile(name) //nolint:gosec // the user states it
	if err != nil {
		return nil, fmt.Errorf("--schema: %w", err)
	}
	set := new(descriptorpb.FileDescriptorSet)
	if err := proto.Unmarshal(encoded, set); err != nil || len(set.GetFile()) == 0 {
		return nil, fmt.Errorf("--schema %s is no FileDescriptorSet: make it with buf build -o schema.binpb", name)
	}
	return set, nil
}

// catalogOf returns the messages of a set, with the rules that a generator would
// find: those of options and of comments.
func catalogOf(set *descriptorpb.FileDescriptorSet) (*wire.Catalog, error) {
	files, err := protodesc.NewFiles(set)
	if err != nil {
		return nil, fmt.Errorf("%w; a set must contain what its files import", err)
	}
	var sources []model.Source
	for _, file := range set.GetFile() {
		desc, err := files.FindFileByPath(file.GetName())
		if err != nil {
			return nil, err
		}
		sources = append(sources, model.Source{Desc: desc, Generate: !isImport(file)})
	}
	described, problems := model.Build(sources)
	if len(problems) > 0 {
		return nil, fmt.Errorf("%w (and %d more); protoway check lists all", problems[0], len(problems)-1)
	}
	stateRules(set, described)
	if files, err = protodesc.NewFiles(set); err != nil {
		return nil, err
	}
	return fillCatalog(files, described)
}

// stateRules writes the rules into the options of the messages, where a catalog
// looks for them. Replies are left out: it would look for them among the messages
// that are linked into this program.
func stateRules(set *descriptorpb.FileDescriptorSet, described *model.Schema) {
	rules := map[protoreflect.FullName]*protowayv1.Rules{}
	for _, file := range described.Files {
		for _, m := range file.Messages {
			rules[m.Desc.FullName()] = proto.CloneOf(m.Rules)
			rules[m.Desc.FullName()].Reply = ""
		}
	}
	var walk func(scope protoreflect.FullName, messages []*descriptorpb.DescriptorProto)
	walk = func(scope protoreflect.FullName, messages []*descriptorpb.DescriptorProto) {
		for _, m := range messages {
			name := scope.Append(protoreflect.Name(m.GetName()))
			if found := rules[name]; found != nil {
				if m.GetOptions() == nil {
					m.Options = new(descriptorpb.MessageOptions)
				}
				proto.SetExtension(m.GetOptions(), protowayv1.E_Message, found)
			}
			walk(name, m.GetNestedType())
		}
	}
	for _, file := range set.GetFile() {
		walk(protoreflect.FullName(file.GetPackage()), file.GetMessageType())
	}
}

func fillCatalog(files *protoregistry.Files, described *model.Schema) (*wire.Catalog, error) {
	catalog, seal := newCatalog()
	var errs []error
	for _, file := range described.Files {
		for _, m := range file.Messages {
			desc, err := files.FindDescriptorByName(m.Desc.FullName())
			if err != nil {
				return nil, err
			}
			message, isMessage := desc.(protoreflect.MessageDescriptor)
			if !isMessage {
				return nil, fmt.Errorf("%s is no message", desc.FullName())
			}
			errs = append(errs, catalog.Add(dynamicpb.NewMessageType(message)))
		}
	}
	seal()
	return catalog, errors.Join(errs...)
}

// check says whether clients may send a type, and what may be meant if not.
func (s *schema) check(kind string) error {
	if s.catalog.FromClient(kind) != nil {
		return nil
	}
	var known []string
	for _, e := range s.catalog.Entries() {
		if e.FromClient() && !ofGateway(e) {
			known = append(known, e.Type)
		}
	}
	slices.Sort(known)
	if s.catalog.FromServer(kind) != nil {
		return usagef("type %q has origin SERVER in %s: clients send %s", kind, s.name, strings.Join(known, ", "))
	}
	return usagef("there is no type %q in %s: clients send %s", kind, s.name, strings.Join(known, ", "))
}
