package consumer

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/protoway/protoway/broadcast"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire"
)

// sendJoined sends a fresh ticket. The caller holds mu.
func (c *Consumer) sendJoined(m *membership, who *identity, recovery protowayv1.Joined_Recovery) {
	m.signed = time.Now()
	ticket := c.node.tickets.Sign(c.holder(who), broadcast.Ticket{
		Group:      m.group.Name(),
		Membership: m.id,
		Expires:    m.signed.Add(c.node.limits.TicketLife),
	})
	_ = c.send(&wire.Frame{Kind: wire.KindJoined, Control: &protowayv1.Joined{
		Group: m.group.Name(), Ticket: ticket, Recovery: recovery,
	}})
}

// holder is for whom tickets are signed: a user, or an anonymous client with its
// secret, on one path, with the permissions and groups of this moment. Whoever
// has lost some cannot resume with a ticket from before.
func (c *Consumer) holder(who *identity) string {
	return c.opening.Path.Name + "\x00" + who.subject + "\x00" + who.rights
}

// renew sends fresh tickets for the groups that receivers joined and whose
// tickets are older than age.
func (c *Consumer) renew(now time.Time, age time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	who := c.identity.Load()
	for _, m := range c.groups.all {
		if m.byHandler && now.Sub(m.signed) >= age {
			c.sendJoined(m, who, protowayv1.Joined_RENEWED)
		}
	}
}

// voidKey is where the store keeps that a membership has ended.
func voidKey(membership uint64) string { return "ended\x00" + strconv.FormatUint(membership, 36) }

// voidTickets ends all tickets of a membership, for as long as one could live.
func (c *Consumer) voidTickets(ctx context.Context, m *membership) {
	c.voids.add(time.Now(), c.node.limits.TicketLife)
	if _, err := c.node.store.SetIfAbsent(ctx, voidKey(m.id), []byte{1}, c.node.limits.TicketLife); err != nil {
		c.log().Error("the tickets of a membership that ended stay valid until they expire", "group", m.group.Name(), "error", err)
	}
}

// voided reports whether a membership has ended.
func (c *Consumer) voided(ctx context.Context, membership uint64) (bool, error) {
	_, found, err := c.node.store.Get(ctx, voidKey(membership))
	return found, err
}

// voids counts the memberships that a connection ended, each of which the store
// remembers for a while: nobody shall fill it by joining and leaving.
type voids struct {
	mu    sync.Mutex // guards what follows
	since time.Time
	count int
}

// maxVoids is how many memberships of one connection may end within the life of
// a ticket before it may join again.
const maxVoids = 4096

func (v *voids) add(now time.Time, window time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if now.Sub(v.since) > window {
		v.since, v.count = now, 0
	}
	v.count++
}

func (v *voids) full(now time.Time, window time.Duration) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.count >= maxVoids && now.Sub(v.since) <= window
}
