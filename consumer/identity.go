package consumer

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/protoway/protoway/auth"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// identity is who a connection is at one moment. It is never changed.
type identity struct {
	user *auth.User
	// subject is to whom tickets and keys belong: the user, or the connection's
	// secret.
	subject string
	// rights is a digest of what the user may do: tickets end when it changes.
	rights string
}

func newIdentity(user *auth.User, subject string) *identity {
	return &identity{user: user, subject: subject, rights: rightsOf(user)}
}

// rightsOf returns a digest of the permissions and groups of a user.
func rightsOf(u *auth.User) string {
	if !u.Superuser && u.Permissions.Len() == 0 && u.Groups.Len() == 0 {
		return ""
	}
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "%v %q %q", u.Superuser, u.Permissions.Names(), u.Groups.Names())
	return string(sum.Sum(nil))
}

func userSubject(id string) string { return "user:" + id }

// anonymousPrefix marks the subjects of clients that are not signed in.
const anonymousPrefix = "anonymous:"

func anonymousSubject(secret string) string { return anonymousPrefix + secret }

// MayReceive reports whether the receive rules of a message let it through now.
func (c *Consumer) MayReceive(e *wire.Entry, now time.Time) bool {
	return c.node.receivePolicy(e).Permits(c.identity.Load().user, c.asOf(now))
}

// authenticate runs a frame that brings another token.
func (c *Consumer) authenticate(j *job) {
	ctx, cancel := context.WithTimeout(context.Background(), c.node.limits.HandlerTimeout)
	defer cancel()
	token, told := j.control.(*protowayv1.Authenticate).GetToken(), c.node.revoked.told.Load()
	user, failure := c.node.verify(ctx, token)
	reason := "another token was sent"
	if token == "" {
		reason = "the client signed out"
	}
	if failure != nil && failure.Code != status.Unauthenticated {
		c.answerJob(j, failure) // could not be checked: nothing changes
		return
	}
	// A bad token ends the identity that was there: its owner meant to replace it.
	if _, err := c.setUser(ctx, user, reason); err != nil && failure == nil {
		failure = status.From(err)
	}
	c.revokedSince(ctx, told)
	if failure == errTooMany { // what is behind it must not run as the user before
		c.outbox.close(CloseTooMany, failure.Text)
		return
	}
	c.answerJob(j, failure)
	if failure != nil && !c.opening.Dialect.Handshake() {
		c.askForToken()
	}
}

// setUser makes user the user of the connection; nil is nobody. The groups that
// receivers joined are left when it is another user, and kept when the same user
// comes with a fresh token.
func (c *Consumer) setUser(ctx context.Context, user *auth.User, reason string) (*identity, error) {
	if user == nil {
		user = auth.Anonymous
	}
	select { // one change at a time
	case c.signing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	next, err := c.swapUser(ctx, user, reason)
	<-c.signing
	if err != nil {
		return nil, err
	}
	c.announceIdentity(next)
	return next, nil
}

// swapUser changes the identity. The caller has the token of signing.
func (c *Consumer) swapUser(ctx context.Context, user *auth.User, reason string) (*identity, error) {
	before := c.identity.Load()
	next := newIdentity(user, c.subjectOf(user))
	if before.subject == next.subject {
		if err := c.become(next); err != nil {
			return nil, err
		}
		if before.rights != next.rights {
			c.renew(time.Now(), 0)
		}
		return next, nil
	}
	// The group of the new user comes first, so that nothing sent to it after the
	// change is missed; then identity and groups change in one step.
	if err := c.node.takeUser(user); err != nil {
		return nil, err
	}
	if user.SignedIn() {
		if err := c.join(ctx, joining{user: user.ID}); err != nil {
			c.node.dropUser(user)
			return nil, err
		}
	}
	left, err := c.becomeOther(next, reason)
	if err != nil {
		c.node.dropUser(user)
	}
	c.release(ctx, left...)
	return next, err
}

// become changes the identity, unless the connection has ended: the node counts
// its users, and has counted this one out then. Another user was counted in by
// takeUser before.
func (c *Consumer) become(next *identity) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return status.Canceled.Errorf("the connection is closed")
	}
	c.swapIdentity(next)
	return nil
}

// becomeOther changes the identity to another user and leaves what belonged to
// the one before, in one step.
func (c *Consumer) becomeOther(next *identity, reason string) ([]*membership, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, status.Canceled.Errorf("the connection is closed")
	}
	c.swapIdentity(next)
	return c.leaveForUser(next, reason), nil
}

// swapIdentity puts an identity in the place of another one. The caller holds mu.
func (c *Consumer) swapIdentity(next *identity) {
	if before := c.identity.Swap(next); before.user.ID != next.user.ID {
		c.node.dropUser(before.user)
		if c.node.recheck.on() {
			c.checked.Store(c.node.recheck.phase(time.Now()))
		}
	}
	c.node.wheel.nudge(c, next.user.Expires)
}

func (c *Consumer) subjectOf(user *auth.User) string {
	if user.SignedIn() {
		return userSubject(user.ID)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return anonymousSubject(c.secret)
}

// announceIdentity tells the receivers of the connection who it is now.
func (c *Consumer) announceIdentity(who *identity) {
	for _, life := range c.lives {
		if life.Authenticated != nil {
			_ = c.lifecycle("Authenticated", func(ctx context.Context) error {
				life.Authenticated(ctx)
				return nil
			})
		}
	}
	if c.node.debugging() {
		c.log().Debug("identity changed", "user", who.user.ID)
	}
}

// lifecycle calls a method of a receiver with a handle of its own, and turns a
// panic into an error.
func (c *Consumer) lifecycle(name string, method func(ctx context.Context) error) (err error) {
	k := c.newCall(nil)
	defer k.leave()
	defer func() {
		if reason := recover(); reason != nil {
			err = c.panicked(name, reason)
		}
	}()
	k.begin(time.Now(), 0, nil)
	defer k.halt()
	return method(k)
}
