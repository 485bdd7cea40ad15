package authentication

import (
	"crypto/sha256"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/protoway/protoway/status"
)

// Attempts bound how often somebody may try to sign in. Only what fails counts: an
// attempt is taken before anything is looked up, whether the user exists or not,
// and is given back if it succeeds, or if the store could not tell. A zero field
// means its default, a negative number of attempts no limit.
//
// They are counted in the memory of the process, for up to 200,000 names and as
// many addresses; further ones share what one of them has.
type Attempts struct {
	// PerUser is how many attempts a name has at once. Default: 10. Who knows a name
	// can use them up, and keep its user from signing in, not from being signed in.
	PerUser int
	// UserEvery is after which time it gets another one. Default: 30 s.
	UserEvery time.Duration
	// PerAddress is how many an address has at once, for all names, and for tokens
	// that are refused: an IPv4 address, or a /64 of IPv6. Default: 50. An address
	// that is not known, as that of a Unix socket, has no limit.
	PerAddress int
	// AddressEvery is after which time it gets another one. Default: 2 s.
	AddressEvery time.Duration
}

const (
	defaultPerUser      = 10
	defaultUserEvery    = 30 * time.Second
	defaultPerAddress   = 50
	defaultAddressEvery = 2 * time.Second
)

// attempts is what of them is left.
type attempts struct {
	users, addresses buckets[[sha256.Size]byte]
	began            time.Time
}

func newAttempts(config Attempts) *attempts {
	or := func(stated, byDefault time.Duration) time.Duration {
		if stated <= 0 {
			return byDefault
		}
		return stated
	}
	count := func(stated, byDefault int) int {
		if stated == 0 {
			return byDefault
		}
		return max(stated, 0)
	}
	a := &attempts{began: time.Now()}
	a.users.init(count(config.PerUser, defaultPerUser), or(config.UserEvery, defaultUserEvery))
	a.addresses.init(count(config.PerAddress, defaultPerAddress), or(config.AddressEvery, defaultAddressEvery))
	return a
}

// attempt is one that was taken.
type attempt struct {
	of            *attempts
	user, address [sha256.Size]byte
	named, placed bool
}

// take takes an attempt of a name, "" for none, and of an address, or says how it
// is refused.
func (a *attempts) take(name string, from netip.Addr) (*attempt, error) {
	now := time.Since(a.began)
	taken := &attempt{of: a, named: name != "", placed: from.IsValid()}
	if taken.placed {
		taken.address = sha256.Sum256([]byte(blockOf(from)))
		if wait := a.addresses.take(taken.address, now); wait > 0 {
			return nil, tooMany(wait)
		}
	}
	if taken.named {
		// Some stores take a name in any case; such names are one here.
		taken.user = sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(name))))
		if wait := a.users.take(taken.user, now); wait > 0 {
			return nil, tooMany(wait)
		}
	}
	return taken, nil
}

// end gives an attempt back unless it failed.
func (t *attempt) end(err error) {
	if status.CodeOf(err) == status.Unauthenticated {
		return
	}
	if t.placed {
		t.of.addresses.giveBack(t.address)
	}
	if t.named {
		t.of.users.giveBack(t.user)
	}
}

// tooMany says the same for every name.
func tooMany(wait time.Duration) *status.Error {
	// To the second, so that nobody learns from it what others do meanwhile.
	wait = (wait + time.Second - 1).Truncate(time.Second)
	return status.ResourceExhausted.Errorf("too many attempts to sign in: try again in %s", wait).After(wait)
}

// blockOf names the addresses that count as one: who has an IPv6 address has its /64.
func blockOf(client netip.Addr) string {
	const bitsOfClient = 64
	client = client.Unmap().WithZone("")
	if !client.Is6() {
		return client.String()
	}
	block, err := client.Prefix(bitsOfClient)
	if err != nil {
		return client.String()
	}
	return block.String()
}

// addressOf reads the address of a client as a connection has it, with a port or
// without; the zero address is not known.
func addressOf(remote string) netip.Addr {
	if socket, err := netip.ParseAddrPort(remote); err == nil {
		return socket.Addr()
	}
	address, err := netip.ParseAddr(remote)
	if err != nil {
		return netip.Addr{}
	}
	return address
}

// buckets are token buckets. There are two generations of them: whenever any bucket
// has had the time to become full, the older one is forgotten.
type buckets[K comparable] struct {
	depth, every time.Duration // depth 0: no limit

	mu            sync.Mutex // guards what follows
	recent, older map[K]time.Duration
	others        time.Duration // the bucket of those for whom there is no room
	turned        time.Duration // when recent was begun
}

// maxBuckets is how many a generation has room for.
const maxBuckets = 100_000

func (b *buckets[K]) init(count int, every time.Duration) {
	b.depth, b.every, b.recent = time.Duration(count)*every, every, map[K]time.Duration{}
}

// take takes a token, or says after how long there will be one. A bucket is the
// moment at which it is full again.
func (b *buckets[K]) take(key K, now time.Duration) (wait time.Duration) {
	if b.depth == 0 {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if now-b.turned > b.depth {
		b.recent, b.older, b.turned = map[K]time.Duration{}, b.recent, now
	}
	level, known := b.recent[key]
	if !known && len(b.recent) >= maxBuckets {
		level = b.others
	} else if !known {
		level = b.older[key]
	}
	after := max(level, now) + b.every
	if wait = after - now - b.depth; wait > 0 {
		return wait
	}
	b.set(key, after)
	return 0
}

// set keeps a bucket. The caller holds mu.
func (b *buckets[K]) set(key K, level time.Duration) {
	if _, known := b.recent[key]; !known && len(b.recent) >= maxBuckets {
		b.others = level
		return
	}
	b.recent[key] = level
}

// giveBack puts a token back.
func (b *buckets[K]) giveBack(key K) {
	if b.depth == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	level, known := b.recent[key]
	switch {
	case known:
	case len(b.recent) >= maxBuckets:
		level = b.others
	default:
		level = b.older[key]
	}
	b.set(key, level-b.every)
}
