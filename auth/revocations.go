package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/protoway/protoway/status"
)

// DefaultRevocationPoll is how often a process asks for revocations of others if a
// [RevocationsConfig] does not say.
const DefaultRevocationPoll = 250 * time.Millisecond

const (
	// revocationSlack is kept beyond the life of tokens, for leeways and clocks
	// that differ.
	revocationSlack = 10 * time.Minute
	// maxAhead is how far the clock of whoever states a moment may be ahead.
	maxAhead = time.Minute
)

// RevocationsConfig says how long revocations are kept. The zero value is fine.
type RevocationsConfig struct {
	// Lifetime is how long the longest token lives. Revocations are kept as long,
	// and ten minutes more for leeways. Default: [DefaultRefreshLifetime].
	Lifetime time.Duration
	// Poll is how often the store is asked for revocations of other processes while
	// anybody watches. Default: [DefaultRevocationPoll].
	Poll time.Duration
	// Logger gets a line when the store cannot be asked, and when it can again.
	// Default: slog.Default().
	Logger *slog.Logger
	// Clock says what time it is. Default: time.Now.
	Clock func() time.Time
}

// Revocations are which tokens were ended before their time. They are kept in a
// [Store]; processes that share it share them. Nothing but that store is needed:
// what open connections have to know is polled from a log in it.
//
// It is used by many goroutines at once, and has a goroutine only while somebody
// watches.
type Revocations struct {
	store  Store
	config RevocationsConfig
	log    revocationLog
	wake   chan struct{} // 1: something was revoked in this process

	mu       sync.Mutex // guards what follows
	watchers map[int]func(Revocation)
	next     int                // the key of the next watcher
	end      context.CancelFunc // of the goroutine
	ended    chan struct{}      // closed by it
	told     []logged           // lately, the oldest first
}

// NewRevocations returns the revocations that are in store.
func NewRevocations(store Store, config RevocationsConfig) *Revocations {
	if config.Lifetime <= 0 {
		config.Lifetime = DefaultRefreshLifetime
	}
	if config.Poll <= 0 {
		config.Poll = DefaultRevocationPoll
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	if config.Clock == nil {
		config.Clock = time.Now
	}
	return &Revocations{
		store: store, config: config, log: revocationLog{store},
		wake: make(chan struct{}, 1), watchers: make(map[int]func(Revocation)),
	}
}

// usable reports what is wrong with the configuration.
func (r *Revocations) usable() error {
	if r == nil || r.store == nil {
		return errors.New("auth: revocations have no store")
	}
	return nil
}

// Revoke ends tokens: when it returns, no process that shares the store accepts
// them, and within a second open connections are told, see [Revocations.Watch].
//
// It may be repeated, and after an error it should be: some of it may have been
// done. Errors: InvalidArgument for a revocation that says nothing or too much, or
// a moment that is more than a minute ahead; otherwise those of the store.
func (r *Revocations) Revoke(ctx context.Context, what Revocation) error {
	if err := r.usable(); err != nil {
		return status.Internal.Wrap(err, "tokens cannot be revoked")
	}
	now := r.config.Clock()
	if what.TokenID != "" || what.Family != "" {
		what.Before = time.Time{}
	} else if what.UserID != "" && what.Before.IsZero() {
		what.Before = now
	}
	what.Before = what.Before.Truncate(tokenTick)
	if err := what.check(); err != nil {
		return err
	}
	if what.Before.After(now.Add(maxAhead)) {
		return status.InvalidArgument.Errorf("a revocation ends tokens from before %s, which is in the future", stamp(what.Before))
	}
	if err := r.keep(ctx, what); err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	// Behind the other, so that whoever was let in meanwhile is in what is told.
	if err := r.log.append(ctx, logged{what, now}, r.ttl()); err != nil {
		return fmt.Errorf("revoke: the tokens are refused, but open connections may not be told: %w", err)
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return nil
}

// ttl is how long a revocation counts.
func (r *Revocations) ttl() time.Duration { return r.config.Lifetime + maxAhead + revocationSlack }

// keep stores what so that Check finds it.
func (r *Revocations) keep(ctx context.Context, what Revocation) error {
	key := what.key()
	if what.Before.IsZero() {
		_, err := r.store.SetIfAbsent(ctx, key, []byte{1}, r.ttl())
		return err
	}
	for {
		old, _, err := r.store.Get(ctx, key)
		if err != nil {
			return err
		}
		if before, ok := moment(old); ok && !before.Before(what.Before) {
			return nil // it covers more, and is kept for as long
		}
		value := strconv.AppendInt(nil, what.Before.UnixMicro(), 10)
		if done, err := r.store.CompareAndSwap(ctx, key, old, value, r.ttl()); done || err != nil {
			return err
		}
	}
}

// Check returns nil unless the token of u was revoked, which is a
// status.Unauthenticated error. If the store cannot be asked, the error is
// status.Unavailable: nobody is let in unchecked, and no good token is called bad.
//
// It asks the store up to four times, so it belongs where a token is verified, as
// [Revoked] does, and not where a frame is.
func (r *Revocations) Check(ctx context.Context, u *User) error {
	if !u.SignedIn() {
		return nil
	}
	if err := r.usable(); err != nil {
		return status.Internal.Wrap(err, "tokens cannot be verified")
	}
	for _, mark := range marks(u) {
		found, err := r.find(ctx, &mark)
		if err != nil {
			return status.Unavailable.Wrap(err, "it cannot be found out whether the token was revoked: try again later")
		}
		if found && mark.Covers(u) {
			return status.Unauthenticated.Errorf("the token was revoked: sign in again")
		}
	}
	return nil
}

// find reports whether there is a revocation like mark, and fills in its moment.
func (r *Revocations) find(ctx context.Context, mark *Revocation) (bool, error) {
	value, found, err := r.store.Get(ctx, mark.key())
	if err != nil || !found || mark.TokenID != "" || mark.Family != "" {
		return found, err
	}
	before, ok := moment(value)
	if !ok {
		return false, errors.New("the value of a revocation in the store is no moment")
	}
	mark.Before = before
	return true, nil
}

// marks returns the revocations, but for their moments, that could cover u.
func marks(u *User) []Revocation {
	all := []Revocation{{UserID: u.ID}, {}}
	if u.TokenID != "" {
		all = append(all, Revocation{TokenID: u.TokenID})
	}
	if u.Family != "" {
		all = append(all, Revocation{Family: u.Family})
	}
	return all
}

// key is where what is kept. Ids are hashed, since they may be long and brokers
// are particular about the characters of keys.
func (r Revocation) key() string {
	kind, id := "all", ""
	switch {
	case r.TokenID != "":
		kind, id = "token", r.TokenID
	case r.Family != "":
		kind, id = "family", r.Family
	case r.UserID != "":
		kind, id = "user", r.UserID
	}
	return "revoked." + kind + "." + keyDigest(id)
}

// keyDigest names an id of any length in 43 characters of base64url.
func keyDigest(id string) string {
	sum := sha256.Sum256([]byte(id))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// moment reads what keep has written.
func moment(value []byte) (time.Time, bool) {
	micros, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || micros < 0 || micros > maxSeconds*1e6 {
		return time.Time{}, false
	}
	return time.UnixMicro(micros), true
}
