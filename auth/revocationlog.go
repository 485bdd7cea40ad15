package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// revocationLog is a log in a [Store]: numbered entries, and a head with the number
// of the last one and the random name of the log, so that whoever reads notices if
// the store was emptied and another log was begun.
//
// The head has no ttl: it would be one key for ever, and a log whose head is gone
// loses its readers.
type revocationLog struct{ store Store }

const headKey = "revoked.head"

// errUnreadable is an entry that is passed over: waiting would not mend it.
var errUnreadable = errors.New("an entry of the log of revocations is not one")

// place is where a log ends, or how far somebody has read it.
type place struct {
	log string
	n   uint64
}

func (p place) encode() []byte { return []byte(p.log + "." + strconv.FormatUint(p.n, 10)) }

func (p place) key(n uint64) string { return "revoked.log." + p.log + "." + strconv.FormatUint(n, 10) }

// head returns the end of the log, and the bytes that say it: nil for a log that
// was not begun.
func (l revocationLog) head(ctx context.Context) (place, []byte, error) {
	value, found, err := l.store.Get(ctx, headKey)
	if err != nil || !found {
		return place{}, nil, err
	}
	name, number, _ := strings.Cut(string(value), ".")
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || name == "" {
		return place{}, nil, fmt.Errorf("the value of %s in the store is not the head of a log", headKey)
	}
	return place{name, n}, value, nil
}

// append adds an entry. The entry is written before the head; whoever comes second
// moves the head over the entry of the first, so it does not matter if the first
// stops in between.
func (l revocationLog) append(ctx context.Context, entry logged, ttl time.Duration) error {
	value := entry.encode()
	for {
		end, old, err := l.head(ctx)
		if err != nil {
			return err
		}
		if old == nil {
			end = place{log: newTokenID(entry.At)}
		}
		next := place{end.log, end.n + 1}
		mine, err := l.store.SetIfAbsent(ctx, next.key(next.n), value, ttl)
		if err != nil {
			return err
		}
		moved, err := l.store.CompareAndSwap(ctx, headKey, old, next.encode(), 0)
		if err != nil {
			return err
		}
		// If somebody else has moved the head, it is over this entry too: nobody can
		// have written another one in its place. But a log begun anew has not got it.
		if mine && (moved || old != nil && l.reaches(ctx, next)) {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// reaches reports whether the head of the same log is at p or behind it.
func (l revocationLog) reaches(ctx context.Context, p place) bool {
	end, _, err := l.head(ctx)
	return err == nil && end.log == p.log && end.n >= p.n
}

// entry returns entry n of the log of p; false if it has expired.
func (l revocationLog) entry(ctx context.Context, p place, n uint64) (logged, bool, error) {
	value, found, err := l.store.Get(ctx, p.key(n))
	if err != nil || !found {
		return logged{}, false, err
	}
	var entry logged
	if err := json.Unmarshal(value, &entry); err != nil {
		return logged{}, false, errUnreadable
	}
	return entry, true, nil
}

// since returns the entries behind a place and the place that was read to. For the
// zero place, these are the ones that were made at a time or later.
func (l revocationLog) since(ctx context.Context, from place, at time.Time) ([]logged, place, error) {
	end, _, err := l.head(ctx)
	if err != nil || end == from {
		return nil, from, err
	}
	if end.log == "" { // emptied, and nothing new yet
		return nil, place{}, nil
	}
	if end.log != from.log || end.n < from.n {
		return l.back(ctx, end, at)
	}
	var entries []logged
	for n := from.n + 1; n <= end.n; n++ {
		entry, found, err := l.entry(ctx, end, n)
		if errors.Is(err, errUnreadable) {
			return entries, place{end.log, n}, err
		} else if err != nil {
			return entries, place{end.log, n - 1}, err
		}
		if found {
			entries = append(entries, entry)
		}
	}
	return entries, end, nil
}

// back reads from the end of a log to a time, and returns what it read in the order
// of the log.
func (l revocationLog) back(ctx context.Context, end place, at time.Time) ([]logged, place, error) {
	var entries []logged
	for n := end.n; n > 0; n-- {
		entry, found, err := l.entry(ctx, end, n)
		if errors.Is(err, errUnreadable) {
			continue
		} else if err != nil {
			return nil, place{}, err
		}
		if !found || entry.At.Before(at) {
			break
		}
		entries = append(entries, entry)
	}
	slices.Reverse(entries)
	return entries, end, nil
}
