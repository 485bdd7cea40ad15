package django_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/protoway/protoway/auth/django"
)

// counting counts the queries of a driver.
type counting struct {
	from    driver.Driver
	name    string
	queries *atomic.Int64
}

func (c counting) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.from.Open(c.name)
	return countingConn{conn, c.queries}, err
}

type countingConn struct {
	driver.Conn
	queries *atomic.Int64
}

func (c countingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.queries.Add(1)
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (c counting) Driver() driver.Driver { return c.from }

// TestRoundTrips: a user with all their rights is one query, a session is two.
func TestRoundTrips(t *testing.T) {
	eachDatabase(t, func(s *site) {
		t := s.T
		kind, named, name := django.PostgreSQL, "pgx", s.url
		if s.kind == "sqlite" {
			kind, named, name = django.SQLite, "sqlite", "file:"+escape.Replace(strings.TrimPrefix(s.url, "sqlite://"))
		}
		opened, err := sql.Open(named, "")
		if err != nil {
			t.Fatal(err)
		}
		queries := &atomic.Int64{}
		store, err := django.New(t.Context(), django.Config{
			DB: sql.OpenDB(counting{opened.Driver(), name, queries}), Dialect: kind, OwnsDB: true, Passwords: newPasswords(t),
		})
		_ = opened.Close()
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		sessions := s.sessions(t, store)
		for _, c := range []struct {
			what string
			do   func() error
			want int64
		}{
			{"login", func() error { _, err := store.Login(t.Context(), "carl", "pw"); return err }, 1},
			{"user", func() error { _, err := store.User(t.Context(), "4"); return err }, 1},
			{"user again", func() error { _, err := store.User(t.Context(), "4"); return err }, 0},
			{"session", func() error { _, err := sessions.Identify(s.request("ofcarl")); return err }, 2},
		} {
			before := queries.Load()
			if err := c.do(); err != nil {
				t.Errorf("%s: %v", c.what, err)
			}
			if got := queries.Load() - before; got != c.want {
				t.Errorf("%s takes %d queries, want %d", c.what, got, c.want)
			}
		}
	})
}
