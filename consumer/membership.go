package consumer

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/protoway/protoway/broadcast"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// membership is a group that the connection is in.
type membership struct {
	group      *broadcast.Group
	byHandler  bool // joined by a receiver, so it has a ticket and ends with the user
	user       bool // the group of the user
	generation uint64
	signed     time.Time // when its ticket was made
}

// joining is a group that is about to be joined, one way or another.
type joining struct {
	group    string    // by a receiver or a ticket, as who
	who      *identity //
	recovery protowayv1.Joined_Recovery
	class    string // or for every connection of the path
	user     string // or for a user
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
	m := &membership{byHandler: j.group != "", user: j.user != ""}
	var err error
	if m.byHandler {
		if m.generation, err = c.generation(ctx, j.group, j.who.subject); err != nil {
			return err
		}
	}
	if m.group, err = c.node.hub.Acquire(ctx, j.name()); err != nil {
		return err
	}
	added, err := c.enter(m, &j)
	if !added {
		c.node.hub.Release(m.group)
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
	case c.groups[name] != nil:
		return false, nil
	case m.byHandler && len(c.groups) >= c.node.limits.MaxGroups:
		return false, status.ResourceExhausted.Errorf("the connection is in %d groups, which is the limit: leave some", len(c.groups))
	}
	if c.groups == nil {
		c.groups = map[string]*membership{}
	}
	c.groups[name] = m
	m.group.Add(c, func() {
		if m.byHandler {
			c.sendJoined(m, j.who.subject, j.recovery)
		}
	})
	return true, nil
}

// leave ends a membership that a receiver began. The caller does not hold mu.
func (c *Consumer) leave(ctx context.Context, name, reason string) error {
	c.mu.Lock()
	m := c.groups[name]
	if m == nil || !m.byHandler {
		c.mu.Unlock()
		return nil
	}
	subject := c.identity.Load().subject
	c.exit(name, m, reason)
	c.mu.Unlock()
	c.node.hub.Release(m.group)
	return c.voidTickets(ctx, name, subject)
}

// exit ends a membership. The caller holds mu and releases the group after it.
func (c *Consumer) exit(name string, m *membership, reason string) {
	delete(c.groups, name)
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
	for name, m := range c.groups {
		if m.byHandler || m.user && name != keep {
			c.exit(name, m, reason)
			left = append(left, m)
		}
	}
	return left
}

// leaveEverything ends all memberships of a connection that has ended; tickets
// stay valid. The caller holds mu.
func (c *Consumer) leaveEverything() []*broadcast.Group {
	left := make([]*broadcast.Group, 0, len(c.groups))
	for _, m := range c.groups {
		m.group.Remove(c, nil)
		left = append(left, m.group)
	}
	c.groups = nil
	return left
}

// sendJoined sends a fresh ticket. The caller holds mu.
func (c *Consumer) sendJoined(m *membership, subject string, recovery protowayv1.Joined_Recovery) {
	m.signed = time.Now()
	ticket := c.node.tickets.Sign(subject, broadcast.Ticket{
		Group:      m.group.Name(),
		Generation: m.generation,
		Expires:    m.signed.Add(c.node.limits.TicketLife),
	})
	_ = c.send(&wire.Frame{Kind: wire.KindJoined, Control: &protowayv1.Joined{
		Group: m.group.Name(), Ticket: ticket, Recovery: recovery,
	}})
}

// renewOld renews tickets past half of their life.
func (c *Consumer) renewOld(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	subject := c.identity.Load().subject
	for _, m := range c.groups {
		if m.byHandler && now.Sub(m.signed) > c.node.limits.TicketLife/2 {
			c.sendJoined(m, subject, protowayv1.Joined_RENEWED)
		}
	}
}

// renewTickets voids all tickets of a user whose permissions changed, and gives
// new ones.
func (c *Consumer) renewTickets(ctx context.Context, who *identity) error {
	c.mu.Lock()
	var names []string
	for name, m := range c.groups {
		if m.byHandler {
			names = append(names, name)
		}
	}
	c.mu.Unlock()
	for _, name := range names {
		if err := c.voidTickets(ctx, name, who.subject); err != nil {
			return err
		}
		generation, err := c.generation(ctx, name, who.subject)
		if err != nil {
			return err
		}
		c.mu.Lock()
		if m := c.groups[name]; m != nil && m.byHandler {
			m.generation = generation
			c.sendJoined(m, who.subject, protowayv1.Joined_RENEWED)
		}
		c.mu.Unlock()
	}
	return nil
}

// generationKey is where the store keeps the generation of a group and subject.
func generationKey(group, subject string) string { return "generation\x00" + group + "\x00" + subject }

// generation returns the current generation of tickets; 0 if none was raised
// within their life.
func (c *Consumer) generation(ctx context.Context, group, subject string) (uint64, error) {
	value, found, err := c.node.store.Get(ctx, generationKey(group, subject))
	if err != nil || !found {
		return 0, err
	}
	generation, _ := binary.Uvarint(value)
	return generation, nil
}

// voidTickets raises the generation, which ends all tickets made before. It is
// kept as long as any of them could live.
func (c *Consumer) voidTickets(ctx context.Context, group, subject string) error {
	key := generationKey(group, subject)
	for {
		old, found, err := c.node.store.Get(ctx, key)
		if err == nil {
			if !found {
				old = nil
			}
			generation, _ := binary.Uvarint(old)
			next := binary.AppendUvarint(nil, generation+1)
			var swapped bool
			swapped, err = c.node.store.CompareAndSwap(ctx, key, old, next, c.node.limits.TicketLife)
			if swapped {
				return nil
			}
		}
		if err != nil {
			c.logger.Error("tickets could not be voided", "group", group, "error", err)
			return err
		}
	}
}
