package consumer

import (
	"google.golang.org/protobuf/proto"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
	"github.com/protoway/protoway/wire"
)

// claimKey reports whether a call with a key shall run. If not, it is acked
// here or when the one that runs has ended.
func (k *call) claimKey(j *job) bool {
	key := claimKey{k.c.opening.Path.Name, k.who.subject, j.binding.Entry.Type, j.key}
	mine, stored, err := k.c.node.dedupe.begin(key, j.payload, k)
	switch {
	case err != nil && status.CodeOf(err) == status.ResourceExhausted && !k.c.opening.Dialect.Handshake():
		return true // every frame has a key there, asked for or not: better without than not at all
	case err != nil:
		if status.CodeOf(err) == status.ResourceExhausted {
			k.c.node.observer.Limited(limitDedupe)
			k.c.markRefused(j)
		}
		k.finish(nil, err)
	case stored != nil:
		k.keep(key)
		k.repeat(stored)
	}
	k.claim.Store(mine)
	return mine != nil
}

// repeat answers a call as its first attempt was answered, which has ended.
func (k *call) repeat(c *claim) {
	k.halt()
	for _, m := range c.sent {
		_ = k.c.send(&wire.Frame{Re: k.from.id, Tag: k.from.tag, Kind: wire.KindMessage, Message: m})
	}
	err := c.err
	if err == nil && c.partial {
		err = status.AlreadyExists.Errorf("key %q was handled, but the answer was too large to be kept", c.key.key)
	}
	k.ackEncoded(c.reply, err)
	k.leave()
}

// remember keeps what was sent during a keyed call.
func (k *call) remember(m proto.Message) {
	mine := k.claim.Load()
	if mine == nil {
		return
	}
	if kept, err := k.c.node.serialized(m); err == nil { // it was encoded just now
		k.c.node.dedupe.remember(mine, kept)
	}
}

// settle stores how a claimed call ended and acks those that waited for it.
func (k *call) settle(reply proto.Message, err *status.Error) {
	mine := k.claim.Swap(nil)
	if mine == nil {
		return
	}
	stored := wire.Message{}
	if err == nil && reply != nil {
		stored, err = k.c.node.serialized(reply)
	}
	k.keep(mine.key)
	for _, waiter := range k.c.node.dedupe.settle(mine, stored, err) {
		waiter.keep(mine.key)
		waiter.repeat(mine)
	}
}

// maxKept is how many keys a client may leave unsettled; what is beyond is
// remembered for the whole window.
const maxKept = 1024

// keep notes which key the ack of a frame is about, for a client that says when
// it may be forgotten. It is the key alone: what is stored under it is bounded, and
// must not outlive the window here.
func (k *call) keep(key claimKey) {
	c := k.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.settles || k.from.id == 0 || len(c.claims) >= maxKept || c.closed {
		return
	}
	if c.claims == nil {
		c.claims = map[uint64]claimKey{}
	}
	c.claims[k.from.id] = key
}

// takeSettled forgets the keys of frames that the client will not send again.
func (c *Consumer) takeSettled(settled *protowayv1.Settled) {
	for _, id := range settled.GetIds()[:min(len(settled.GetIds()), maxKept)] {
		c.mu.Lock()
		key, known := c.claims[id]
		delete(c.claims, id)
		c.mu.Unlock()
		if known {
			c.node.dedupe.forget(key)
		}
	}
}
