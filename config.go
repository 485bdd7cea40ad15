package protoway

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/broadcast"
	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/metrics"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/transport"
	"github.com/protoway/protoway/wire"
)

// Config is what a server is made of. The zero value of every field is safe.
type Config struct {
	// Paths are the URLs that clients connect to, by the path of the URL: "/ws".
	// At least one is required.
	Paths map[string]Path
	// Verifier checks tokens. Default: every token is refused.
	Verifier auth.Verifier
	// Broker carries broadcasts between nodes. Default: in memory, for one node.
	Broker broadcast.Broker
	// Secret signs the tickets with which clients resume their groups; at least 32
	// bytes, the same on all nodes. Default: random, so that tickets end with the
	// process and clients join anew after a restart.
	Secret []byte
	// Messages are sent by this server though no receiver handles a message of
	// their proto package. They are needed for broadcasts of other nodes only.
	Messages []proto.Message
	// PublicByDefault lets anybody send messages whose schema says nothing about
	// auth. Default: senders must be signed in.
	PublicByDefault bool
	// Strict makes it an error if nobody handles a message that clients may send.
	// Default: it is logged.
	Strict bool
	// WithoutSystem leaves out the diagnostics that every path has: ping, echo,
	// health and info.
	WithoutSystem bool
	// ForwardErrors tells clients the text of errors that were not made with package
	// status, and of panics, as ErrorFormatter writes them. It is meant for
	// development. Default: they read "internal error", and the log has the text.
	ForwardErrors bool
	// ErrorFormatter writes what ForwardErrors tells. Default: the error's own text.
	ErrorFormatter func(err error) string
	// MinAPIVersion is the oldest apiVersion that clients of Proto Socket may have:
	// older ones are sent upgrade-api-version, once per connection, and are served
	// all the same. Default: 0, all may.
	MinAPIVersion int32
	// Limits bound what clients may use.
	Limits consumer.Limits
	// TrustedProxies are the addresses and networks ("10.0.0.7", "10.0.0.0/8") of the
	// proxies in front of the server, whose X-Forwarded-For says where a client is.
	// Default: none, and the client is where its connection comes from.
	TrustedProxies []string
	// NoQueryToken refuses upgrade requests with a token in their URL (?token=) with
	// 400: URLs are in logs and histories. Default: they are taken.
	NoQueryToken bool
	// CookiesWithoutOrigin shows Path.Identify the cookies of upgrade requests without
	// an Origin, which no browser sends: for native clients that sign in by a cookie.
	// Default: such a cookie says nothing.
	CookiesWithoutOrigin bool
	// Users say who may be signed in at this moment, and with what rights. They are
	// asked for each token, as by [auth.Current], and for open connections every
	// Recheck. Default: a token is good until it expires.
	Users auth.Users
	// Recheck is how often Users are asked about a user who is connected, once for all
	// of their connections; it takes at most some seconds longer. Whoever was
	// deactivated is signed out, other rights take effect. It needs Users. Default: 0,
	// only when a token comes.
	Recheck time.Duration
	// Revocations say which tokens were ended before their time. They are asked for
	// each token, as by [auth.Revoked], and end users who are connected within a
	// second. Default: none, a token is good until it expires.
	Revocations *auth.Revocations
	// Pools size the goroutines that run receivers.
	Pools consumer.Pools
	// Mode says how connections are read: by events or by a goroutine each.
	// Default: [transport.Auto].
	Mode transport.Mode
	// Interceptors wrap the handling of every message, the first one outermost.
	Interceptors []consumer.Interceptor
	// Authorize says whether a user may send a message, beyond the policy of its
	// schema. It is asked before that of the path. Default: the policy is enough.
	Authorize consumer.Authorize
	// AuthorizeJoin says whether a connection may join or resume a group, before that
	// of the path. Default: what receivers join is joined.
	AuthorizeJoin consumer.AuthorizeJoin
	// DrainSpread is the time that Shutdown gives clients to reconnect elsewhere.
	// Default: none, they are disconnected once all handlers have ended.
	DrainSpread time.Duration
	// Observer is told what happens. Default: Prometheus metrics at /metrics.
	Observer consumer.Observer
	// Logger gets what operators need to know. Default: slog.Default().
	Logger *slog.Logger
}

// Path is what clients of one URL get.
type Path struct {
	// Receivers handle the messages, in this order.
	Receivers []receivers.Receiver
	// Groups are joined by every connection.
	Groups []string
	// Dialects are what clients may speak. Default: native binary, native JSON, and
	// Proto Socket for clients that offer no subprotocol.
	Dialects []wire.Dialect
	// Origins are the hosts whose pages may connect besides the server's own, as
	// patterns: "example.com", "*.example.com".
	Origins []string
	// Identify finds out who the user of the upgrade request is, for instance by a
	// session cookie. It is asked only for requests of allowed origins; cookies of a
	// request without an Origin it does not see, see [Config.CookiesWithoutOrigin].
	// Default: nobody.
	Identify auth.Identify
	// Authorize is asked after that of the server, and AuthorizeJoin too.
	Authorize     consumer.Authorize
	AuthorizeJoin consumer.AuthorizeJoin
}

// withDefaults returns c with what was left out filled in.
func (c Config) withDefaults() Config {
	if c.Verifier == nil {
		c.Verifier = noVerifier
	}
	if c.Broker == nil {
		c.Broker = broadcast.NewMemory()
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Observer == nil {
		c.Observer = metrics.New(metrics.Config{})
	}
	if c.Users != nil {
		c.Verifier = auth.Current(c.Verifier, c.Users)
	}
	if c.Revocations != nil {
		c.Verifier = auth.Revoked(c.Verifier, c.Revocations)
	}
	c.Limits = c.Limits.WithDefaults()
	return c
}

// forward returns what writes the errors that are forwarded; nil if none are.
func (c Config) forward() func(error) string {
	switch {
	case !c.ForwardErrors:
		return nil
	case c.ErrorFormatter != nil:
		return c.ErrorFormatter
	default:
		return error.Error
	}
}

// check says what is wrong with the fields themselves.
func (c Config) check() error {
	var errs []error
	if len(c.Paths) == 0 {
		errs = append(errs, errors.New("Config.Paths is empty: clients need at least one path, such as \"/ws\""))
	}
	if checker, ok := c.Verifier.(auth.Checker); ok {
		errs = append(errs, checker.Check())
	}
	switch {
	case c.Recheck < 0:
		errs = append(errs, fmt.Errorf("Config.Recheck is %s: state how often, or 0 for never", c.Recheck))
	case c.Recheck > 0 && c.Users == nil:
		errs = append(errs, errors.New("Config.Recheck needs Config.Users, who are to be looked up"))
	}
	_, err := auth.ParseProxies(c.TrustedProxies)
	errs = append(errs, err, c.Mode.Check())
	return errors.Join(errs...)
}

// dialects returns what clients of the path may speak.
func (p Path) dialects() []wire.Dialect {
	if len(p.Dialects) > 0 {
		return p.Dialects
	}
	return []wire.Dialect{wire.Protobuf, wire.JSON, wire.ProtoSocket}
}
