package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/protoway/protoway/status"
)

// The times and bounds of a [JWKS] if a [JWKSConfig] states none.
const (
	DefaultJWKSMaxAge   = 10 * time.Minute
	DefaultJWKSMaxStale = 24 * time.Hour
	DefaultJWKSCooldown = 30 * time.Second
	DefaultJWKSTimeout  = 5 * time.Second
	DefaultJWKSBytes    = 512 << 10
)

// The pause after an attempt that failed; it doubles each time.
const (
	minJWKSPause = time.Second
	maxJWKSPause = time.Minute
)

// JWKSConfig says how the keys at a URL are fetched. The zero value is fine.
type JWKSConfig struct {
	// Algorithms are those that are accepted. Default: for each key the one that
	// its alg states, or else the usual one of its type: RS256, that of its curve,
	// EdDSA.
	Algorithms []string
	// MaxAge is how old keys may be before they are fetched again. Meanwhile the old
	// ones are used. A key that the issuer has withdrawn is good for so long.
	// Default: [DefaultJWKSMaxAge].
	MaxAge time.Duration
	// MaxStale is how long beyond MaxAge keys are used while the URL does not answer.
	// After it, nobody can be verified. Default: [DefaultJWKSMaxStale].
	MaxStale time.Duration
	// Cooldown is the least time between two fetches because of a token whose kid is
	// unknown, so that nobody can have the URL called at will. Within it such a
	// token is refused. Default: [DefaultJWKSCooldown].
	Cooldown time.Duration
	// Timeout is how long one fetch may take. Default: [DefaultJWKSTimeout].
	Timeout time.Duration
	// MaxBytes is how long the answer may be. Default: [DefaultJWKSBytes].
	MaxBytes int
	// AllowHTTP lets the URL be http: on the way, anybody could put in keys of their
	// own. Without it only addresses of this machine may be.
	AllowHTTP bool
	// Client fetches. Default: one with the environment's proxy. In either case it
	// follows redirects only to where the URL could have been.
	Client *http.Client
	// Clock says what time it is. Default: time.Now.
	Clock func() time.Time
}

// JWKS verifies tokens with the public keys that an issuer publishes at a URL as a
// JSON Web Key Set. It fetches them when the first token comes, and again when they
// are old or a token names a key that is not among them. If the URL does not answer,
// old keys are used for a while; without any, the error of a verification is
// status.Unavailable, since the token may be good. A fetch runs in a goroutine that
// lives as long as the fetch.
//
// A token without kid is verified with the keys that have its algorithm, if there
// are no more than a few.
func JWKS(url string, config JWKSConfig) Key {
	k := &jwks{url: url, config: config.withDefaults()}
	k.problem = errors.Join(checkAsymmetric(config.Algorithms), checkJWKSURL(url, config.AllowHTTP))
	k.client = jwksClient(config.Client, config.AllowHTTP)
	return k
}

func (c JWKSConfig) withDefaults() JWKSConfig {
	setDefault(&c.MaxAge, DefaultJWKSMaxAge)
	setDefault(&c.MaxStale, DefaultJWKSMaxStale)
	setDefault(&c.Cooldown, DefaultJWKSCooldown)
	setDefault(&c.Timeout, DefaultJWKSTimeout)
	setDefault(&c.MaxBytes, DefaultJWKSBytes)
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return c
}

func setDefault[N int | time.Duration](field *N, value N) {
	if *field <= 0 {
		*field = value
	}
}

// maxKeysTried bounds the work for a token that names no key.
const maxKeysTried = 4

type jwks struct {
	url     string
	config  JWKSConfig
	client  *http.Client
	problem error

	mu      sync.Mutex // guards what follows
	keys    []localKey
	fetched time.Time     // when the keys were
	tried   time.Time     // when the last fetch ended
	failed  error         // of the last fetch
	pause   time.Duration // after the last fetch, if it failed
	running chan struct{} // closed at the end of the fetch that runs
}

var _ Key = (*jwks)(nil)

func (k *jwks) Check() error { return k.problem }

func (k *jwks) algorithms() []string {
	if len(k.config.Algorithms) > 0 {
		return k.config.Algorithms
	}
	return asymmetric
}

func (k *jwks) find(ctx context.Context, algorithm, id string) ([]any, error) {
	found, wait := k.look(algorithm, id)
	if wait == nil {
		return found, k.unsure(found, id)
	}
	select {
	case <-wait:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	k.mu.Lock()
	found = k.among(algorithm, id)
	k.mu.Unlock()
	return found, k.unsure(found, id)
}

// look returns the keys that are there, and starts a fetch if one is due. It returns
// the end of the fetch if the token cannot be judged before.
func (k *jwks) look(algorithm, id string) ([]any, <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.config.Clock()
	found := k.among(algorithm, id)
	old := k.keys == nil || now.Sub(k.fetched) >= k.config.MaxAge
	unknown := id != "" && !k.names(id)
	pause := k.pause
	if unknown && !old {
		pause = max(pause, k.config.Cooldown)
	}
	if (old || unknown) && k.running == nil && (k.tried.IsZero() || now.Sub(k.tried) >= pause) {
		k.running = make(chan struct{})
		go k.fetch(k.running)
	}
	if k.running != nil && (k.keys == nil || unknown || k.expired(now)) {
		return nil, k.running
	}
	return found, nil
}

// among returns the keys for a token. The caller holds the mutex.
func (k *jwks) among(algorithm, id string) []any {
	if k.expired(k.config.Clock()) {
		return nil
	}
	var found []any
	for _, key := range k.keys {
		if slices.Contains(key.pinned, algorithm) && (id == "" || key.id == id) {
			found = append(found, key.material)
		}
	}
	if len(found) > maxKeysTried {
		return nil
	}
	return found
}

// names reports whether a key has this id. The caller holds the mutex.
func (k *jwks) names(id string) bool {
	return slices.ContainsFunc(k.keys, func(key localKey) bool { return key.id == id })
}

// expired reports whether the keys are too old to be used. The caller holds the mutex.
func (k *jwks) expired(now time.Time) bool {
	return k.keys != nil && now.Sub(k.fetched) >= k.config.MaxAge+k.config.MaxStale
}

// unsure returns an error if a token for which no key was found may be good: there
// are no keys, or those that there are may not be the newest.
func (k *jwks) unsure(found []any, id string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.config.Clock()
	usable := k.keys != nil && !k.expired(now)
	switch {
	case len(found) > 0, usable && k.failed == nil, usable && (id == "" || k.names(id)):
		return nil
	}
	unavailable := status.Unavailable.Wrap(k.failed, "the keys that tokens are verified with cannot be fetched: try again later")
	return unavailable.After(max(k.tried.Add(k.pause).Sub(now), minJWKSPause))
}

// fetch is the goroutine of one fetch. It belongs to no caller: the first one to give
// up must not take the keys from the others.
func (k *jwks) fetch(ended chan<- struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), k.config.Timeout)
	defer cancel()
	keys, err := fetchJWKs(ctx, k.client, k.url, k.config)
	k.mu.Lock()
	defer k.mu.Unlock()
	defer close(ended)
	now := k.config.Clock()
	k.running, k.tried, k.failed = nil, now, err
	if err != nil {
		k.failed = fmt.Errorf("auth: JWKS: %w", err)
		k.pause = min(max(2*k.pause, minJWKSPause), maxJWKSPause)
		return
	}
	k.keys, k.fetched, k.pause = keys, now, 0
}
