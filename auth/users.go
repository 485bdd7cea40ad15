package auth

import (
	"context"
	"reflect"

	"github.com/protoway/protoway/status"
)

// Users is where an application keeps its users. It is used by many goroutines at
// once. [MemoryUsers] is one.
//
// An error of another code than those stated means that the store could not tell.
type Users interface {
	// Login returns the user who has this name and password. Errors: Unauthenticated
	// if there is none, or one who must not sign in; which of them is not said.
	Login(ctx context.Context, name, password string) (*User, error)
	// User returns the user with an id and what they may do now. Errors:
	// Unauthenticated if there is none, or one who must not sign in.
	User(ctx context.Context, id string) (*User, error)
}

// Forgetter is a store of users that remembers what it has looked up for a while.
type Forgetter interface {
	// Forget makes it look a user up anew. It does not wait for anything.
	Forget(id string)
}

// Current returns a verifier that takes from a token who somebody is, and from
// users what they may do now: whoever was deactivated is refused, whatever the
// token says.
func Current(verifier Verifier, users Users) Verifier {
	// Nobody is asked twice, say because the configuration of the server wraps too.
	if known, ok := verifier.(current); ok && reflect.TypeOf(users).Comparable() && known.users == users {
		return verifier
	}
	return current{verifier, users}
}

type current struct {
	verifier Verifier
	users    Users
}

var (
	_ Verifier = current{}
	_ Checker  = current{}
)

// Check reports what is wrong with the configuration of the verifier.
func (c current) Check() error {
	if checker, ok := c.verifier.(Checker); ok {
		return checker.Check()
	}
	return nil
}

// Verify returns the user whom the token names, as the store knows them.
func (c current) Verify(ctx context.Context, token string) (*User, error) {
	named, err := c.verifier.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	known, err := c.users.User(ctx, named.ID)
	if err != nil {
		return nil, err
	}
	if known.ID != named.ID {
		return nil, status.Internal.Errorf("the store of users knows the user of a token by another id")
	}
	u := *known
	u.Expires, u.TokenID, u.Family, u.IssuedAt = named.Expires, named.TokenID, named.Family, named.IssuedAt
	return &u, nil
}
