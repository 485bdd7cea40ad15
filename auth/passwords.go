package auth

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/protoway/protoway/status"
)

// PasswordConfig bounds what the checks of passwords cost. The zero value is fine.
type PasswordConfig struct {
	// Parallel is how many passwords are checked at once. Default: the number of
	// processors that the process may use.
	Parallel int
	// Waiting is how many more may wait for that. Past it checks are refused at once
	// with status.ResourceExhausted. Default: 32 for each that is checked.
	Waiting int
	// Decoy is what takes its time when there is no hash to check, so that nobody
	// learns from the time who exists: a hash like those of the users, or the name of
	// an algorithm, for one with the settings of Django 5.2. It should be the first
	// of PASSWORD_HASHERS. Default: "pbkdf2_sha256", as in Django.
	Decoy string
}

// defaultWaiting is how many wait for each that is checked: some seconds.
const defaultWaiting = 32

// Passwords checks passwords, some at a time. It is used by many goroutines at
// once, and may be shared by several [Users].
type Passwords struct {
	decoy    passwordHash
	running  chan struct{} // has one for each check that runs
	admitted chan struct{} // and one for each that runs or waits
	computed atomic.Uint64
}

// NewPasswords says in its error what is wrong with the decoy.
func NewPasswords(config PasswordConfig) (*Passwords, error) {
	decoy, err := parseDecoy(config.Decoy)
	if err != nil {
		return nil, fmt.Errorf("auth.PasswordConfig.Decoy is %w", err)
	}
	if config.Parallel <= 0 {
		config.Parallel = runtime.GOMAXPROCS(0)
	}
	if config.Waiting <= 0 {
		config.Waiting = defaultWaiting * config.Parallel
	}
	return &Passwords{
		decoy:    decoy,
		running:  make(chan struct{}, config.Parallel),
		admitted: make(chan struct{}, config.Parallel+config.Waiting),
	}, nil
}

// busyRetry is when somebody who was refused may come again.
const busyRetry = time.Second

// Check reports whether password has this hash, as [CheckPassword] does. What is no
// hash, "" for a user who does not exist among them, takes as long as the decoy.
// Errors: ResourceExhausted if too many wait, or that of ctx, which ends the wait.
func (p *Passwords) Check(ctx context.Context, password, hash string) (bool, error) {
	if len(password) > MaxPasswordBytes {
		return false, nil
	}
	select {
	case p.admitted <- struct{}{}:
		defer func() { <-p.admitted }()
	default:
		busy := status.ResourceExhausted.Errorf("too many passwords are being checked: try again")
		busy.RetryAfter = busyRetry
		return false, busy
	}
	select {
	case p.running <- struct{}{}:
		defer func() { <-p.running }()
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	parsed, err := parseHash(hash)
	if err != nil {
		p.compute(p.decoy, password)
		return false, nil
	}
	if p.compute(parsed, password) {
		return true, nil
	}
	if steps := parsed.padding(p.decoy); steps > 0 {
		parsed.pad(password, steps)
	}
	return false, nil
}

// Computed returns how many hashes were computed, those of decoys included.
func (p *Passwords) Computed() uint64 { return p.computed.Load() }

func (p *Passwords) compute(hash passwordHash, password string) bool {
	p.computed.Add(1)
	return hash.has(password)
}

// parseDecoy reads a hash or the name of an algorithm.
func parseDecoy(text string) (passwordHash, error) {
	if strings.Contains(text, "$") {
		return parseHash(text)
	}
	const salt = "seasaltseasaltseasalt.."
	switch text {
	case "", pbkdf2SHA256:
		return &pbkdf2Hash{sha256Digest, DefaultIterations, salt, nil}, nil
	case pbkdf2SHA1:
		return &pbkdf2Hash{sha1Digest, DefaultIterations, salt, nil}, nil
	case argon2Name:
		return parseHash("argon2$argon2id$v=19$m=102400,t=2,p=8$" + strings.Repeat("A", 22) + "$" + strings.Repeat("A", 43))
	case bcryptSHA256, bcryptName:
		return parseHash(text + "$$2b$12$" + salt[:22] + strings.Repeat(".", 31))
	case scryptName:
		return &scryptHash{1 << 14, 8, 5, salt, nil}, nil
	default:
		return nil, errHash
	}
}
