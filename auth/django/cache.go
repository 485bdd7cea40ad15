package django

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

// cache remembers users for a while, and asks once for each who is asked for by
// many at a time.
type cache struct {
	ttl   time.Duration // negative: nothing is remembered
	size  int
	clock func() time.Time
	find  func(ctx context.Context, id string) (*auth.User, error)

	life context.Context // of the queries
	end  context.CancelFunc
	work sync.WaitGroup // of the queries

	mu      sync.Mutex // guards what follows
	closed  bool
	known   map[string]*list.Element // of order
	order   *list.List               // of *answer, those that end first in front
	queries map[string]*query        // that run
}

// answer is what is known about an id. Refusals are known too.
type answer struct {
	id    string
	user  *auth.User
	err   error
	until time.Time
}

// query is one that runs for whoever asks. The first two are set before done is
// closed.
type query struct {
	user *auth.User
	err  error
	done chan struct{}
}

func newCache(config Config, find func(ctx context.Context, id string) (*auth.User, error)) *cache {
	c := &cache{
		ttl: config.CacheTTL, size: config.CacheSize, clock: config.Clock, find: find,
		known: map[string]*list.Element{}, order: list.New(), queries: map[string]*query{},
	}
	c.life, c.end = context.WithCancel(context.Background())
	return c
}

var errClosed = status.Unavailable.Errorf("the store of the users is closed")

// get returns the user with an id. Who gives up leaves the query to the others.
func (c *cache) get(ctx context.Context, id string) (*auth.User, error) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil, errClosed
	}
	if element, ok := c.known[id]; ok {
		if a := element.Value.(*answer); c.clock().Before(a.until) {
			c.mu.Unlock()
			return a.user, a.err
		}
	}
	q := c.queries[id]
	if q == nil {
		q = &query{done: make(chan struct{})}
		c.queries[id] = q
		c.work.Go(func() { c.ask(id, q) })
	}
	c.mu.Unlock()
	select {
	case <-q.done:
		return q.user, q.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ask runs a query, and remembers what it says unless the id was forgotten since.
func (c *cache) ask(id string, q *query) {
	defer close(q.done)
	q.user, q.err = c.find(c.life, id)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.queries[id] != q {
		return
	}
	delete(c.queries, id)
	if c.ttl > 0 && (q.err == nil || status.CodeOf(q.err) == status.Unauthenticated) {
		c.remember(&answer{id, q.user, q.err, c.clock().Add(c.ttl)})
	}
}

// remember keeps an answer in the place of the oldest one if there is no room.
func (c *cache) remember(a *answer) {
	c.drop(a.id)
	for c.order.Len() >= c.size {
		c.drop(c.order.Front().Value.(*answer).id)
	}
	c.known[a.id] = c.order.PushBack(a)
}

// forget makes get ask anew. Who waits for a query that began before gets what it
// finds; nobody else does.
func (c *cache) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.queries, id)
	c.drop(id)
}

func (c *cache) drop(id string) {
	if element, ok := c.known[id]; ok {
		c.order.Remove(element)
		delete(c.known, id)
	}
}

// close ends the queries and waits for them.
func (c *cache) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.end()
	c.work.Wait()
}
