package consumer

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/protoway/protoway/auth"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// welcome runs hello: it finds out who the client is, restores its groups, and
// answers. Frames behind hello wait until it has ended.
func (c *Consumer) welcome(j *job) {
	ctx, cancel := context.WithTimeout(context.Background(), c.node.limits.HandlerTimeout)
	defer cancel()
	hello := j.control.(*protowayv1.Hello)
	c.adoptSecret(hello.GetResume().GetSecret())

	told := c.node.revoked.told.Load()
	failure := c.identify(ctx, hello.GetToken())
	if failure != nil && failure.Code != status.Unauthenticated {
		c.turnAway(failure) // who it is cannot be known now: its tickets must not be refused
		return
	}
	if err := c.connect(ctx); err != nil {
		c.turnAway(status.From(err))
		return // frames behind hello will not run
	}
	c.revokedSince(ctx, told) // before the groups come back
	resumed := c.resume(ctx, hello.GetResume().GetGroups())
	if !c.open(hello, resumed) {
		return
	}
	if c.node.debugging() {
		c.log().Debug("welcome", "client", hello.GetClient(), "user", c.identity.Load().user.ID, "resumed", resumed, "token_refused", failure)
	}
	c.answerJob(j, failure)
	if failure != nil {
		c.askForToken()
	}
}

// turnAway closes a connection that is not taken: for good if a receiver refused
// it, to come again if something failed.
func (c *Consumer) turnAway(why *status.Error) {
	if why.Masked() { // the client learns nothing, so somebody else has to
		c.log().Error("a connection was refused since a receiver failed", "error", why, "cause", errors.Unwrap(why))
	} else {
		c.log().Info("connection refused", "error", why)
	}
	code := CloseRefused
	switch {
	case why == errTooMany:
		code = CloseTooMany
	case why.Code.Retryable() || why.Code == status.Internal:
		code = CloseTryLater
	}
	c.outbox.close(code, validText(why.Text))
}

// begin opens a connection of a dialect that says no hello.
func (c *Consumer) begin() {
	hello := wire.Frame{Kind: wire.KindHello, Control: &protowayv1.Hello{}}
	c.takeFrame(&hello)
}

// adoptSecret takes over the secret of an earlier anonymous connection, and
// with it what belongs to its holder.
func (c *Consumer) adoptSecret(secret []byte) {
	if len(secret) != secretBytes || string(secret) == zeroSecret {
		return
	}
	c.mu.Lock()
	c.secret = string(secret)
	c.mu.Unlock()
	c.identity.Store(newIdentity(auth.Anonymous, anonymousSubject(string(secret))))
}

// zeroSecret is what a faulty client sends; many would share it.
var zeroSecret = string(make([]byte, secretBytes))

// identify finds out who the client is: by its token, else by its session, else
// nobody. A bad token leaves it anonymous and is reported.
func (c *Consumer) identify(ctx context.Context, token string) *status.Error {
	user := c.opening.User
	var failure *status.Error
	if token != "" {
		user, failure = c.node.verify(ctx, token)
	}
	if token == "" && user != nil {
		user, failure = c.node.session(ctx, user)
	}
	if user == nil || !user.SignedIn() {
		return failure
	}
	if err := c.node.takeUser(user); err != nil {
		return err
	}
	err := c.join(ctx, joining{user: user.ID})
	if err == nil {
		err = c.become(newIdentity(user, userSubject(user.ID)))
	}
	if err != nil {
		c.node.dropUser(user)
		return status.From(err)
	}
	return failure
}

// connect joins the groups of the path and tells the receivers.
func (c *Consumer) connect(ctx context.Context) error {
	for _, group := range c.opening.Path.Groups {
		if err := c.join(ctx, joining{class: group}); err != nil && !c.ended() { // else nobody is there to miss it
			return err
		}
	}
	for i, life := range c.lives {
		if life.Connected != nil {
			if err := c.lifecycle("Connected", life.Connected); err != nil {
				return err
			}
		}
		c.mu.Lock()
		c.met = i + 1
		c.mu.Unlock()
	}
	return nil
}

