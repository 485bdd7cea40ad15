package protojson

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// outputName returns the name of a field in the given style.
func outputName(fd protoreflect.FieldDescriptor, style NameStyle) string {
	switch style {
	case KeepDigits:
		return keepDigits(string(fd.Name()))
	case ProtoNames:
		return fd.TextName()
	default:
		return strings.ToValidUTF8(fd.JSONName(), "_") // the other names are identifiers
	}
}

// keepDigits turns a declared name into lowerCamel. Only an underscore between the first character and a lower-case
// letter goes, as in the camelCase function of protobuf.js, whose clients know no other spelling.
func keepDigits(name string) string {
	b := make([]byte, 0, len(name))
	for i := 0; i < len(name); i++ {
		if name[i] == '_' && i > 0 && i+1 < len(name) && isLower(name[i+1]) {
			i++
			b = append(b, name[i]-'a'+'A')
			continue
		}
		b = append(b, name[i])
	}
	return string(b)
}

// camelCase is the lowerCamel of the standard mapping, in which every underscore goes.
func camelCase(name string) string {
	b := make([]byte, 0, len(name))
	for i := range len(name) {
		c := name[i]
		if c == '_' {
			continue
		}
		if i > 0 && name[i-1] == '_' && isLower(c) {
			c -= 'a' - 'A'
		}
		b = append(b, c)
	}
	return string(b)
}

// snakeCase is the inverse of camelCase, where it has one.
func snakeCase(name string) string {
	b := make([]byte, 0, len(name)+8)
	for i := range len(name) {
		c := name[i]
		if isUpper(c) {
			b = append(b, '_')
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return string(b)
}

// appendFold appends the form that all spellings of a name share: snake_case with an underscore also in front of a
// number, none doubled and none at the ends. camelCase, camel_case and CamelCase become camel_case; key0, key_0 and
// Key0 become key_0.
func appendFold[T string | []byte](dst []byte, name T) []byte {
	start := len(dst)
	for i := range len(name) {
		c := name[i]
		isNew := isUpper(c) || isDigit(c) && i > 0 && !isDigit(name[i-1])
		if (isNew || c == '_') && len(dst) > start && dst[len(dst)-1] != '_' {
			dst = append(dst, '_')
		}
		switch {
		case c == '_':
		case isUpper(c):
			dst = append(dst, c+'a'-'A')
		default:
			dst = append(dst, c)
		}
	}
	if len(dst) > start && dst[len(dst)-1] == '_' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
