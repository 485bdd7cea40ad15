package django

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// sessionRow is a session as the database has it.
type sessionRow struct {
	data    string
	expires time.Time
}

// load returns the row with a key; nil if there is none.
func (s *Sessions) load(ctx context.Context, key string) (*sessionRow, error) {
	config := &s.store.config
	ctx, cancel := context.WithTimeout(ctx, config.Timeout)
	defer cancel()
	row, expires := &sessionRow{}, timestamp{in: s.config.TimeZone}
	switch err := config.DB.QueryRowContext(ctx, s.query, key).Scan(&row.data, &expires); {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	}
	row.expires = expires.time
	if config.Dialect == SQLite {
		at := expires.time // it has no zone there
		row.expires = time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), s.config.TimeZone)
	}
	return row, nil
}

// timestamp reads a DateTimeField.
type timestamp struct {
	time time.Time
	in   *time.Location
}

// Scan takes a time, or a text as Django writes it to SQLite.
func (t *timestamp) Scan(value any) error {
	switch value := value.(type) {
	case time.Time:
		t.time = value
		return nil
	case string:
		var err error
		t.time, err = time.ParseInLocation("2006-01-02 15:04:05.999999", value, t.in)
		return err
	default:
		return fmt.Errorf("%T is no date", value)
	}
}
