package protoway

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/protoway/protoway/wire"
)

// addPackages adds all messages of the proto packages whose messages receivers
// handle: replies, broadcasts, and those that nobody handles, which are reported.
func (s *Server) addPackages() error {
	packages := map[protoreflect.FullName]bool{}
	for _, e := range s.catalog.Entries() {
		packages[e.Message.Descriptor().ParentFile().Package()] = true
	}
	var errs []error
	protoregistry.GlobalTypes.RangeMessages(func(mt protoreflect.MessageType) bool {
		if !packages[mt.Descriptor().ParentFile().Package()] {
			return true
		}
		if err := s.catalog.Add(mt); err != nil && !errors.Is(err, wire.ErrNoRules) {
			errs = append(errs, err)
		}
		return true
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return s.reportUnhandled(packages)
}

// reportUnhandled says which messages clients may send and nobody handles.
func (s *Server) reportUnhandled(packages map[protoreflect.FullName]bool) error {
	answers := map[*wire.Entry]bool{} // to requests of the server: no receiver handles them
	for _, e := range s.catalog.Entries() {
		if e.FromServer() && e.Reply != nil {
			answers[e.Reply] = true
		}
	}
	for _, e := range s.catalog.Entries() {
		if e.FromClient() && !answers[e] && !s.handled(e) && !s.ownPackage(e) {
			s.unhandled = append(s.unhandled, e)
		}
	}
	if len(s.unhandled) == 0 {
		return nil
	}
	unhandled := make([]string, len(s.unhandled))
	for i, e := range s.unhandled {
		unhandled[i] = string(e.Name())
	}
	slices.Sort(unhandled)
	if s.config.Strict {
		return fmt.Errorf("no receiver handles %s: add methods of these names, or leave Strict off", strings.Join(unhandled, ", "))
	}
	s.config.Logger.Warn("no receiver handles these messages; clients that send them are acked unimplemented",
		"messages", unhandled, "packages", len(packages))
	return nil
}

func (s *Server) handled(e *wire.Entry) bool {
	for _, path := range s.paths {
		if path.Router.Binding(e) != nil {
			return true
		}
	}
	return false
}

// ownPackage reports whether a message is one of the gateway's own, whose
// receivers an application adds or leaves out as it likes.
func (s *Server) ownPackage(e *wire.Entry) bool {
	return e.Message.Descriptor().ParentFile().Package() == "protoway.v1"
}
