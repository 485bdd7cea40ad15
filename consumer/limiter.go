package consumer

import (
	"sync"
	"time"

	"github.com/protoway/protoway/auth"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// limiter is the rate limit of a message on this node: a bucket for each user who
// has sent it lately. There are two generations of them. Each time in which any
// bucket becomes full, the older one is forgotten, so that buckets at rest cost
// nothing and nobody has to look for them.
type limiter struct {
	rate rate

	mu            sync.Mutex // guards what follows
	recent, older map[string]bucket
	turned        time.Duration // when recent was begun
}

const (
	// maxBuckets is how many users a generation has room for; further ones are
	// limited per connection.
	maxBuckets = 100_000
	// minGeneration keeps generations from being made for a few buckets each.
	minGeneration = 10 * time.Second
)

func newLimiter(rule *protowayv1.RateLimit) *limiter {
	per, burst := time.Second, rule.GetBurst()
	if rule.GetPer() != nil {
		per = rule.GetPer().AsDuration()
	}
	if burst == 0 {
		burst = rule.GetCount()
	}
	return &limiter{rate: newRate(int(rule.GetCount()), per, int(burst)), recent: map[string]bucket{}}
}

// take takes a token of a user, or says after how long there will be one. It
// reports false if there is no room for the user.
func (l *limiter) take(user string, now time.Duration) (wait time.Duration, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now-l.turned > max(l.rate.depth, minGeneration) {
		l.recent, l.older, l.turned = map[string]bucket{}, l.recent, now
	}
	b, known := l.recent[user]
	if !known {
		if len(l.recent) >= maxBuckets {
			return 0, false
		}
		b = l.older[user]
	}
	wait = b.take(&l.rate, now, 1)
	l.recent[user] = b
	return wait, true
}

// limiter returns that of a message; nil if it has none.
func (n *Node) limiter(e *wire.Entry) *limiter {
	rule := e.Rules.GetRateLimit()
	if rule == nil {
		return nil
	}
	if known, ok := n.limiters.Load(e); ok {
		return known.(*limiter)
	}
	known, _ := n.limiters.LoadOrStore(e, newLimiter(rule))
	return known.(*limiter)
}

// rated takes a token for a message with a rate limit: of its user, or of the
// connection if nobody is signed in. The caller holds mu.
func (c *Consumer) rated(j *job) *status.Error {
	if j.binding == nil {
		return nil
	}
	e := j.binding.Entry
	l := c.node.limiter(e)
	if l == nil {
		return nil
	}
	wait := c.takeToken(l, e)
	if wait == 0 {
		return nil
	}
	j.limit = limitType
	return status.ResourceExhausted.Errorf("%q comes more often than its rate limit allows", e.Type).After(wait)
}

// takeToken takes a token of whoever sends. The caller holds mu.
func (c *Consumer) takeToken(l *limiter, e *wire.Entry) time.Duration {
	now := c.node.sinceStart()
	if user := c.identity.Load().user; user.SignedIn() {
		if wait, known := l.take(user.ID, now); known {
			return wait
		}
	}
	b := c.buckets[e]
	wait := b.take(&l.rate, now, 1)
	if c.buckets == nil {
		c.buckets = map[*wire.Entry]bucket{}
	}
	c.buckets[e] = b
	return wait
}

// admitted is what a frame has to pass when its turn has come: the order of
// refused frames, and its rate limit if it was not known before whose it is.
func (c *Consumer) admitted(j *job) *status.Error {
	if err := c.admitAgain(j); err != nil || !j.unrated {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.rated(j)
	if err != nil {
		c.refuseBehind(j)
	}
	return err
}

// errTooMany is why a user gets no further connection.
var errTooMany = status.ResourceExhausted.Errorf("the user has as many connections as allowed: close some").After(crowdedRetry)

// crowdedRetry is when there may be room for another connection.
const crowdedRetry = 5 * time.Second

// takeUser counts a connection of a user, who must not have too many.
func (n *Node) takeUser(user *auth.User) *status.Error {
	if !user.SignedIn() {
		return nil
	}
	n.mu.Lock()
	full := n.users[user.ID] >= n.limits.MaxConnectionsPerUser
	if !full {
		n.users[user.ID]++
	}
	n.mu.Unlock()
	if full {
		n.observer.Limited(limitUser)
		return errTooMany
	}
	return nil
}

// dropUser counts a connection of a user out.
func (n *Node) dropUser(user *auth.User) {
	if !user.SignedIn() {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.users[user.ID]--; n.users[user.ID] <= 0 {
		delete(n.users, user.ID)
	}
}
