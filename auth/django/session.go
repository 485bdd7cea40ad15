package django

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

// SessionConfig says where the sessions of a project are, which SESSION_ENGINE must
// keep in the database: django.contrib.sessions.backends.db or cached_db.
type SessionConfig struct {
	// SecretKey is SECRET_KEY, and SecretKeyFallbacks are SECRET_KEY_FALLBACKS; each has
	// at least [auth.MinSecretBytes]. SecretKey is required.
	SecretKey          string
	SecretKeyFallbacks []string
	// Cookie is SESSION_COOKIE_NAME. Default: "sessionid".
	Cookie string
	// Table is the table of the sessions. Default: "django_session".
	Table string
	// TimeZone is TIME_ZONE, if the database is SQLite and USE_TZ is False. Default:
	// UTC.
	TimeZone *time.Location
}

// Sessions finds the users of session cookies.
type Sessions struct {
	store  *Store
	config SessionConfig
	keys   keys
	query  string
}

var _ auth.Identify = (*Sessions)(nil).Identify

// Sessions looks whether the table of the sessions is there.
func (s *Store) Sessions(ctx context.Context, config SessionConfig) (*Sessions, error) {
	fallback(&config.Cookie, "sessionid")
	fallback(&config.Table, "django_session")
	fallback(&config.TimeZone, time.UTC)
	err := checkIdentifier("Table", config.Table)
	all := append(keys{config.SecretKey}, config.SecretKeyFallbacks...)
	for _, key := range all {
		if len(key) < auth.MinSecretBytes {
			err = errors.Join(err, fmt.Errorf("a key of django.SessionConfig has %d bytes: SecretKey and each of SecretKeyFallbacks "+
				"need at least %d", len(key), auth.MinSecretBytes))
		}
	}
	if err != nil {
		return nil, err
	}
	sessions := &Sessions{store: s, config: config, keys: all, query: strings.NewReplacer("{sessions}", quote(config.Table),
		"{value}", s.config.Dialect.parameter()).Replace("SELECT x.session_data, x.expire_date FROM {sessions} x WHERE x.session_key = {value}")}
	if _, err := sessions.load(ctx, ""); err != nil {
		return nil, fmt.Errorf("the table %s of django.SessionConfig cannot be read: %w", config.Table, err)
	}
	return sessions, nil
}

// Identify returns the user whose session a request has, as [auth.Identify] for
// protoway.Path and authentication.TokenView. It is nobody if there is no session, if
// it has ended, was signed by another key or belongs to a user who was deactivated
// or has another password since. The user expires with the session. It asks the
// database twice, and remembers nothing. Errors: Unavailable if the database does not
// answer.
func (s *Sessions) Identify(r *http.Request) (*auth.User, error) {
	cookies := r.CookiesNamed(s.config.Cookie)
	if len(cookies) == 0 {
		return nil, nil
	}
	key := cookies[len(cookies)-1].Value // as Django, for which the last one counts
	if len(key) < minSessionKey || len(key) > maxSessionKey || !searchable(key) {
		return nil, nil
	}
	row, err := s.load(r.Context(), key)
	if err != nil {
		return nil, failed(r.Context(), err)
	}
	if row == nil || !s.store.config.Clock().Before(row.expires) {
		return nil, nil
	}
	return s.user(r.Context(), row)
}

// Lengths of session keys: what Django accepts, and the width of the column.
const (
	minSessionKey = 8
	maxSessionKey = 40
)

// session is what Django keeps about who has signed in.
type session struct {
	UserID       string `json:"_auth_user_id"`
	Backend      string `json:"_auth_user_backend"`
	PasswordHash string `json:"_auth_user_hash"`
}

// decode reads the data of a session. What nobody has signed, or what says nobody,
// is an empty session, as in Django.
func (k keys) decode(data string) (session, error) {
	plain, err := k.unsign(data)
	if errors.Is(err, errTooLarge) {
		return session{}, status.Internal.Wrap(err, "the session is too large")
	}
	var read session
	if err == nil {
		err = json.Unmarshal(plain, &read)
	}
	whole := err == nil && read.UserID != "" && read.Backend != "" && read.PasswordHash != ""
	if !whole {
		read = session{}
	}
	return read, nil
}

// user returns whom a session is of.
func (s *Sessions) user(ctx context.Context, row *sessionRow) (*auth.User, error) {
	signed, err := s.keys.decode(row.data)
	if err != nil || signed.UserID == "" {
		return nil, err
	}
	known, err := s.store.withID(ctx, signed.UserID)
	if err != nil {
		return nil, err
	}
	if known == nil || !known.active || !s.keys.passwordHash(signed.PasswordHash, known.password) {
		return nil, nil
	}
	known.user.Expires = row.expires // nobody else has this one
	return known.user, nil
}
