package consumer

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/broadcast"
)

// revocations end users whose tokens were revoked. A token is checked before its
// user is let in. One that is revoked after that is found either by the watcher,
// which looks at the connections that have a user, or by who lets the user in,
// who sees afterwards that something was told meanwhile.
type revocations struct {
	known *auth.Revocations // nil: nothing is ever revoked
	told  atomic.Uint64     // how many were told, counted before anything is done about one
	stop  func()
}

const revokedText = "the token was revoked"

// watchRevocations has revocations take effect on open connections.
func (n *Node) watchRevocations(known *auth.Revocations) {
	n.revoked.known, n.revoked.stop = known, func() {}
	if known != nil {
		n.revoked.stop = known.Watch(n.revoke)
	}
}

// revoke ends the users whom a revocation covers.
func (n *Node) revoke(r auth.Revocation) {
	if store, ok := n.recheck.users.(auth.Forgetter); ok && r.UserID != "" {
		store.Forget(r.UserID) // whoever signs in again is asked about anew
	}
	n.revoked.told.Add(1)
	for _, c := range n.perhaps(r) {
		if !r.Covers(c.identity.Load().user) || c.endUser(r.Covers, revokedText) {
			continue
		}
		n.later(func() { // somebody is changing the user right now
			ctx, cancel := context.WithTimeout(context.Background(), n.limits.HandlerTimeout)
			defer cancel()
			c.mustEndUser(ctx, r.Covers, revokedText)
		})
	}
}

// perhaps returns the connections that a revocation may concern.
func (n *Node) perhaps(r auth.Revocation) []*Consumer {
	if r.UserID == "" {
		return n.all()
	}
	var all []*Consumer
	for _, m := range n.hub.Members(broadcast.UserGroup(r.UserID)) {
		if c, ok := m.(*Consumer); ok {
			all = append(all, c)
		}
	}
	return all
}

// checkRevoked returns an error for a user who must not be let in.
func (n *Node) checkRevoked(ctx context.Context, user *auth.User) (err error) {
	if n.revoked.known == nil || !user.SignedIn() {
		return nil
	}
	defer func() {
		if reason := recover(); reason != nil {
			n.observer.Panicked("store")
			err = fmt.Errorf("the store of revocations panicked: %v", reason)
		}
	}()
	return n.revoked.known.Check(ctx, user)
}

// revokedSince ends the user who was let in if that was revoked since told was
// read, which was before their token was checked. What cannot be checked ends too.
func (c *Consumer) revokedSince(ctx context.Context, told uint64) {
	if c.node.revoked.told.Load() == told {
		return
	}
	user := c.identity.Load().user
	if c.node.checkRevoked(ctx, user) != nil {
		c.mustEndUser(ctx, func(now *auth.User) bool { return now == user }, revokedText)
	}
}
