package receivers

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire"
)

// Registry is all receivers of one path. It is complete when it is made.
type Registry struct {
	bindings map[*wire.Entry]*consumer.Binding
	// Lifecycles and Scopes are for [consumer.Path].
	Lifecycles []consumer.Lifecycle
	Scopes     []*consumer.Scope

	config Config
}

// Config is what a registry is made of.
type Config struct {
	// Catalog gets the messages. Required.
	Catalog *wire.Catalog
	// Receivers handle messages, in this order.
	Receivers []Receiver
	// Interceptors wrap every handler, the first one outermost.
	Interceptors []consumer.Interceptor
	// PublicByDefault lets anybody send messages whose schema says nothing about
	// auth. Default: senders must be signed in.
	PublicByDefault bool
}

var _ consumer.Router = (*Registry)(nil)

// NewRegistry connects the receivers of a path, in their order, and adds their
// messages to the catalog. All that is wrong is one error.
func NewRegistry(config Config) (*Registry, error) {
	r := &Registry{bindings: map[*wire.Entry]*consumer.Binding{}, config: config}
	var errs []error
	for _, receiver := range config.Receivers {
		routes, err := receiver.Routes()
		if err != nil {
			errs = append(errs, err)
		}
		errs = append(errs, r.addAll(routes))
		if scoped, ok := receiver.(scoper); ok {
			r.Scopes = append(r.Scopes, scoped.scope())
			continue
		}
		r.Lifecycles = append(r.Lifecycles, lifecycleOf(receiver))
	}
	return r, errors.Join(errs...)
}

// Binding returns how messages of e are handled; nil if nobody does.
func (r *Registry) Binding(e *wire.Entry) *consumer.Binding { return r.bindings[e] }

// Bindings returns how many messages are handled.
func (r *Registry) Bindings() int { return len(r.bindings) }

// addAll adds the routes of one receiver.
func (r *Registry) addAll(routes []consumer.Route) error {
	var errs []error
	seen := map[*wire.Entry]string{}
	for i := range routes {
		route := &routes[i]
		e, err := r.config.Catalog.Of(route.Message)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s.%s: %w", route.Receiver, route.Method, err))
			continue
		}
		if other, twice := seen[e]; twice {
			errs = append(errs, fmt.Errorf("%s: methods %s and %s both handle %s: one of them must go", route.Receiver, other, route.Method, e.Name()))
			continue
		}
		seen[e] = route.Method
		if err := r.add(e, route); err != nil {
			errs = append(errs, fmt.Errorf("%s.%s: %w", route.Receiver, route.Method, err))
		}
	}
	return errors.Join(errs...)
}

// add adds one route to the binding of its message.
func (r *Registry) add(e *wire.Entry, route *consumer.Route) error {
	if err := check(e, route); err != nil {
		return err
	}
	b := r.bindings[e]
	if b == nil {
		b = newBinding(e)
		r.bindings[e] = b
	}
	if route.Reply != nil {
		for _, other := range b.Routes {
			if other.Reply != nil {
				return fmt.Errorf("%s.%s answers %s already: at most one receiver may", other.Receiver, other.Method, e.Name())
			}
		}
	}
	said := &route.Tighten
	public := r.config.PublicByDefault || said.Public
	r.intercept(route)
	b.Routes = append(b.Routes, route)
	b.Policies = append(b.Policies, auth.Sending(e.Rules, public).Tighten(said.Policy))
	b.MaxBytes = smaller(b.MaxBytes, said.MaxBytes)
	b.Timeout = smaller(b.Timeout, said.Timeout)
	b.Identity = b.Identity || said.Identity
	b.PerConnection = b.PerConnection || route.Scope != nil
	return nil
}

// intercept puts the interceptors around a route.
func (r *Registry) intercept(route *consumer.Route) {
	if len(r.config.Interceptors) == 0 {
		return
	}
	if bind := route.Bind; bind != nil {
		route.Bind = func(instance any) consumer.Handler {
			return consumer.Intercept(bind(instance), r.config.Interceptors)
		}
		return
	}
	route.Handle = consumer.Intercept(route.Handle, r.config.Interceptors)
}

// newBinding is what the schema says.
func newBinding(e *wire.Entry) *consumer.Binding {
	return &consumer.Binding{
		Entry:    e,
		MaxBytes: int(e.Rules.GetMaxBytes()),
		Timeout:  e.Rules.GetTimeout().AsDuration(),
		Identity: e.Rules.GetIdentity(),
		Keyed:    e.Rules.GetDedupe() != protowayv1.Rules_NONE,
	}
}

// check says why a route cannot be.
func check(e *wire.Entry, route *consumer.Route) error {
	if !e.FromClient() {
		return fmt.Errorf("message %s has origin SERVER: clients cannot send it", e.Name())
	}
	if route.Reply != nil && e.Reply != nil && proto.MessageName(route.Reply) != e.Reply.Name() {
		return fmt.Errorf("it answers with %s, the schema says %s", proto.MessageName(route.Reply), e.Reply.Name())
	}
	if route.Reply == nil && e.Reply != nil {
		return fmt.Errorf("the schema says that %s answers %s", e.Reply.Name(), e.Name())
	}
	said, rules := &route.Tighten, e.Rules
	if said.Public && (rules.GetAuth() || len(rules.GetPermissions())+len(rules.GetAllowGroups())+len(rules.GetDenyGroups()) > 0) {
		return fmt.Errorf("option Public: the schema of %s asks for a signed-in sender, and options may only tighten it", e.Name())
	}
	if stated := int(rules.GetMaxBytes()); stated > 0 && said.MaxBytes > stated {
		return fmt.Errorf("option MaxBytes(%d): the schema of %s allows %d, and options may only tighten it", said.MaxBytes, e.Name(), stated)
	}
	if stated := rules.GetTimeout().AsDuration(); stated > 0 && said.Timeout > stated {
		return fmt.Errorf("option Timeout(%v): the schema of %s allows %v, and options may only tighten it", said.Timeout, e.Name(), stated)
	}
	if said.Timeout < 0 || said.MaxBytes < 0 || said.Timeout > maxTimeout {
		return fmt.Errorf("options Timeout and MaxBytes must be positive, and Timeout at most %v", maxTimeout)
	}
	return nil
}

// maxTimeout is the longest time that an option can state.
const maxTimeout = 24 * time.Hour
