package consumer

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/auth"
)

// Authorize says whether a user may send a message, beyond what its policy says:
// rules about the thing that the message names. It runs once for each message,
// after its policy was checked and it was decoded, before its key is looked for
// and any receiver or interceptor runs. An error is the ack; it should be made
// with package status, such as status.PermissionDenied. [From] says more about the
// frame. The user is auth.Anonymous for who is not signed in.
type Authorize func(ctx context.Context, user *auth.User, m proto.Message) error

// AuthorizeJoin says whether a connection of a user may be in a group. It runs
// whenever a receiver calls [Handle.Join], also for a group that the connection is
// in, and for each group that a client resumes by a ticket, before the receivers'
// Rejoin. An error is what Join returns, or refuses the ticket. The groups of the
// path and the group of the user are not asked about.
type AuthorizeJoin func(ctx context.Context, user *auth.User, group string) error

// authorize asks whether a message may be handled.
func (k *call) authorize(in proto.Message) (err error) {
	ask := k.c.opening.Path.Authorize
	if ask == nil {
		return nil
	}
	defer func() {
		if reason := recover(); reason != nil {
			err = k.c.panicked(k.Type(), reason)
		}
	}()
	return ask(k, k.who.user, in)
}
