package django

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

// record is a user as the database has it.
type record struct {
	password string
	active   bool
	user     *auth.User
}

// userSQL reads the user whose column has a value, and their groups and permissions,
// in one statement: in one round trip, and of one moment. Columns of names that are
// configured are qualified, since SQLite takes a quoted name that it does not know
// for a text.
const userSQL = `
WITH who AS (
  SELECT u.{id} AS id, u.{name} AS name, u.password, u.is_active, u.is_superuser
  FROM {users} u WHERE u.{column} = {value}
)
SELECT 'user', CAST(who.id AS text), CAST(who.name AS text), who.password, who.is_active, who.is_superuser
FROM who
UNION ALL
SELECT 'group', '', g.name, '', false, false
FROM who
JOIN {groups} m ON m.{user} = who.id
JOIN auth_group g ON g.id = m.group_id
UNION ALL
SELECT 'permission', '', t.app_label || '.' || p.codename, '', false, false
FROM who
JOIN {permissions} m ON m.{user} = who.id
JOIN auth_permission p ON p.id = m.permission_id
JOIN django_content_type t ON t.id = p.content_type_id
UNION ALL
SELECT 'permission', '', t.app_label || '.' || p.codename, '', false, false
FROM who
JOIN {groups} m ON m.{user} = who.id
JOIN auth_group_permissions gp ON gp.group_id = m.group_id
JOIN auth_permission p ON p.id = gp.permission_id
JOIN django_content_type t ON t.id = p.content_type_id`

// What a row of userSQL is about.
const (
	rowGroup      = "group"
	rowPermission = "permission"
)

// userQuery returns userSQL for a column.
func (c Config) userQuery(column string) string {
	return strings.NewReplacer(
		"{id}", quote(c.IDColumn),
		"{name}", quote(c.NameColumn),
		"{users}", quote(c.UserTable),
		"{groups}", quote(c.GroupsTable),
		"{permissions}", quote(c.PermissionsTable),
		"{user}", quote(c.UserColumn),
		"{column}", quote(column),
		"{value}", c.Dialect.parameter(),
	).Replace(userSQL)
}

// load returns the user whom a query finds; nil if there is none.
func (s *Store) load(ctx context.Context, query string, value any) (*record, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	rows, err := s.config.DB.QueryContext(ctx, query, value)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	found, err := s.read(rows)
	return found, errors.Join(err, rows.Err())
}

func (s *Store) read(rows *sql.Rows) (*record, error) {
	var found *record
	var groups, permissions []string
	for rows.Next() {
		var kind, id, name string
		r := &record{}
		user := &auth.User{}
		if err := rows.Scan(&kind, &id, &name, &r.password, &r.active, &user.Superuser); err != nil {
			return nil, err
		}
		switch kind {
		case rowGroup:
			groups = append(groups, name)
		case rowPermission:
			permissions = append(permissions, name)
		default:
			if found != nil {
				return nil, status.Internal.Errorf("two users have one name: the column %q must be unique", s.config.NameColumn)
			}
			user.ID, user.Name = s.id.text(id), name
			r.user, found = user, r
		}
	}
	if found != nil {
		found.user.Groups, found.user.Permissions = auth.NewSet(groups...), auth.NewSet(permissions...)
	}
	return found, nil
}
