package consumer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/broadcast"
	"github.com/protoway/protoway/status"
)

// recheck looks up whether users who are connected still may be. The wheel finds
// out when a connection is due; a few goroutines ask, once for all connections of
// a user.
type recheck struct {
	users auth.Users // nil: nobody is asked
	every time.Duration

	ctx     context.Context //nolint:containedctx // it ends with the node, whoever asks
	stop    context.CancelFunc
	failing atomic.Bool // the last look-up failed

	mu      sync.Mutex // guards what follows
	waiting []string   // ids of users
	pending map[string]struct{}
	askers  int
}

// maxAskers is how many users are looked up at once.
const maxAskers = 8

func newRecheck(users auth.Users, every time.Duration) *recheck {
	r := &recheck{users: users, every: every, pending: map[string]struct{}{}}
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r
}

func (r *recheck) on() bool { return r.users != nil && r.every > 0 }

// phase is when a user counts as last looked up who has just come: at random, so
// that those who came together are not looked up together.
func (r *recheck) phase(now time.Time) int64 {
	return now.Add(-rand.N(r.every)).UnixNano() //nolint:gosec // it is no secret
}

// lookAtRights has it looked up whether the user still may be one, if that is due.
func (c *Consumer) lookAtRights(now time.Time) time.Duration {
	r := c.node.recheck
	user := c.identity.Load().user
	if !r.on() || !user.SignedIn() {
		return time.Hour
	}
	due := r.every - now.Sub(time.Unix(0, c.checked.Load()))
	if due > 0 {
		return due
	}
	c.checked.Store(now.UnixNano())
	r.ask(c.node, user.ID)
	return r.every
}

// ask has a user looked up soon.
func (r *recheck) ask(n *Node, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.pending[id]; known || r.ctx.Err() != nil {
		return
	}
	r.pending[id] = struct{}{}
	r.waiting = append(r.waiting, id)
	if r.askers < maxAskers {
		r.askers++
		n.later(func() { n.askAll(r) })
	}
}

// next returns a user who waits; false ends the goroutine that asks.
func (r *recheck) next(done string) (id string, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.pending, done)
	if len(r.waiting) == 0 || r.ctx.Err() != nil {
		r.askers--
		return "", false
	}
	id, r.waiting = r.waiting[0], r.waiting[1:]
	return id, true
}

// askAll looks users up until nobody waits.
func (n *Node) askAll(r *recheck) {
	for id, more := r.next(""); more; id, more = r.next(id) {
		n.recheckUser(id)
	}
}

// recheckUser looks a user up and has all of their connections follow.
func (n *Node) recheckUser(id string) {
	ctx, cancel := context.WithTimeout(n.recheck.ctx, n.limits.HandlerTimeout)
	defer cancel()
	known, err := n.guardedUser(ctx, id)
	refused := status.CodeOf(err) == status.Unauthenticated
	if err != nil && !refused {
		if !n.recheck.failing.Swap(true) && n.recheck.ctx.Err() == nil { // one line is enough
			n.logger.Error("it cannot be looked up whether users may still be signed in: they stay", "error", err)
		}
		return
	}
	if n.recheck.failing.Swap(false) {
		n.logger.Info("it can be looked up again whether users may still be signed in")
	}
	for _, m := range n.hub.Members(broadcast.UserGroup(id)) {
		c, ok := m.(*Consumer)
		if !ok {
			continue
		}
		c.checked.Store(time.Now().UnixNano())
		if refused {
			c.mustEndUser(ctx, func(u *auth.User) bool { return u.ID == id }, "the user may not be signed in any more")
		} else {
			c.updateUser(ctx, known)
		}
	}
}

// guardedUser asks the store; a panic, and another user's answer, are errors.
func (n *Node) guardedUser(ctx context.Context, id string) (user *auth.User, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			n.observer.Panicked("users")
			user, err = nil, fmt.Errorf("the store of users panicked: %v", reason)
		}
	}()
	user, err = n.recheck.users.User(ctx, id)
	if err == nil && (user == nil || user.ID != id) {
		return nil, fmt.Errorf("the store of users knows user %q by another id", id)
	}
	return user, err
}

// updateUser gives the user of the connection the name and the rights that the
// store knows. The token stays what it was.
func (c *Consumer) updateUser(ctx context.Context, known *auth.User) {
	select {
	case c.signing <- struct{}{}:
	case <-ctx.Done():
		return // the next time
	}
	defer func() { <-c.signing }()
	before := c.identity.Load()
	if before.user.ID != known.ID || before.user.SamePolicy(known) && before.user.Name == known.Name {
		return
	}
	user := *before.user
	user.Name, user.Superuser, user.Permissions, user.Groups = known.Name, known.Superuser, known.Permissions, known.Groups
	next := newIdentity(&user, before.subject)
	if err := c.become(next); err != nil {
		return // the connection has ended
	}
	if before.rights != next.rights {
		c.renew(time.Now(), 0)
	}
	c.unannounced.Store(next)
	c.announceSoon()
}
