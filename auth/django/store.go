package django

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

// Store is the users of a Django project. It is used by many goroutines at once.
type Store struct {
	config       Config
	id           idColumn
	byName, byID string // queries
	cache        *cache
}

var (
	_ auth.Users     = (*Store)(nil)
	_ auth.Forgetter = (*Store)(nil)
)

// New makes a store on a database that is open, and looks whether the tables and
// columns of the configuration are there. Close ends it.
func New(ctx context.Context, config Config) (*Store, error) {
	config, err := config.withDefaults()
	if err := errors.Join(err, config.check()); err != nil {
		return nil, err
	}
	s := &Store{config: config, byName: config.userQuery(config.NameColumn), byID: config.userQuery(config.IDColumn)}
	s.cache = newCache(config, s.find)
	kind, err := s.inspect(ctx)
	if err == nil {
		s.id = idColumnOf(kind, config.Dialect)
		_, err = s.load(ctx, s.byName, nil) // finds nobody
	}
	if err != nil {
		return nil, fmt.Errorf("the tables of django.Config cannot be read (%s, with the columns %s and %s; %s and %s, with the column %s): %w",
			config.UserTable, config.IDColumn, config.NameColumn, config.GroupsTable, config.PermissionsTable, config.UserColumn, err)
	}
	return s, nil
}

// inspect returns the type of the primary key.
func (s *Store) inspect(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	query := strings.NewReplacer("{id}", quote(s.config.IDColumn), "{users}", quote(s.config.UserTable)).
		Replace("SELECT u.{id} FROM {users} u WHERE 1 = 0")
	rows, err := s.config.DB.QueryContext(ctx, query)
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }()
	types, err := rows.ColumnTypes()
	if err != nil {
		return "", err
	}
	return types[0].DatabaseTypeName(), rows.Err()
}

// errLogin is all that a failed login says.
var errLogin = status.Unauthenticated.Errorf("no active user has this name and password")

// Login returns the user with a name and a password. The name is compared as
// Django's authenticate does, by the database: with its case, and as it is. Errors:
// Unauthenticated if there is no such user, or an inactive one; ResourceExhausted if
// too many passwords are being checked; Unavailable if the database does not answer.
func (s *Store) Login(ctx context.Context, name, password string) (*auth.User, error) {
	var known *record
	if searchable(name) && len(password) <= auth.MaxPasswordBytes {
		var err error
		if known, err = s.load(ctx, s.byName, name); err != nil {
			return nil, failed(ctx, err)
		}
	}
	hash := "" // who does not exist takes as long as who does
	if known != nil {
		hash = known.password
	}
	good, err := s.config.Passwords.Check(ctx, password, hash)
	if err != nil {
		return nil, err
	}
	if !good || !known.active {
		return nil, errLogin
	}
	return known.user, nil
}

// User returns the user with an id, the str(user.pk) of Django, and what they may
// do now; see [Config.CacheTTL]. Errors: Unauthenticated if there is no such user, or
// an inactive one; Unavailable if the database does not answer.
func (s *Store) User(ctx context.Context, id string) (*auth.User, error) {
	if _, possible := s.id.value(id); !possible {
		return nil, errGone
	}
	return s.cache.get(ctx, id)
}

// Forget makes the next [Store.User] of an id ask the database. Whoever deactivates
// a user, or changes what they may do, calls it where that must not take
// [Config.CacheTTL]; a server does when all tokens of a user are revoked.
func (s *Store) Forget(id string) { s.cache.forget(id) }

// Close ends the queries that run, and closes the database if the store owns it.
func (s *Store) Close() error {
	s.cache.close()
	if s.config.OwnsDB {
		return s.config.DB.Close()
	}
	return nil
}

var (
	errGone        = status.Unauthenticated.Errorf("the user of the token does not exist any more")
	errDeactivated = status.Unauthenticated.Errorf("the user was deactivated")
)

// find returns who has an id, whom the cache does not know.
func (s *Store) find(ctx context.Context, id string) (*auth.User, error) {
	known, err := s.withID(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case known == nil:
		return nil, errGone
	case !known.active:
		return nil, errDeactivated
	default:
		return known.user, nil
	}
}

// withID returns who has an id, active or not; nil if there is nobody.
func (s *Store) withID(ctx context.Context, id string) (*record, error) {
	value, possible := s.id.value(id)
	if !possible {
		return nil, nil
	}
	known, err := s.load(ctx, s.byID, value)
	if err != nil {
		return nil, failed(ctx, err)
	}
	return known, nil
}

// failed says that the database could not tell: the error of who asked if that has
// ended, else Unavailable.
func failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, coded := errors.AsType[*status.Error](err); coded {
		return err
	}
	return status.Unavailable.Wrap(err, "the database of the users does not answer: try again")
}
