package django

import (
	"fmt"
	"strings"
)

// Dialect is the kind of a database.
type Dialect int

// The databases that are known. There is no default.
const (
	PostgreSQL Dialect = iota + 1
	SQLite
)

// String returns the name.
func (d Dialect) String() string {
	switch d {
	case PostgreSQL:
		return "PostgreSQL"
	case SQLite:
		return "SQLite"
	default:
		return fmt.Sprintf("Dialect(%d)", int(d))
	}
}

// parameter is the place of the only value of a query.
func (d Dialect) parameter() string {
	if d == PostgreSQL {
		return "$1"
	}
	return "?"
}

// maxIdentifier is the longest name of PostgreSQL, in bytes. It cuts longer ones.
const maxIdentifier = 63

// quote returns the name of a table or a column as SQL has it. A name that cannot
// be one has been refused before.
func quote(name string) string { return `"` + name + `"` }

// checkIdentifier says what is wrong with a name.
func checkIdentifier(field, name string) error {
	odd := func(r rune) bool { return r == '"' || r < ' ' || r == 0x7f || r == 0xfffd }
	if name == "" || len(name) > maxIdentifier || strings.ContainsFunc(name, odd) {
		return fmt.Errorf("django.Config.%s is %q, which is no name of a table or column: "+
			"it has 1 to %d bytes, without quotes and control characters", field, name, maxIdentifier)
	}
	return nil
}
