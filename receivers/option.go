package receivers

import (
	"time"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

// Option says more about routes than their schema does. Where the schema speaks,
// options may only tighten it.
type Option func(*options)

// options is what was said about the routes of one receiver.
type options struct {
	all     consumer.Tighten
	methods map[string]*consumer.Tighten
	into    *consumer.Tighten // what the options that follow are about
}

func newOptions(opts []Option) *options {
	o := &options{methods: map[string]*consumer.Tighten{}}
	o.into = &o.all
	for _, opt := range opts {
		opt(o)
	}
	return o
}

// For says something about one method; the other options are about all methods
// of the receiver. Naming a method that is not connected is an error.
func For(method string, opts ...Option) Option {
	return func(o *options) {
		before := o.into
		defer func() { o.into = before }()
		if o.methods[method] == nil {
			o.methods[method] = &consumer.Tighten{}
		}
		o.into = o.methods[method]
		for _, opt := range opts {
			opt(o)
		}
	}
}

// Public lets anybody send the message, signed in or not. It is an error if the
// schema says auth: true, permissions or groups.
func Public() Option {
	return func(o *options) { o.into.Public = true }
}

// SignedIn asks for a signed-in sender.
func SignedIn() Option { return policy(&protowayv1.Rules{Auth: new(true)}) }

// Permissions asks for all of these permissions.
func Permissions(names ...string) Option { return policy(&protowayv1.Rules{Permissions: names}) }

// AllowGroups asks for at least one of these user groups.
func AllowGroups(names ...string) Option { return policy(&protowayv1.Rules{AllowGroups: names}) }

// DenyGroups refuses members of any of these user groups.
func DenyGroups(names ...string) Option { return policy(&protowayv1.Rules{DenyGroups: names}) }

func policy(rules *protowayv1.Rules) Option {
	return func(o *options) { o.into.Policy = o.into.Policy.Tighten(auth.Sending(rules, true)) }
}

// MaxBytes limits the payload further.
func MaxBytes(n int) Option {
	return func(o *options) { o.into.MaxBytes = n }
}

// Timeout limits the time of handling further.
func Timeout(d time.Duration) Option {
	return func(o *options) { o.into.Timeout = d }
}

// Identity marks a method that may change who the connection is: frames that
// arrive after it wait until it has ended.
func Identity() Option {
	return func(o *options) { o.into.Identity = true }
}

// of returns what was said about one method.
func (o *options) of(method string) consumer.Tighten {
	said := o.all
	own := o.methods[method]
	if own == nil {
		return said
	}
	said.Public = said.Public || own.Public
	said.Identity = said.Identity || own.Identity
	said.Policy = said.Policy.Tighten(own.Policy)
	said.MaxBytes = smaller(said.MaxBytes, own.MaxBytes)
	said.Timeout = smaller(said.Timeout, own.Timeout)
	return said
}

// smaller returns the smaller of two limits, of which 0 is none.
func smaller[N int | time.Duration](a, b N) N {
	switch {
	case a == 0:
		return b
	case b == 0:
		return a
	default:
		return min(a, b)
	}
}
