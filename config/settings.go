package config

import (
	"log/slog"
	"time"

	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/transport"
	"github.com/protoway/protoway/wire"
)

// Settings are what a file and the environment say. They are made by [Load] and
// [Read]; a field that nobody stated has its default, or zero where that stands
// for the default of protoway.Config.
type Settings struct {
	// Listen is the TCP address to serve on. Default: ":8080".
	Listen string
	// Log says what is logged.
	Log Log
	// Auth says whose tokens are accepted.
	Auth Auth
	// Tickets say how clients resume their groups.
	Tickets Tickets
	// Paths are the URLs that clients connect to, by the path of the URL.
	Paths map[string]Path

	// These are the fields of protoway.Config with the same names.

	PublicByDefault      bool
	Strict               bool
	WithoutSystem        bool
	ForwardErrors        bool
	MinAPIVersion        int32
	Mode                 transport.Mode
	TrustedProxies       []string
	NoQueryToken         bool
	CookiesWithoutOrigin bool
	Recheck              time.Duration
	DrainSpread          time.Duration
	Pools                consumer.Pools
	Limits               consumer.Limits

	file string
	from map[string]source // by the name of the key: who stated it
}

// Log says what is logged.
type Log struct {
	// Level is the least that is logged: debug, info, warn or error. Default: info.
	Level string
	// Format is text or json. Default: text.
	Format string
}

// Auth says whose tokens are accepted.
type Auth struct {
	// Secret is what tokens are signed with, HS256. Default: none, every token is
	// refused unless the code brings a verifier.
	Secret Secret
	// SecretFile is the file that Secret came from.
	SecretFile string
	// OldSecret is accepted besides, while Secret is being replaced.
	OldSecret Secret
	// OldSecretFile is the file that OldSecret came from.
	OldSecretFile string
	// PublicKey is PEM with the public keys of who signs tokens.
	PublicKey []byte
	// PublicKeyFile is the file that PublicKey came from.
	PublicKeyFile string
	// JWKSURL is where public keys are published.
	JWKSURL string

	// These are the fields of auth.JWTConfig and its keys.

	Algorithms       []string
	Issuer           string
	Audience         []string
	AnyAudience      bool
	NoTokenType      bool
	UserClaims       []string
	PermissionsClaim string
	GroupsClaim      string

	// Leeway is what the clocks of issuer and server may differ. Default: none.
	Leeway time.Duration
}

// Tickets say how clients resume their groups.
type Tickets struct {
	// Secret is the Secret of protoway.Config.
	Secret Secret
	// SecretFile is the file that Secret came from.
	SecretFile string
}

// Path is what clients of one URL get. A nil field was not stated.
type Path struct {
	// Groups are joined by every connection.
	Groups []string
	// Origins are the hosts whose pages may connect besides the server's own.
	Origins []string
	// Dialects are what clients may speak.
	Dialects []wire.Dialect
}

const (
	defaultListen = ":8080"
	defaultLevel  = "info"
	defaultFormat = "text"
)

func newSettings(file string) *Settings {
	return &Settings{
		Listen: defaultListen,
		Log:    Log{Level: defaultLevel, Format: defaultFormat},
		Mode:   transport.Auto,
		Paths:  make(map[string]Path),
		file:   file,
		from:   make(map[string]source),
	}
}

// effective returns s with the defaults that depend on other settings filled in.
func (s *Settings) effective() *Settings {
	full := *s
	full.Pools, full.Limits = s.Pools.WithDefaults(), s.Limits.WithDefaults()
	return &full
}

// level is what slog calls the level.
func (l Log) level() slog.Level {
	var level slog.Level // the zero value is info
	_ = level.UnmarshalText([]byte(l.Level))
	return level
}
