package consumer

import (
	"context"
	"time"

	"github.com/protoway/protoway/auth"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire"
)

// lookAtUser asks a user whose time is over for a fresh token, and ends one whose
// grace is over too. Only the wheel calls it.
func (c *Consumer) lookAtUser(now time.Time) time.Duration {
	const never = time.Hour
	who := c.identity.Load()
	if who.user.Expires.IsZero() || !who.user.SignedIn() {
		return never
	}
	end := who.user.Expires.Add(c.node.limits.TokenGrace)
	switch {
	case now.Before(who.user.Expires):
		return who.user.Expires.Sub(now)
	case now.Before(end):
		if c.askedOf != who {
			c.askedOf = who
			c.askForToken()
			c.node.wheel.nudge(c, end)
		}
		return end.Sub(now)
	case !c.endUser(func(u *auth.User) bool { return u.Expired(c.asOf(now)) }, "the token expired"):
		return wheelTick
	default:
		return never
	}
}

// asOf is the time by which users expire: a grace behind the clock.
func (c *Consumer) asOf(now time.Time) time.Time { return now.Add(-c.node.limits.TokenGrace) }

// askForToken asks the client for a token.
func (c *Consumer) askForToken() {
	_ = c.send(&wire.Frame{Kind: wire.KindAuthenticate, Control: &protowayv1.Authenticate{}})
}

// endUser ends an identity that must not go on, and asks for a fresh token. It
// does not wait for the connection's lane, which may be busy, nor for I/O; it
// reports false if it has to be tried again.
func (c *Consumer) endUser(over func(*auth.User) bool, reason string) bool {
	select {
	case c.signing <- struct{}{}:
	default:
		return false // the user is being changed
	}
	defer func() { <-c.signing }()
	c.dropIdentity(over, reason)
	return true
}

// mustEndUser is endUser that waits for who is changing the user. If that takes
// longer than ctx, the connection ends instead.
func (c *Consumer) mustEndUser(ctx context.Context, over func(*auth.User) bool, reason string) {
	select {
	case c.signing <- struct{}{}:
	case <-ctx.Done():
		c.outbox.close(CloseTryLater, "the user could not be signed out in time")
		return
	}
	defer func() { <-c.signing }()
	c.dropIdentity(over, reason)
}

// dropIdentity makes the connection nobody's if its user is over. The caller has
// the token of signing.
func (c *Consumer) dropIdentity(over func(*auth.User) bool, reason string) {
	if user := c.identity.Load().user; !user.SignedIn() || !over(user) {
		return
	}
	c.mu.Lock()
	secret := c.secret
	c.mu.Unlock()
	next := newIdentity(auth.Anonymous, anonymousSubject(secret))
	left, err := c.becomeOther(next, reason)
	if err != nil {
		return // the connection has ended
	}
	c.askForToken()
	c.node.later(func() {
		ctx, cancel := context.WithTimeout(context.Background(), c.node.limits.HandlerTimeout)
		defer cancel()
		c.release(ctx, left...)
	})
	c.unannounced.Store(next)
	c.announceSoon()
}

// announceSoon has the receivers told about an identity that no frame changed,
// in the connection's lane, where PerConnection receivers expect it. Without a
// free worker the next look at the connection tries again.
func (c *Consumer) announceSoon() {
	next := c.unannounced.Swap(nil)
	if next == nil {
		return
	}
	j := newJob(c, &wire.Frame{})
	j.inner = func() { c.announceIdentity(next) }
	if err := c.enqueue(j, laneRef{}); err != nil {
		j.recycle()
		c.unannounced.Store(next)
	}
}
