package gatewaytest

import (
	"github.com/protoway/protoway/auth"
	client "github.com/protoway/protoway/clients/go"
	"github.com/protoway/protoway/wire"
)

// Option says how to connect.
type Option func(*options)

// options is what the options say.
type options struct {
	path    string
	user    *auth.User
	dialect wire.Dialect
	client  []client.Option
}

func newOptions(path string, opts []Option) *options {
	o := &options{path: path, dialect: wire.Protobuf}
	for _, opt := range opts {
		opt(o)
	}
	return o
}

// As connects as a user, as a path's Identify would have it: no token is needed.
// Default: anonymous.
func As(user auth.User) Option { return func(o *options) { o.user = &user } }

// Speaking sets the dialect. Default: [wire.Protobuf].
func Speaking(dialect wire.Dialect) Option { return func(o *options) { o.dialect = dialect } }

// To sets the path. Default: the first one by name.
func To(path string) Option { return func(o *options) { o.path = path } }

// With hands options to the client, such as [client.WithToken] or
// [client.WithResume].
func With(opts ...client.Option) Option {
	return func(o *options) { o.client = append(o.client, opts...) }
}
