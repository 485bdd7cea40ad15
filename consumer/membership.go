package consumer

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/protoway/protoway/broadcast"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// membership is a group that the connection is in.
type membership struct {
	group     *broadcast.Group
	byHandler bool      // joined by a receiver, so it has a ticket and ends with the user
	user      bool      // the group of the user
	id        uint64    // names it in its tickets
	signed    time.Time // when its ticket was made
}

// joining is a group that is about to be joined, one way or another.
type joining struct {
	group      string    // by a receiver or a ticket
	who        *identity // as whom, for the group of a receiver
	membership uint64    // the one that a ticket continues; 0: a new one
	recovery   protowayv1.Joined_Recovery
	class      string // or for every connection of the path
	user       string // or for a user
}

func (j *joining) name() string {
	switch {
	case j.class != "":
		return j.class
	case j.user != "":
		return broadcast.UserGroup(j.user)
	default:
		return j.group
	}
}

// join makes the connection a member of a group.
func (c *Consumer) join(ctx context.Context, j joining) error {
	group, err := c.node.hub.Acquire(ctx, j.name())
	if err != nil {
		return err
	}
	m := &membership{group: group, byHandler: j.group != "", user: j.user != "", id: j.membership}
	if m.id == 0 {
		m.id = rand.Uint64() //nolint:gosec // it is no secret: tickets are signed
	}
	added, err := c.enter(m, &j)
	if !added {
		c.node.hub.Release(group)
	}
	if status.CodeOf(err) == status.ResourceExhausted {
		c.node.observer.Limited(limitGroups)
	}
	return err
}

// enter records a membership, unless the connection has changed or is in the
// group already.
func (c *Consumer) enter(m *membership, j *joining) (added bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := m.group.Name()
	switch {
	case c.closed:
		return false, status.Canceled.Errorf("the connection is closed")
	case m.byHandler && c.identity.Load().subject != j.who.subject:
		return false, status.Aborted.Errorf("the user of the connection changed: group %q was not joined", name)
	case c.groups.get(name) != nil:
		return false, c.answerTicket(c.groups.get(name), j)
	case m.byHandler && c.groups.len() >= c.node.limits.MaxGroups && c.groups.joined() >= c.node.limits.MaxGroups:
		return false, status.ResourceExhausted.Errorf("the connection has joined %d groups, which is the limit: leave some", c.groups.joined())
	case m.byHandler && c.voids.full(time.Now(), c.node.limits.TicketLife):
		return false, status.ResourceExhausted.Errorf("the connection left %d groups in a short time: join again later", maxVoids)
	}
	c.groups.add(m)
	m.group.Add(c, func() {
		if m.byHandler {
			c.sendJoined(m, j.who, j.recovery)
		}
	})
	return true, nil
}

// answerTicket answers a ticket for a group that the connection is in already.
// The caller holds mu.
func (c *Consumer) answerTicket(known *membership, j *joining) error {
	switch {
	case j.recovery == 0: // no ticket
		return nil
	case !known.byHandler:
		return status.FailedPrecondition.Errorf("every connection is in the group now: it needs no ticket")
	default:
		c.sendJoined(known, j.who, j.recovery)
		return nil
	}
}

// leave ends a membership that a receiver began. The caller does not hold mu.
func (c *Consumer) leave(ctx context.Context, name, reason string) {
	c.mu.Lock()
	m := c.groups.get(name)
	if m == nil || !m.byHandler {
		c.mu.Unlock()
		return
	}
	c.exit(name, m, reason)
	c.mu.Unlock()
	c.release(ctx, m)
}

// release gives back groups that were left and voids their tickets. The
// memberships have ended before, whatever happens here.
func (c *Consumer) release(ctx context.Context, left ...*membership) {
	for _, m := range left {
		c.node.hub.Release(m.group)
		if m.byHandler {
			c.voidTickets(ctx, m)
		}
	}
}

// exit ends a membership. The caller holds mu and releases the group after it.
func (c *Consumer) exit(name string, m *membership, reason string) {
	c.groups.remove(name)
	m.group.Remove(c, func() {
		if m.byHandler {
			_ = c.send(&wire.Frame{Kind: wire.KindLeft, Control: &protowayv1.Left{Group: name, Reason: reason}})
		}
	})
}

// leaveForUser ends what must not outlive a change of user. The caller holds mu.
func (c *Consumer) leaveForUser(next *identity, reason string) []*membership {
	var left []*membership
	keep := broadcast.UserGroup(next.user.ID)
	for _, m := range slices.Clone(c.groups.all) { // exit changes it
		if name := m.group.Name(); m.byHandler || m.user && name != keep {
			c.exit(name, m, reason)
			left = append(left, m)
		}
	}
	return left
}

// leaveEverything ends all memberships of a connection that has ended; tickets
// stay valid. The caller holds mu.
func (c *Consumer) leaveEverything() []*broadcast.Group {
	left := make([]*broadcast.Group, 0, c.groups.len())
	for _, m := range c.groups.all {
		m.group.Remove(c, nil)
		left = append(left, m.group)
	}
	c.groups = memberships{}
	return left
}
