package client

import (
	"context"
	"log/slog"
	"net/http"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire"
)

// Option changes how a connection is made by [Dial] or [Open], or how a [Client]
// makes its connections.
type Option func(*options)

// options is what the options of a connection say.
type options struct {
	dialect   wire.Dialect
	hello     *protowayv1.Hello
	header    http.Header
	readLimit int64
	logger    *slog.Logger
	catalog   *wire.Catalog
	queue     int
	anonymous bool
	resume    Resume
	handlers  []func(Caller)
	events    events
	registry  *registry
	resilient resilient
	link      link
}

// link is what a [Client] has to do with its connection. The functions are called
// by the reader and must not wait; those that are nil are not called.
type link struct {
	owner  *Client
	life   context.Context // of handlers
	before <-chan struct{} // closed when the handlers of the connection before have ended; nil if there was none
	goaway func(in *protowayv1.Goaway)
	asked  func() // the server asks for a fresh token
}

// events are the functions that are told what happens to a connection. Each may
// be nil.
type events struct {
	joined       func(ctx context.Context, in *protowayv1.Joined)
	left         func(ctx context.Context, in *protowayv1.Left)
	goaway       func(ctx context.Context, in *protowayv1.Goaway)
	authenticate func(ctx context.Context) (token string, err error)
	unknown      func(ctx context.Context, kind string, payload []byte)
}

const (
	defaultReadLimit = 16 << 20
	defaultQueue     = 1024
)

func newOptions(opts []Option) *options {
	o := &options{
		dialect: wire.Protobuf, hello: &protowayv1.Hello{Client: "protoway-go"},
		readLimit: defaultReadLimit, queue: defaultQueue, resilient: newResilient(),
		link: link{life: context.Background()},
	}
	for _, opt := range opts {
		opt(o)
	}
	if o.logger == nil {
		o.logger = slog.New(slog.DiscardHandler)
	}
	if o.catalog == nil {
		o.catalog = wire.NewCatalog(nil)
	}
	o.registry = newRegistry(o.catalog)
	o.hello.Resume = o.resume.proto()
	return o
}

// WithDialect says how frames are spelled: [wire.Protobuf], the default, or
// [wire.JSON].
func WithDialect(dialect wire.Dialect) Option { return func(o *options) { o.dialect = dialect } }

// WithToken signs in with a token. Default: the client is who the upgrade
// request says, or nobody.
func WithToken(token string) Option { return func(o *options) { o.hello.Token = token } }

// WithAnonymous goes on as nobody when the server refuses the token. Default:
// that is an error.
func WithAnonymous() Option { return func(o *options) { o.anonymous = true } }

// WithHTTPHeader adds headers to the upgrade request of [Dial].
func WithHTTPHeader(header http.Header) Option { return func(o *options) { o.header = header } }

// WithAPIVersion states the version of the application's API that the client
// was built for. Default: 0, not stated.
func WithAPIVersion(version uint32) Option {
	return func(o *options) { o.hello.ApiVersion = version }
}

// WithLogger sets where what the application is not told goes: messages that
// nobody handles, panics of handlers. Default: nowhere.
func WithLogger(logger *slog.Logger) Option { return func(o *options) { o.logger = logger } }

// WithCatalog shares a catalog between connections. Default: one of its own,
// which learns messages as they are sent and handlers are added.
func WithCatalog(catalog *wire.Catalog) Option { return func(o *options) { o.catalog = catalog } }

// WithReadLimit sets the largest WebSocket message in bytes that is read; a
// larger one ends the connection. Default: 16 MiB.
func WithReadLimit(bytes int64) Option { return func(o *options) { o.readLimit = bytes } }

// WithQueue sets how many messages may wait for their handlers. When the queue
// has been full for ten seconds, the connection ends with code 4000. Default:
// 1,024.
func WithQueue(messages int) Option { return func(o *options) { o.queue = messages } }

// WithResume restores the memberships of an earlier connection, see [Conn.Resume].
func WithResume(resume Resume) Option { return func(o *options) { o.resume = resume } }

// WithHandlers adds handlers before the server is greeted, so that its first
// messages find them. Calls are not possible in register.
func WithHandlers(register func(c Caller)) Option {
	return func(o *options) { o.handlers = append(o.handlers, register) }
}

// OnJoined is told of each membership that begins or whose ticket is renewed, in
// order with the messages of its group.
func OnJoined(fn func(ctx context.Context, in *protowayv1.Joined)) Option {
	return func(o *options) { o.events.joined = fn }
}

// OnLeft is told of each membership that ends, in order with the messages of its
// group.
func OnLeft(fn func(ctx context.Context, in *protowayv1.Left)) Option {
	return func(o *options) { o.events.left = fn }
}

// OnGoaway is told when the server is about to close and asks the client to
// connect again at a random time within in.spread_ms milliseconds.
func OnGoaway(fn func(ctx context.Context, in *protowayv1.Goaway)) Option {
	return func(o *options) { o.events.goaway = fn }
}

// OnAuthenticate gets a fresh token when the server asks for one, which it does
// when the old one has expired. An empty token changes nothing. fn runs on a
// goroutine of its own, one at a time. Default: the request is ignored.
func OnAuthenticate(fn func(ctx context.Context) (token string, err error)) Option {
	return func(o *options) { o.events.authenticate = fn }
}

// OnUnknown gets each message that has no handler, with its payload as the
// dialect spells it. Default: a line in the log, at level Debug.
func OnUnknown(fn func(ctx context.Context, kind string, payload []byte)) Option {
	return func(o *options) { o.events.unknown = fn }
}
