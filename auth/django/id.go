package django

import (
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxTextBytes is the longest name or id that is looked for.
const maxTextBytes = 1024

// searchable reports whether a text can be in a column at all. PostgreSQL takes
// what is not UTF-8, or has a NUL, for a mistake of the query.
func searchable(text string) bool {
	return len(text) <= maxTextBytes && utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

// idColumn is how a primary key is kept. Outside of the database ids are what
// str(user.pk) is in Django, which tokens and sessions have too.
type idColumn struct {
	bits int  // of an integer; 0: it is none
	uuid bool // kept as one
	hex  bool // a UUID that is kept as 32 digits, as Django does in SQLite
}

// idColumnOf tells by what the database calls the type of the column.
func idColumnOf(kind string, dialect Dialect) idColumn {
	kind = strings.ToUpper(kind)
	switch {
	case dialect == SQLite && strings.Contains(kind, "INT"): // whatever it was declared as
		return idColumn{bits: 64}
	case kind == "INT2":
		return idColumn{bits: 16}
	case kind == "INT4":
		return idColumn{bits: 32}
	case kind == "INT8":
		return idColumn{bits: 64}
	case kind == "UUID":
		return idColumn{uuid: true}
	case dialect == SQLite && kind == "CHAR(32)":
		return idColumn{uuid: true, hex: true}
	default:
		return idColumn{}
	}
}

// value returns an id as the database has it, if it can have it. Each id has one
// spelling only.
func (c idColumn) value(id string) (any, bool) {
	switch {
	case c.bits > 0:
		n, err := strconv.ParseInt(id, 10, c.bits)
		return n, err == nil && strconv.FormatInt(n, 10) == id
	case c.uuid:
		digits := strings.ReplaceAll(id, "-", "")
		if len(digits) != uuidDigits || hyphened(digits) != id || strings.ToLower(id) != id {
			return nil, false
		}
		if c.hex {
			return digits, true
		}
		return id, true
	default:
		return id, id != "" && searchable(id)
	}
}

// text returns an id of the database as Django writes it.
func (c idColumn) text(raw string) string {
	if c.hex {
		return hyphened(raw)
	}
	return raw
}

// uuidDigits is the length of a UUID without hyphens.
const uuidDigits = 32

// hyphened returns the usual form of a UUID; digits that are none stay as they are.
func hyphened(digits string) string {
	if _, err := hex.DecodeString(digits); err != nil || len(digits) != uuidDigits {
		return digits
	}
	return digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:]
}