// ended reports whether the connection has ended.
func (c *Consumer) ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// resume restores memberships and returns how many.
func (c *Consumer) resume(ctx context.Context, groups []*protowayv1.ResumeGroup) uint32 {
	var resumed uint32
	for i, g := range groups {
		if i >= c.node.limits.MaxGroups {
			c.sendLeft("", "too many groups to resume")
			break
		}
		if name, err := c.rejoin(ctx, g.GetTicket()); err != nil {
			c.sendLeft(name, validText(status.From(err).Text))
			continue
		}
		resumed++
	}
	return resumed
}

// rejoin restores the membership that a ticket proves.
func (c *Consumer) rejoin(ctx context.Context, raw []byte) (group string, err error) {
	who := c.identity.Load()
	ticket, err := c.node.tickets.Verify(c.holder(who), raw, time.Now())
	if err != nil {
		return ticket.Group, status.PermissionDenied.Wrap(err, err.Error())
	}
	ended, err := c.voided(ctx, ticket.Membership)
	if err != nil {
		return ticket.Group, status.Unavailable.Wrap(err, "the ticket cannot be checked now")
	}
	if ended {
		return ticket.Group, status.PermissionDenied.Errorf("the ticket was voided")
	}
	if ask := c.opening.Path.AuthorizeJoin; ask != nil {
		err := c.lifecycle("AuthorizeJoin", func(ctx context.Context) error { return ask(ctx, who.user, ticket.Group) })
		if err != nil {
			return ticket.Group, err
		}
	}
	for _, life := range c.lives {
		if life.Rejoin == nil {
			continue
		}
		if err := c.lifecycle("Rejoin", func(ctx context.Context) error { return life.Rejoin(ctx, ticket.Group) }); err != nil {
			return ticket.Group, err
		}
	}
	return ticket.Group, c.join(ctx, joining{
		group: ticket.Group, who: who, membership: ticket.Membership, recovery: protowayv1.Joined_NO_HISTORY,
	})
}

func (c *Consumer) sendLeft(group, reason string) {
	_ = c.send(&wire.Frame{Kind: wire.KindLeft, Control: &protowayv1.Left{Group: group, Reason: reason}})
}

// open sends Welcome and all that was queued behind it, and lets frames run. It
// reports false for a connection that has ended: of its frames those with a key run,
// as if it had ended a moment later. Dialects without a handshake depend on that,
// since their clients may go as soon as they have written.
func (c *Consumer) open(hello *protowayv1.Hello, resumed uint32) bool {
	limits := c.node.limits
	c.mu.Lock()
	c.settles = slices.Contains(hello.GetFeatures(), featureSettled)
	c.welcomed = true
	closed, secret := c.closed, c.secret
	c.mu.Unlock()
	if closed {
		return false
	}
	f := wire.Frame{Kind: wire.KindWelcome, Control: &protowayv1.Welcome{
		Session:         c.name,
		Secret:          []byte(secret),
		User:            c.identity.Load().user.ID,
		MaxInFlight:     uint32(limits.MaxInFlight),     //nolint:gosec // a limit is small and positive
		MaxMessageBytes: uint32(limits.MaxMessageBytes), //nolint:gosec // likewise
		MaxBatchFrames:  wire.MaxBatchFrames,
		HeartbeatMs:     uint32(limits.Heartbeat.Milliseconds()), //nolint:gosec // likewise
		SchemaHash:      c.node.schemaHash,
		ServerTimeMs:    time.Now().UnixMilli(),
		Features:        features,
		Resumed:         resumed,
	}}
	first, err := c.wire.Append(nil, &f)
	if err != nil {
		c.log().Error("welcome cannot be encoded", "error", err)
		c.outbox.close(CloseInternal, "internal error")
		return false
	}
	c.outbox.open(first, maxMessage(hello))
	return true
}

// featureSettled is that of clients that say when their keys may be forgotten.
const featureSettled = "settled"

// features is what this server understands beyond the first version.
var features = []string{featureSettled}

// Sizes of messages to a client, see docs/protocol.md.
const (
	minMaxMessage = 1 << 10
	maxMaxMessage = 64 << 10
)

// maxMessage returns the largest message that a client wants.
func maxMessage(hello *protowayv1.Hello) int {
	if stated := int(hello.GetMaxMessageBytes()); stated > 0 {
		return min(max(stated, minMaxMessage), maxMaxMessage)
	}
	return maxMaxMessage
}
