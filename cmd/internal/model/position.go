package model

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Numbers of the fields on the way from a message to its rules.
const (
	optionsNumber int32 = 7 // DescriptorProto.options
	rulesNumber   int32 = 51273
)

// Numbers of the fields of Rules.
const (
	numberType int32 = iota + 1
	numberOrigin
	numberAuth
	numberPermissions
	numberAllowGroups
	numberDenyGroups
	numberReply
	numberMaxBytes
	numberRateLimit
	numberTimeout
	numberLane
	numberIdentity
	numberDedupe
	numberSlowConsumer
	numberClientCache
	numberReceiveAuth
	numberReceivePermissions
	numberReceiveAllowGroups
	numberReceiveDenyGroups
)

// Numbers of the fields of the messages in Rules.
const (
	numberRateLimitCount     int32 = 1
	numberRateLimitPer       int32 = 2
	numberLaneField          int32 = 1
	numberSlowConsumerPolicy int32 = 1
	numberSlowConsumerKey    int32 = 2
	numberClientCacheTTL     int32 = 1
	numberClientCacheKeys    int32 = 2
	numberCacheKeyKind       int32 = 1
	numberCacheKeyField      int32 = 2
)

// Position is a place in a proto file. Lines and columns count from 1; both are
// 0 if the compiler told nothing about the place.
type Position struct {
	File         string
	Line, Column int
}

// String spells the position as file:line:column.
func (p Position) String() string {
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// At is where the message is declared.
func (m *Message) At() Position { return Locate(m.Desc) }

// AtReply is where the reply of the message is stated.
func (m *Message) AtReply() Position { return m.atRule(numberReply) }

// atRule is where a rule of the message is stated. path is made of the numbers
// of the fields below Rules, with the index behind a repeated one. A rule that
// is not stated is at the option, or else at the first annotation of the comment.
func (m *Message) atRule(path ...int32) Position {
	if m.commented != nil {
		if at, ok := m.commented.find(path); ok {
			return at
		}
	}
	return Locate(m.Desc, append([]int32{optionsNumber, rulesNumber}, path...)...)
}

// element is the path to an element of a repeated rule. A list in brackets is
// located as a whole, under the index of its first element.
func (m *Message) element(number int32, index int) []int32 {
	locations := m.Desc.ParentFile().SourceLocations()
	start := locations.ByDescriptor(m.Desc).Path
	for i := int32(index); i > 0; i-- { //nolint:gosec // an index of a list in a file
		path := append(slices.Clone(start), optionsNumber, rulesNumber, number, i)
		if locations.ByPath(path).Path != nil {
			return []int32{number, i}
		}
	}
	return []int32{number, 0}
}

// LocatePackage finds the package statement of a file.
func LocatePackage(file protoreflect.FileDescriptor) Position {
	const packageNumber int32 = 2 // FileDescriptorProto.package
	return position(file, file.SourceLocations().ByPath(protoreflect.SourcePath{packageNumber}))
}

// Locate finds what path leads to below a message, field or oneof, or else the
// nearest thing around it that the compiler told the place of.
func Locate(desc protoreflect.Descriptor, path ...int32) Position {
	file := desc.ParentFile()
	locations := file.SourceLocations()
	start := locations.ByDescriptor(desc)
	if start.Path == nil {
		return Position{File: file.Path()}
	}
	whole := append(slices.Clone(start.Path), path...)
	found := locations.ByPath(whole)
	if found.Path == nil {
		found = firstBelow(locations, whole)
	}
	for ; found.Path == nil; whole = whole[:len(whole)-1] {
		found = locations.ByPath(whole)
	}
	return position(file, found)
}

func position(file protoreflect.FileDescriptor, at protoreflect.SourceLocation) Position {
	if at.Path == nil {
		return Position{File: file.Path()}
	}
	return Position{File: file.Path(), Line: at.StartLine + 1, Column: at.StartColumn + 1}
}

// firstBelow finds the first part of something that is not located as a whole:
// a message inside of an option, of which only the fields are.
func firstBelow(locations protoreflect.SourceLocations, path protoreflect.SourcePath) protoreflect.SourceLocation {
	for i := range locations.Len() {
		location := locations.Get(i)
		if len(location.Path) > len(path) && slices.Equal(location.Path[:len(path)], path) {
			return location
		}
	}
	return protoreflect.SourceLocation{}
}
