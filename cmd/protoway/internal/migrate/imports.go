package migrate

import "strings"

// annotations is the file that options are declared in.
const annotations = "protoway/v1/annotations.proto"

// addImport imports the annotations: behind the other imports, or else behind
// the package, the syntax, or at the begin of the file.
func (r *rewriter) addImport() {
	nl := r.newline()
	line := `import "` + annotations + `";`
	ends := r.headers()
	if ends["imported"] > 0 {
		return
	}
	for _, header := range []string{"import", "package", "syntax", "edition"} {
		end := ends[header]
		if end == 0 {
			continue
		}
		text := nl + line
		if header != "import" {
			text = nl + nl + line
		}
		end += len(strings.TrimRight(untilLineEnd(r.text[end:]), "\r")) // a remark stays with its line
		r.edits = append(r.edits, edit{start: end, end: end, text: text})
		return
	}
	r.edits = append(r.edits, edit{text: line + nl + nl})
}

// headers are the ends of the last statement of each kind at the top of a file.
func (r *rewriter) headers() map[string]int {
	ends := make(map[string]int)
	kind, depth := "", 0
	for _, each := range r.items {
		switch {
		case each.comment:
		case each.text == "{":
			depth++
		case each.text == "}":
			depth--
			kind = ""
		case depth > 0:
		case each.text == ";":
			if kind != "" {
				ends[kind] = each.end
			}
			kind = ""
		case kind == "":
			kind = each.text
		case kind == "import" && strings.Trim(each.text, `"'`) == annotations:
			ends["imported"] = each.end
		}
	}
	return ends
}
