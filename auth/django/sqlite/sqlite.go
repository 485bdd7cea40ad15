// Package sqlite opens the users of a Django project that keeps them in SQLite.
//
//	store, err := sqlite.Open(ctx, "/srv/shop/db.sqlite3", django.Config{})
package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver

	"github.com/protoway/protoway/auth/django"
)

// MaxConnections bounds how often the file is open. [django.New] takes a database
// with another bound.
const MaxConnections = 4

// scheme may stand in front of a path.
const scheme = "sqlite://"

// Open opens a file, by its path or by "sqlite:///" and the path from the root. DB,
// Dialect and OwnsDB of the configuration are filled in. The file must be there, and
// nothing is written to it.
func Open(ctx context.Context, path string, config django.Config) (*django.Store, error) {
	path, err := filepath.Abs(strings.TrimPrefix(path, scheme))
	if err != nil {
		return nil, err
	}
	// Not mode=ro: a reader of a journal that is written ahead needs its index.
	file := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: url.Values{
		"mode": {"rw"}, "_pragma": {"query_only(1)", "busy_timeout(5000)"},
	}.Encode()}
	db, err := sql.Open("sqlite", file.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(MaxConnections)
	db.SetMaxIdleConns(MaxConnections)
	config.DB, config.Dialect, config.OwnsDB = db, django.SQLite, true
	store, err := django.New(ctx, config)
	if err != nil {
		_ = db.Close() // nothing was written
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return store, nil
}
