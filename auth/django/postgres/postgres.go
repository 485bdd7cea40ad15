// Package postgres opens the users of a Django project that keeps them in
// PostgreSQL.
//
//	store, err := postgres.Open(ctx, "postgres://gateway@localhost/shop", django.Config{})
package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/protoway/protoway/auth/django"
)

// Bounds of the connections to the database. [django.New] takes a database with
// others.
const (
	MaxConnections = 10
	maxIdleTime    = 5 * time.Minute
)

// Open connects to a database by its URL, "postgres://user:password@host/name", or
// by the keywords and values of libpq. DB, Dialect and OwnsDB of the configuration
// are filled in. A role that may read the tables suffices.
//
// Behind a pooler that shares connections between transactions, add
// default_query_exec_mode=exec to the parameters of the URL; for tables of another
// schema than public, search_path.
func Open(ctx context.Context, url string, config django.Config) (*django.Store, error) {
	parsed, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the URL of the database: %w", err)
	}
	config.DB, config.Dialect, config.OwnsDB = stdlib.OpenDB(*parsed), django.PostgreSQL, true
	config.DB.SetMaxOpenConns(MaxConnections)
	config.DB.SetMaxIdleConns(MaxConnections)
	config.DB.SetConnMaxIdleTime(maxIdleTime)
	store, err := django.New(ctx, config)
	if err != nil {
		_ = config.DB.Close() // nothing was written
		return nil, err
	}
	return store, nil
}
