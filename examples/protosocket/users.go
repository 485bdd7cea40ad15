package main

import (
	"errors"
	"net/http"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

// password is that of every user.
const password = "pw"

// people are the users by their names.
var people = []auth.Account{
	{User: auth.User{ID: "1", Name: "alice"}},
	{User: auth.User{ID: "2", Name: "root", Superuser: true, Groups: auth.NewSet("bad")}},
	{User: auth.User{ID: "3", Name: "bob", Groups: auth.NewSet("staff")}},
	{User: auth.User{ID: "4", Name: "carl", Groups: auth.NewSet("staff", "bad")}},
	{User: auth.User{ID: "5", Name: "inact"}, Inactive: true},
}

// newUsers returns the store of the users.
func newUsers() (*auth.MemoryUsers, error) {
	const iterations = 1000 // few: it is no secret
	accounts := make([]auth.Account, len(people))
	for i, account := range people {
		account.Password = auth.HashPassword(password, iterations)
		accounts[i] = account
	}
	return auth.NewMemoryUsers(accounts...)
}

// newTokens returns an access token of each user, by their names.
func newTokens(issuer *auth.Issuer) (map[string]string, error) {
	tokens := map[string]string{}
	var errs []error
	for _, account := range people {
		token, err := issuer.AccessToken(&account.User)
		tokens[account.User.Name] = token
		errs = append(errs, err)
	}
	return tokens, errors.Join(errs...)
}

// activeOnly makes nobody of a user who must not sign in.
func activeOnly(user *auth.User, err error) (*auth.User, error) {
	if status.CodeOf(err) == status.Unauthenticated {
		return nil, nil
	}
	return user, err
}

// session says whose session a request has. A real application looks the cookie
// up in its sessions; here it is the name of the user.
func session(users *auth.MemoryUsers) auth.Identify {
	return func(r *http.Request) (*auth.User, error) {
		cookie, err := r.Cookie("sessionid")
		if err != nil {
			return nil, nil //nolint:nilerr // no cookie is no session
		}
		for _, account := range people {
			if account.User.Name == cookie.Value {
				return activeOnly(users.User(r.Context(), account.User.ID))
			}
		}
		return nil, nil
	}
}
