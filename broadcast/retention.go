package broadcast

import (
	"time"

	"github.com/protoway/protoway/status"
)

// Retention is how much of a group's history is kept. The latest publication says it
// for the group's size; each has its own ttl. Brokers have budgets of their own: what
// is kept may be less, which recovery then declares.
type Retention struct {
	// Size is how many publications of the group are kept at most, this one included.
	// At least 1.
	Size int
	// TTL is how long this one is kept. Above 0. A group that is silent for longer
	// forgets its publications, not where it stands.
	TTL time.Duration
}

// Keep has the publication kept in the group's history. The broker must have
// [History], or publishing fails with status.Unimplemented. Clients see its position;
// what they missed is not sent to them yet when they come back.
func Keep(r Retention) PublishOption {
	return func(p *Publication) { p.Retention = &r }
}

// Once names the publication: publishing to the group with the same key within the
// window changes nothing and returns the first one's position. So whoever got an
// error or a timeout publishes again with the key it had. The broker must have
// [History], or publishing fails with status.Unimplemented.
func Once(key string, window time.Duration) PublishOption {
	return func(p *Publication) { p.Key, p.Window = key, window }
}

// MaxKeyBytes is the longest key of [Once].
const MaxKeyBytes = 256

// asksHistory reports whether only a broker with [History] can publish it.
func (p *Publication) asksHistory() bool { return p.Retention != nil || p.Window != 0 }

// CheckAsked says whether what a publication asks for makes sense. Brokers with
// [History] call it before they publish.
func (p *Publication) CheckAsked() error {
	switch r := p.Retention; {
	case r != nil && (r.Size < 1 || r.TTL <= 0):
		return status.InvalidArgument.Errorf("%s is to be kept among %d for %s: both must be above 0", p, r.Size, r.TTL)
	case p.Window < 0:
		return status.InvalidArgument.Errorf("the window of %s is negative: %s", p, p.Window)
	case p.Window > 0 && p.Key == "":
		return status.InvalidArgument.Errorf("%s has a window but no key", p)
	case p.Window > 0 && len(p.Key) > MaxKeyBytes:
		return status.InvalidArgument.Errorf("the key of %s has %d bytes, at most %d are allowed", p, len(p.Key), MaxKeyBytes)
	}
	return nil
}
