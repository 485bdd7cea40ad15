package auth

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/protoway/protoway/status"
)

// Account is a user of [MemoryUsers].
type Account struct {
	// User is who it is and what they may do. ID and Name are required and unique;
	// Name is what they log in with.
	User User
	// Password is the hash of the password, as [HashPassword] or Django make it; what
	// starts with "!" is nobody's.
	Password string
	// Inactive users must not sign in.
	Inactive bool
}

// MemoryUsers keeps users in memory: for development, for tests, and for the few
// users of a small tool.
type MemoryUsers struct {
	passwords *Passwords

	mu     sync.RWMutex // guards what follows
	byID   map[string]*Account
	byName map[string]*Account
}

var _ Users = (*MemoryUsers)(nil)

// NewMemoryUsers makes a store of these users. Errors say which account is wrong.
func NewMemoryUsers(accounts ...Account) (*MemoryUsers, error) {
	m := &MemoryUsers{byID: map[string]*Account{}, byName: map[string]*Account{}}
	for i := range accounts {
		if err := m.add(accounts[i]); err != nil {
			return nil, fmt.Errorf("account %d: %w", i+1, err)
		}
	}
	// Who does not exist takes as long as the first one who can log in.
	decoy := ""
	if first := slices.IndexFunc(accounts, func(a Account) bool { return usable(a.Password) }); first >= 0 {
		decoy = accounts[first].Password
	}
	var err error
	m.passwords, err = NewPasswords(PasswordConfig{Decoy: decoy})
	return m, err
}

func (m *MemoryUsers) add(a Account) error {
	name := a.User.Name
	switch {
	case a.User.ID == "" || name == "":
		return fmt.Errorf("an id and a name are required, not %q and %q", a.User.ID, name)
	case m.byID[a.User.ID] != nil:
		return fmt.Errorf("the id %q is taken", a.User.ID)
	case m.byName[name] != nil:
		return fmt.Errorf("the name %q is taken", name)
	}
	if err := checkHash(a.Password); err != nil {
		return fmt.Errorf("the password of %q: %w", name, err)
	}
	m.byID[a.User.ID], m.byName[name] = &a, &a
	return nil
}

// SetActive says whether a user may sign in, and reports whether there is one
// with this id. It takes effect when the user is looked up next.
func (m *MemoryUsers) SetActive(id string, active bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := m.byID[id]
	if known == nil {
		return false
	}
	changed := *known // who has the old one reads on
	changed.Inactive = !active
	m.byID[id], m.byName[changed.User.Name] = &changed, &changed
	return true
}

// errLogin is all that a failed login says.
var errLogin = status.Unauthenticated.Errorf("no active user has this name and password")

// Login returns the user with a name and a password. As many passwords are checked
// at once as [PasswordConfig] says by default.
func (m *MemoryUsers) Login(ctx context.Context, name, password string) (*User, error) {
	m.mu.RLock()
	known := m.byName[name]
	m.mu.RUnlock()
	hash := "" // who does not exist takes as long as who does
	if known != nil {
		hash = known.Password
	}
	good, err := m.passwords.Check(ctx, password, hash)
	if err != nil {
		return nil, err
	}
	if !good || known.Inactive {
		return nil, errLogin
	}
	return &known.User, nil
}

// User returns the user with an id.
func (m *MemoryUsers) User(_ context.Context, id string) (*User, error) {
	m.mu.RLock()
	known := m.byID[id]
	m.mu.RUnlock()
	switch {
	case known == nil:
		return nil, status.Unauthenticated.Errorf("the user of the token does not exist any more")
	case known.Inactive:
		return nil, status.Unauthenticated.Errorf("the user was deactivated")
	}
	return &known.User, nil
}
