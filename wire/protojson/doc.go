// Package protojson reads and writes protocol-buffer messages as JSON: one message has one text.
//
//	options := protojson.Options{Names: protojson.KeepDigits}
//	text, err := options.Append(nil, message)
//	err = options.Unmarshal(text, message)
//
// The mapping is the standard one of protocol buffers, for messages of every syntax and API, generated or known by
// their descriptors only. Output is compact and deterministic: fields in the order of their declaration, extensions
// after them by name, map keys sorted. It is always strict JSON, or an error.
//
// # Differences from google.golang.org/protobuf/encoding/protojson
//
// That package adds spaces at random, so that its output cannot be compared or cached. In what is read:
//
//   - A field is also found by any spelling whose snake_case is that of the field (key0, key_0, Key0), unless another
//     field bears that very name or shares the spelling. Its own name, json_name and declared name come first.
//   - Unknown fields are always ignored. Unknown names of enum values are always refused, where ignoring unknown
//     fields also drops those there; so are undeclared numbers of closed enums, which are kept there.
//   - A google.protobuf.Any that has members but no "@type" is refused, instead of read as an empty one.
//   - A top-level null is an empty message.
//   - Objects and arrays may be nested 100 deep unless [Options.MaxDepth] says otherwise, instead of 10,000 messages.
//   - Refused as malformed: numbers with an empty exponent (1e), base64 with line breaks, durations without a digit
//     (.s), timestamps with a comma for the point or an hour of one digit.
//   - A message that could not be read is left empty, and errors are of type [Error] and name the path.
//
// In what is written: fields of one message whose JSON names clash, which proto2 allows, are written with their
// declared names, where two members of one name would be lost on the reader; the name styles include [KeepDigits].
package protojson
