package protoway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/broadcast"
	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/receivers/system"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/transport"
	"github.com/protoway/protoway/wire"
)

// Version is the version of the gateway.
const Version = "0.1.0"

// Server is the gateway of a process: it owns the groups, the connections and
// the workers. It is an http.Handler for its paths and for /healthz, /readyz and
// /metrics.
type Server struct {
	config   Config
	catalog  *wire.Catalog
	hub      *broadcast.Hub
	node     *consumer.Node
	paths    map[string]*consumer.Path
	handlers map[string]*transport.Handler
	mux      *http.ServeMux
	engine   *transport.Engine

	unhandled []*wire.Entry // what clients may send and no receiver handles
}

// noVerifier refuses every token of a server that was given no way to check them.
var noVerifier = auth.VerifierFunc(func(context.Context, string) (*auth.User, error) {
	return nil, status.Unauthenticated.Errorf("this server accepts no tokens")
})

// New starts a server. Everything that is wrong with the configuration, its
// receivers and their messages comes back as one error. A server that was
// returned is ended by [Server.Shutdown].
func New(config Config) (*Server, error) {
	config = config.withDefaults()
	s := &Server{config: config, catalog: wire.NewCatalog(consumer.Enforceable), paths: map[string]*consumer.Path{}}
	tickets, err := broadcast.NewTickets(config.Secret, "protoway")
	if err = errors.Join(config.check(), err, s.connect()); err != nil {
		return nil, fmt.Errorf("protoway: the configuration is not valid:\n%w", err)
	}
	if file := os.Getenv(RoutesVariable); file != "" {
		return nil, s.writeRoutes(file)
	}
	s.hub, err = broadcast.NewHub(context.Background(), config.Broker, s.catalog, config.Observer, config.Logger)
	if err != nil {
		return nil, fmt.Errorf("protoway: the broker does not start: %w", err)
	}
	s.node = consumer.NewNode(consumer.Config{
		Catalog: s.catalog, Hub: s.hub, Tickets: tickets, Verifier: config.Verifier,
		Store: auth.NewMemoryStore(auth.MemoryConfig{}), Observer: config.Observer, Logger: config.Logger,
		Limits: config.Limits, Pools: config.Pools,
		Users: config.Users, Recheck: config.Recheck, Revocations: config.Revocations,
		Forward: config.forward(), MinAPIVersion: config.MinAPIVersion,
	})
	s.serve()
	return s, nil
}

// connect makes the paths and the catalog.
func (s *Server) connect() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(s.config.Paths)) {
		if err := s.connectPath(name, s.config.Paths[name]); err != nil {
			errs = append(errs, fmt.Errorf("path %q: %w", name, err))
		}
	}
	for _, m := range s.config.Messages {
		_, err := s.catalog.Of(m)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return s.addPackages()
}

func (s *Server) connectPath(name string, p Path) error {
	if !strings.HasPrefix(name, "/") || strings.ContainsAny(name, "{} \t\n") {
		return errors.New("the name of a path starts with / and has no braces and spaces")
	}
	list := slices.Clone(p.Receivers)
	if !s.config.WithoutSystem {
		list = append(list, system.New(system.Config{
			Stats:   func() consumer.Stats { return s.node.Stats() },
			Groups:  func() int { return s.hub.Groups() },
			Version: Version,
			Limits:  s.config.Limits,
		}))
	}
	registry, err := receivers.NewRegistry(receivers.Config{
		Catalog: s.catalog, Receivers: list,
		Interceptors: s.config.Interceptors, PublicByDefault: s.config.PublicByDefault,
	})
	if err != nil {
		return err
	}
	for _, group := range p.Groups {
		if err := broadcast.CheckGroup(group); err != nil {
			return err
		}
	}
	s.paths[name] = &consumer.Path{
		Name: name, Router: registry, Groups: p.Groups,
		Lifecycles: registry.Lifecycles, Scopes: registry.Scopes,
		Authorize: bothAuthorize(s.config.Authorize, p.Authorize), AuthorizeJoin: bothAuthorizeJoin(s.config.AuthorizeJoin, p.AuthorizeJoin),
	}
	return nil
}

