package protoway

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
)

// bothAuthorize asks the server, and then the path.
func bothAuthorize(server, path consumer.Authorize) consumer.Authorize {
	switch {
	case server == nil:
		return path
	case path == nil:
		return server
	}
	return func(ctx context.Context, user *auth.User, m proto.Message) error {
		if err := server(ctx, user, m); err != nil {
			return err
		}
		return path(ctx, user, m)
	}
}

// bothAuthorizeJoin asks the server, and then the path.
func bothAuthorizeJoin(server, path consumer.AuthorizeJoin) consumer.AuthorizeJoin {
	switch {
	case server == nil:
		return path
	case path == nil:
		return server
	}
	return func(ctx context.Context, user *auth.User, group string) error {
		if err := server(ctx, user, group); err != nil {
			return err
		}
		return path(ctx, user, group)
	}
}
