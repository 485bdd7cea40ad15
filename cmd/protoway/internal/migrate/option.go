package migrate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/protoway/protoway/cmd/internal/comment"
	"github.com/protoway/protoway/cmd/internal/model"
	"github.com/protoway/protoway/cmd/internal/spelling"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

// option is the option that a comment becomes.
type option struct {
	block       *comment.Block
	lines       []string // of the comment
	fields      []string // of the message
	withoutAuth bool
}

// fromClient reports whether clients send the message.
func (o *option) fromClient() bool {
	return o.block.Origin != nil && o.block.Origin.Is != protowayv1.Rules_SERVER
}

// stated are the lines of the comment that state something.
func (o *option) stated() []int {
	var lines []int
	for _, place := range []*comment.Place{
		placeOf(o.block.Type), placeOf(o.block.Origin), placeOf(o.block.Auth), placeOf(o.block.Cache), placeOf(o.block.Keys),
	} {
		if place != nil {
			lines = append(lines, place.Line)
		}
	}
	return lines
}

func placeOf[T any](value *comment.Value[T]) *comment.Place {
	if value == nil {
		return nil
	}
	return &value.Key
}

// resolve turns the names of cache keys into those of fields, as options have them.
func (o *option) resolve(at func(comment.Place) model.Position) (problems model.Problems) {
	switch {
	case o.block.Keys == nil || o.block.Keys.Misread:
		return nil
	case o.block.Cache == nil:
		problems.Add(at(o.block.Keys.Key), "the client cache has no ttl", "client cache_keys", "state one, as in client cache = hours(1)")
	}
	for i, key := range o.block.Keys.Is {
		if slices.Contains(o.fields, key.Field) {
			continue
		}
		same := func(field string) bool { return camel(field) == key.Field }
		found := slices.IndexFunc(o.fields, same)
		if found < 0 {
			problems.Add(at(key.Place), "the cache key names no field of the message", strconv.Quote(key.Field),
				spelling.Suggest(key.Field, o.fields, "name a field"))
			continue
		}
		o.block.Keys.Is[i].Field = o.fields[found]
	}
	return problems
}

// camel is the JSON name of a field.
func camel(field string) string {
	parts := strings.Split(field, "_")
	for i, part := range parts {
		if i > 0 && part != "" {
			parts[i] = strings.ToUpper(part[:1]) + part[1:]
		}
	}
	return strings.Join(parts, "")
}

// printer prints lines at a depth.
type printer struct {
	lines  []string
	indent string
}

func (p *printer) add(depth int, text, remark string) {
	if remark != "" {
		text += " // " + remark
	}
	p.lines = append(p.lines, p.indent+strings.Repeat("  ", depth)+text)
}

// print is the option, as buf format writes it.
func (o *option) print(indent, nl string) string {
	p := &printer{indent: indent}
	p.add(0, "option (protoway.v1.message) = {", "")
	if v := o.block.Type; v != nil {
		p.add(1, "type: "+strconv.Quote(v.Is), o.remark(v.Place))
	}
	if v := o.block.Origin; v != nil {
		p.add(1, "origin: "+v.Is.String(), o.remark(v.Place))
	}
	if v := o.block.Auth; v != nil && !o.withoutAuth {
		p.add(1, fmt.Sprintf("auth: %t", v.Is), o.remark(v.Place))
	}
	o.printCache(p)
	p.add(0, "};", "")
	if len(p.lines) == 3 && !strings.Contains(p.lines[1], "//") {
		return indent + "option (protoway.v1.message) = {" + strings.TrimSpace(p.lines[1]) + "};"
	}
	return strings.Join(p.lines, nl)
}

func (o *option) printCache(p *printer) {
	if o.block.Cache == nil {
		return
	}
	p.add(1, "client_cache: {", "")
	p.add(2, fmt.Sprintf("ttl: {seconds: %d}", o.block.Cache.Is), o.remark(o.block.Cache.Place))
	if v := o.block.Keys; v != nil {
		remark := o.remark(v.Place)
		for _, key := range v.Is {
			p.add(2, "keys: {", remark)
			p.add(3, "kind: "+key.Kind.String(), "")
			p.add(3, "field: "+strconv.Quote(key.Field), "")
			p.add(2, "}", "")
			remark = ""
		}
	}
	p.add(1, "}", "")
}

// remark is what stands behind # in the line of a value.
func (o *option) remark(value comment.Place) string {
	quote := byte(0)
	line := o.lines[value.Line]
	for i := value.Byte; i < len(line); i++ {
		switch c := line[i]; {
		case c == quote:
			quote = 0
		case quote != 0:
		case c == '\'' || c == '"':
			quote = c
		case c == '#':
			return strings.TrimSpace(line[i+1:])
		}
	}
	return ""
}
