package consumer

import (
	"github.com/protoway/protoway/broadcast"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
)

// Deliver sends encoded frames of a group.
func (c *Consumer) Deliver(b *broadcast.Bundle) {
	if len(b.Slow) == 0 {
		c.outbox.pushAll(b.Data, b.Ends)
		return
	}
	if c.outbox.pushIdle(b.Data, b.Ends) {
		return
	}
	begin := 0
	for i := range b.Slow {
		end := len(b.Data)
		if i < len(b.Ends) {
			end = b.Ends[i]
		}
		if slow := &b.Slow[i]; c.outbox.offer(b.Data[begin:end], slow) {
			c.node.observer.DeliveryDropped(slow.Topic.Type, policyLabel(slow.Policy))
		}
		begin = end
	}
}

// policyLabel is what metrics call a rule for slow members.
func policyLabel(p protowayv1.SlowConsumer_Policy) string {
	if p == protowayv1.SlowConsumer_LATEST {
		return "latest"
	}
	return "drop"
}

// pushIdle is pushAll if nothing waits, and reports whether it was.
func (o *outbox) pushIdle(data []byte, ends []int) bool {
	o.mu.Lock()
	if !o.shut && !o.idle() {
		o.mu.Unlock()
		return false
	}
	o.send(data, ends)
	return true
}

// offer sends a publication as the rule of its message says. It reports whether one
// was dropped: this one, or the one whose place it took.
func (o *outbox) offer(frame []byte, slow *broadcast.Slow) (dropped bool) {
	o.mu.Lock()
	o.relieve(len(frame))
	switch {
	case o.shut:
		o.mu.Unlock()
	case slow.Policy == protowayv1.SlowConsumer_DROP && (o.unwritten > 0 || o.full(len(frame))):
		o.mu.Unlock()
		return true
	case slow.Policy == protowayv1.SlowConsumer_LATEST && !o.idle():
		dropped = o.pending != nil && o.pending.drop(slow.Topic)
		if o.full(len(frame)) { // of frames that do not give way: it must not miss this one
			o.overflow()
			return dropped
		}
		o.queue(frame, nil)
		o.pending.note(slow.Topic, len(frame))
		o.start()
	default:
		o.send(frame, nil)
	}
	return dropped
}
