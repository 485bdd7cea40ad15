package wire

import (
	"fmt"
	"strings"
	"unicode"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

// ruler is what the plugin generates: the checked and completed rules.
type ruler interface{ ProtowayRules() string }

// rulesOf returns the rules of a message: what the plugin generated, or what the
// descriptor says for types without generated code.
func rulesOf(mt protoreflect.MessageType) (*protowayv1.Rules, error) {
	name := mt.Descriptor().FullName()
	if generated, ok := mt.Zero().Interface().(ruler); ok {
		rules := &protowayv1.Rules{}
		if err := proto.Unmarshal([]byte(generated.ProtowayRules()), rules); err != nil {
			return nil, fmt.Errorf("%s: generated rules: %w: run buf generate again", name, err)
		}
		return rules, nil
	}
	options := mt.Descriptor().Options()
	if options == nil || !proto.HasExtension(options, protowayv1.E_Message) {
		return nil, fmt.Errorf("%s: %w", name, ErrNoRules)
	}
	rules := proto.CloneOf(proto.GetExtension(options, protowayv1.E_Message).(*protowayv1.Rules))
	if rules.GetOrigin() == protowayv1.Rules_ORIGIN_UNSPECIFIED {
		return nil, fmt.Errorf("%s: the rules state no origin: add origin: CLIENT, SERVER or BOTH", name)
	}
	if rules.GetType() == "" {
		rules.Type = Kebab(string(mt.Descriptor().Name()))
	}
	if lane := rules.GetLane(); lane != nil && lane.GetName() == "" {
		lane.Name = lane.GetField()
	}
	return rules, nil
}

// findMessage resolves name as a field declaration in scope would.
func findMessage(scope protoreflect.Descriptor, name string) (protoreflect.MessageType, error) {
	if strings.HasPrefix(name, ".") {
		return protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(name[1:]))
	}
	for at := scope; at != nil; at = at.Parent() {
		candidate := protoreflect.FullName(name)
		if file, ok := at.(protoreflect.FileDescriptor); ok {
			if file.Package() != "" {
				candidate = file.Package().Append(protoreflect.Name(name))
			}
		} else {
			candidate = at.FullName().Append(protoreflect.Name(name))
		}
		if mt, err := protoregistry.GlobalTypes.FindMessageByName(candidate); err == nil {
			return mt, nil
		}
	}
	return protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(name))
}

// Kebab turns the name of a message into its default type: "JoinRoom" becomes
// "join-room", "HTTPGet" becomes "http-get".
func Kebab(name string) string {
	var out strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		startsWord := unicode.IsUpper(r) && i > 0 &&
			(!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
		switch {
		case r == '_':
			out.WriteByte('-')
			continue
		case startsWord && runes[i-1] != '_':
			out.WriteByte('-')
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
}
