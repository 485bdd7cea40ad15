package broadcast

import "context"

// Broker carries publications to every node. Implementations live in packages
// of their own; [Memory] is the one for a single node.
//
// Optional capabilities are interfaces of their own that a broker may satisfy
// too, as [History]; what needs one that is missing fails at start. Package
// brokertest has the cases that every broker passes.
type Broker interface {
	// Start begins to deliver to h. It is called once, before anything else.
	Start(ctx context.Context, h Handler) error
	// Subscribe returns once publications to the groups reach this node.
	Subscribe(ctx context.Context, groups ...string) error
	// Unsubscribe ends that.
	Unsubscribe(ctx context.Context, groups ...string) error
	// Publish sends p to every node with members, this one included, and fills in
	// its position. No error means that it was taken; an error that it may have been.
	// Its payload is not changed any more. See [History] for what it may ask for.
	Publish(ctx context.Context, p *Publication) error
	// Close ends all deliveries. After it, every call fails.
	Close(ctx context.Context) error
}

// Handler gets what a broker delivers. Its methods do not wait for the network, and
// do not publish to the group that they are called for.
type Handler interface {
	// OnPublication returns when the members of this node were served. Calls for one
	// group come in its order; those that a broker makes at the same time, since it
	// knows no order, are put into one here and share the writes.
	OnPublication(p *Publication)
	// OnInterrupted is called when publications to the groups may have been lost, or
	// their history was dropped.
	OnInterrupted(groups []string)
}
