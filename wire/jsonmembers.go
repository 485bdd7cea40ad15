package wire

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/protoway/protoway/status"
)

// jsonMembers steps through the members of a JSON object without copying: a map of
// them would be most of what reading a small frame allocates.
type jsonMembers struct{ rest []byte }

// openMembers begins with an object. The data must be valid JSON; it reports false
// for anything but an object.
func openMembers(data []byte) (jsonMembers, bool) {
	data = trimJSON(data)
	if len(data) == 0 || data[0] != '{' {
		return jsonMembers{}, false
	}
	return jsonMembers{data[1:]}, true
}

// next returns the name and the value of the next member, as they stand, with the
// name's quotes taken off; false behind the last one.
func (m *jsonMembers) next() (name, value []byte, more bool) {
	m.rest = trimJSON(m.rest)
	if m.rest[0] == ',' {
		m.rest = trimJSON(m.rest[1:])
	}
	if m.rest[0] == '}' {
		return nil, nil, false
	}
	end := jsonStringEnd(m.rest)
	name, m.rest = m.rest[:end], trimJSON(m.rest[end:])
	m.rest = trimJSON(m.rest[1:]) // the colon
	end = jsonValueEnd(m.rest)
	value, m.rest = m.rest[:end], m.rest[end:]
	if plain, ok := plainJSONString(name); ok {
		return plain, value, true
	}
	var unescaped string
	_ = json.Unmarshal(name, &unescaped) // it is valid
	return []byte(unescaped), value, true
}

// jsonStringEnd returns where a string ends that valid JSON begins with.
func jsonStringEnd(data []byte) int {
	for i := 1; ; i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}

// jsonValueEnd returns where a value ends that valid JSON begins with.
func jsonValueEnd(data []byte) int {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			i += jsonStringEnd(data[i:]) - 1
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			} else if depth < 0 { // of what the value is in
				return i
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return len(data)
}

func trimJSON(data []byte) []byte { return bytes.TrimLeft(data, " \t\r\n") }

// plainJSONString returns what is between the quotes of a string that stands for
// itself.
func plainJSONString(value []byte) ([]byte, bool) {
	if len(value) < 2 || value[0] != '"' || bytes.IndexByte(value, '\\') >= 0 || !utf8.Valid(value) {
		return nil, false
	}
	return value[1 : len(value)-1], true
}

// jsonText reads a string; absent and null are empty. One that is known is not made
// again.
func jsonText(value []byte, name, known string) (string, *status.Error) {
	if value == nil {
		return "", nil
	}
	if plain, ok := plainJSONString(value); ok {
		if string(plain) == known {
			return known, nil
		}
		return string(plain), nil
	}
	var s string
	if err := json.Unmarshal(value, &s); err != nil {
		return "", malformed("%s must be a string, not %s", name, shorten(value))
	}
	return s, nil
}