// serve makes the HTTP side.
func (s *Server) serve() {
	s.mux, s.handlers = http.NewServeMux(), map[string]*transport.Handler{}
	s.engine = transport.NewEngine(s.config.Mode, s.config.Limits.MaxMessageBytes)
	proxies, _ := auth.ParseProxies(s.config.TrustedProxies) // check has reported what is wrong
	for name, path := range s.paths {
		p := s.config.Paths[name]
		s.handlers[name] = transport.New(transport.Config{
			Node: s.node, Path: path, Dialects: p.dialects(), Proxies: proxies,
			Origins: p.Origins, Identify: p.Identify, Engine: s.engine, Logger: s.config.Logger,
			CookiesWithoutOrigin: s.config.CookiesWithoutOrigin, NoQueryToken: s.config.NoQueryToken,
		})
		s.mux.Handle(name, s.handlers[name])
	}
	s.serveHealth()
}

// ServeHTTP serves the paths, /healthz, /readyz and /metrics.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Handler returns the http.Handler of one path, to be mounted anywhere. It panics
// for a path that is not in the configuration.
func (s *Server) Handler(path string) http.Handler {
	h := s.handlers[path]
	if h == nil {
		panic(fmt.Sprintf("protoway: path %q is not in Config.Paths", path))
	}
	return h
}

// Pipe opens a connection in memory on a path, in a dialect, as a user; nil is
// nobody. It is the transport of a Go client in tests. It panics for a path that
// is not in the configuration.
func (s *Server) Pipe(path string, dialect wire.Dialect, user *auth.User) *transport.PipeEnd {
	h := s.handlers[path]
	if h == nil {
		panic(fmt.Sprintf("protoway: path %q is not in Config.Paths", path))
	}
	return h.Pipe(consumer.Opening{Dialect: dialect, User: user, RemoteAddr: "pipe"})
}

// Broadcast sends m to all members of a group on all nodes and returns how many
// members of this node it reached. m is a proto.Message of server origin or has
// a method Message that returns one.
func (s *Server) Broadcast(ctx context.Context, group string, m any, opts ...broadcast.PublishOption) (int, error) {
	if err := broadcast.CheckGroup(group); err != nil {
		return 0, err
	}
	return s.publish(ctx, group, m, opts...)
}

// SendToUser sends m to all connections of a user on all nodes and returns how
// many of this node it reached.
func (s *Server) SendToUser(ctx context.Context, user string, m any, opts ...broadcast.PublishOption) (int, error) {
	if user == "" {
		return 0, status.InvalidArgument.Errorf("the user is empty")
	}
	return s.publish(ctx, broadcast.UserGroup(user), m, opts...)
}

func (s *Server) publish(ctx context.Context, group string, m any, opts ...broadcast.PublishOption) (int, error) {
	value, err := wire.ProtoOf(m)
	if err != nil {
		return 0, status.InvalidArgument.Wrap(err, err.Error())
	}
	reached, err := s.hub.Publish(ctx, group, value, opts...)
	if s.config.Logger.Enabled(ctx, slog.LevelDebug) {
		s.config.Logger.Debug("broadcast", "group", group, "type", proto.MessageName(value), "reached", reached, "error", err)
	}
	return reached, err
}

// Stats returns the state of this node.
func (s *Server) Stats() consumer.Stats { return s.node.Stats() }

// Shutdown ends the server. New frames are refused, clients are asked to
// reconnect elsewhere, handlers that run may end until ctx does; then the
// connections are closed. The error says if something was cut off.
func (s *Server) Shutdown(ctx context.Context) error {
	s.node.Drain(s.config.DrainSpread)
	drained := s.settle(ctx)
	for _, h := range s.handlers {
		h.Shut()
	}
	s.node.Disconnect()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for _, h := range s.handlers {
			h.Wait()
		}
		s.engine.Close()
		s.node.Close()
	}()
	select {
	case <-ended:
		return errors.Join(drained, s.hub.Close(ctx))
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("protoway: handlers still run: %w", ctx.Err()), s.hub.Close(ctx))
	}
}

// settle waits until no handler runs and, within the drain spread, no client is
// left.
func (s *Server) settle(ctx context.Context) error {
	const look = 5 * time.Millisecond
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	spread := time.After(s.config.DrainSpread)
	leaving := s.config.DrainSpread > 0
	for {
		stats := s.node.Stats()
		busy := stats.SyncRunning + stats.SyncQueued + stats.AsyncRunning + stats.AsyncQueued
		if busy == 0 && (!leaving || stats.Connections == 0) {
			return nil
		}
		select {
		case <-ticker.C:
		case <-spread:
			leaving = false
		case <-ctx.Done():
			return fmt.Errorf("protoway: %d handlers were cut off: %w", busy, ctx.Err())
		}
	}
}
