package django

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/protoway/protoway/auth"
)

// Defaults of a [Config].
const (
	DefaultTimeout   = 5 * time.Second
	DefaultCacheTTL  = 5 * time.Second
	DefaultCacheSize = 10_000
)

// Config says where the users are. Everything but DB and Dialect, which the Open of
// the packages postgres and sqlite fill in, has a default: that of a project whose
// AUTH_USER_MODEL is auth.User.
type Config struct {
	// DB is the database and Dialect its kind. Close of the store closes DB only if
	// OwnsDB is set.
	DB      *sql.DB
	Dialect Dialect
	OwnsDB  bool
	// UserTable is the table of the users: the db_table of the model, or the label of
	// the app and the name of the model, "accounts_member". Default: "auth_user".
	UserTable string
	// IDColumn is its primary key: an integer of any size, a UUID or a text. Default:
	// "id".
	IDColumn string
	// NameColumn is what users log in with, the USERNAME_FIELD of the model. Default:
	// "username".
	NameColumn string
	// GroupsTable and PermissionsTable join users to their groups and permissions.
	// Default: UserTable with "_groups" and "_user_permissions" behind it.
	GroupsTable      string
	PermissionsTable string
	// UserColumn is the column of the user in both of them: the name of the model in
	// small letters with "_id" behind it. Default: from what is behind the last "_" of
	// UserTable, "member_id".
	UserColumn string
	// Timeout bounds each query. Default: [DefaultTimeout].
	Timeout time.Duration
	// CacheTTL is how long [Store.User] remembers somebody, deactivated or not, unless
	// [Store.Forget] is called. Logins and sessions always ask the database. Default:
	// [DefaultCacheTTL]; negative: nobody is remembered.
	CacheTTL time.Duration
	// CacheSize is how many users are remembered. Default: [DefaultCacheSize].
	CacheSize int
	// Passwords checks passwords. Its decoy should be the first of PASSWORD_HASHERS.
	// Default: one with the defaults of [auth.PasswordConfig].
	Passwords *auth.Passwords
	// Clock says what time it is. Default: time.Now.
	Clock func() time.Time
}

// withDefaults returns c with what was left out filled in.
func (c Config) withDefaults() (Config, error) {
	fallback(&c.UserTable, "auth_user")
	fallback(&c.IDColumn, "id")
	fallback(&c.NameColumn, "username")
	fallback(&c.GroupsTable, c.UserTable+"_groups")
	fallback(&c.PermissionsTable, c.UserTable+"_user_permissions")
	fallback(&c.UserColumn, strings.ToLower(c.UserTable[strings.LastIndex(c.UserTable, "_")+1:])+"_id")
	fallback(&c.Timeout, DefaultTimeout)
	fallback(&c.CacheTTL, DefaultCacheTTL)
	fallback(&c.CacheSize, DefaultCacheSize)
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Passwords != nil {
		return c, nil
	}
	var err error
	c.Passwords, err = auth.NewPasswords(auth.PasswordConfig{})
	return c, err
}

// fallback fills in a value that was left out.
func fallback[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

// check says what is wrong with the fields themselves.
func (c Config) check() error {
	var errs []error
	if c.DB == nil {
		errs = append(errs, errors.New("django.Config.DB is missing: postgres.Open and sqlite.Open fill it in"))
	}
	if c.Dialect != PostgreSQL && c.Dialect != SQLite {
		errs = append(errs, fmt.Errorf("django.Config.Dialect is %s: it must be django.PostgreSQL or django.SQLite", c.Dialect))
	}
	for _, named := range []struct{ field, name string }{
		{"UserTable", c.UserTable},
		{"IDColumn", c.IDColumn},
		{"NameColumn", c.NameColumn},
		{"GroupsTable", c.GroupsTable},
		{"PermissionsTable", c.PermissionsTable},
		{"UserColumn", c.UserColumn},
	} {
		errs = append(errs, checkIdentifier(named.field, named.name))
	}
	if c.Timeout < 0 || c.CacheSize < 0 {
		errs = append(errs, fmt.Errorf("django.Config.Timeout is %s and CacheSize %d: neither can be negative", c.Timeout, c.CacheSize))
	}
	return errors.Join(errs...)
}
