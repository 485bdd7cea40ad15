package broadcast

import (
	"crypto/sha256"
	"runtime"
	"sync"
	"time"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/wire"
)

// delivery is a publication that waits for its turn.
type delivery struct {
	p       *Publication
	entry   *wire.Entry
	reached int
	slow    Slow          // the zero value: it waits for slow members
	awaited bool          // somebody waits until it was delivered
	done    chan struct{} // gets one then
}

var deliveries = sync.Pool{New: func() any { return &delivery{done: make(chan struct{}, 1)} }}

func newDelivery(p *Publication, e *wire.Entry) *delivery {
	d := deliveries.Get().(*delivery)
	d.p, d.entry, d.reached, d.slow = p, e, 0, slowRule(p, e)
	// Who is left out has to be found out, to say how many were reached.
	d.awaited = !d.plain()
	return d
}

func (d *delivery) recycle() {
	d.p, d.entry, d.slow = nil, nil, Slow{}
	deliveries.Put(d)
}

// maxTopicKey is the longest key of a topic; longer ones are hashed.
const maxTopicKey = 64

// slowRule says what happens to a publication at members that are slow. One with a
// position waits: without it there would be a hole in what they see of the history.
func slowRule(p *Publication, e *wire.Entry) Slow {
	slow := Slow{Policy: e.Rules.GetSlowConsumer().GetPolicy()}
	if slow.Policy <= protowayv1.SlowConsumer_DISCONNECT || p.Position != (wire.Position{}) {
		return Slow{}
	}
	slow.Topic = Topic{Group: p.Group, Type: e.Type}
	if slow.Policy == protowayv1.SlowConsumer_LATEST {
		var room [maxTopicKey]byte
		key := e.AppendLatestKey(room[:0], p.Payload)
		if len(key) > maxTopicKey {
			sum := sha256.Sum256(key)
			key = sum[:]
		}
		slow.Topic.Key = string(key)
	}
	return slow
}

// plain reports whether all members get the publication.
func (d *delivery) plain() bool { return d.p.Except == "" && !d.entry.Restricted() }

// turns lets one goroutine at a time deliver the publications of a group: what
// comes meanwhile waits, and a member gets all of it with one write.
type turns struct {
	mu      sync.Mutex // guards what follows
	taken   bool       // somebody delivers, or is about to
	bytes   int        // of what waits
	waiting []*delivery
	spare   []*delivery // memory for the next
}

// maxWaiting is how many bytes of publications wait for who delivers; beyond,
// whoever publishes waits too.
const maxWaiting = 1 << 20

// publish delivers p to all members, or leaves that to who delivers already. It
// returns how many members get it.
func (g *Group) publish(h *Hub, p *Publication, e *wire.Entry) int {
	d := newDelivery(p, e)
	t := &g.turns
	t.mu.Lock()
	t.waiting = append(t.waiting, d)
	t.bytes += frameSize(p)
	mine := !t.taken
	t.taken = true
	d.awaited = d.awaited || mine && !p.more || t.bytes > maxWaiting
	awaited := d.awaited
	t.mu.Unlock()
	switch {
	case mine && p.more && !awaited:
		go g.deliverAll(h, nil)
	case mine:
		// Whoever is about to publish goes first, so that it shares the writes. If
		// nobody is, this costs nothing.
		runtime.Gosched()
		g.deliverAll(h, d)
	}
	if !awaited {
		return g.size()
	}
	<-d.done
	reached := d.reached
	d.recycle()
	return reached
}

// deliverAll delivers what waits, until own has been delivered and nothing waits.
// Who delivers its own leaves what came after it to another goroutine.
func (g *Group) deliverAll(h *Hub, own *delivery) {
	t := &g.turns
	for {
		t.mu.Lock()
		batch := t.waiting
		if len(batch) == 0 {
			t.taken = false
			t.mu.Unlock()
			return
		}
		t.waiting, t.spare, t.bytes = t.spare[:0], nil, 0
		t.mu.Unlock()

		g.deliver(h, batch)

		for i, d := range batch {
			batch[i] = nil
			if d.awaited {
				d.done <- struct{}{}
			} else {
				d.recycle()
			}
		}
		t.mu.Lock()
		t.spare = batch[:0]
		more := len(t.waiting) > 0
		t.mu.Unlock()
		if more && own != nil {
			go g.deliverAll(h, nil)
			return
		}
	}
}

// deliver delivers publications in their order.
func (g *Group) deliver(h *Hub, batch []*delivery) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(batch) > 0 {
		run := 1
		if batch[0].plain() {
			for run < len(batch) && batch[run].plain() {
				run++
			}
			g.deliverPlain(h, batch[:run])
		} else {
			g.deliverChosen(h, batch[0])
		}
		batch = batch[run:]
	}
}

// deliverPlain delivers publications that all members get.
func (g *Group) deliverPlain(h *Hub, run []*delivery) {
	for len(run) > 0 {
		spelled := newSpelling(run)
		for _, m := range g.members {
			if b := spelled.in(h, m.Dialect()); len(b.Data) > 0 {
				m.Deliver(b)
			}
		}
		for i := range spelled.run {
			run[i].reached = len(g.members) - spelled.missing(g, i)
		}
		run = run[len(spelled.run):]
		spelled.recycle()
	}
}

// deliverChosen delivers a publication that some members may not get.
func (g *Group) deliverChosen(h *Hub, d *delivery) {
	now, restricted := time.Now(), d.entry.Restricted()
	one := [1]*delivery{d}
	spelled := newSpelling(one[:])
	defer spelled.recycle()
	for _, m := range g.members {
		if restricted && !m.MayReceive(d.entry, now) || d.p.Except != "" && m.Session() == d.p.Except {
			continue
		}
		if b := spelled.in(h, m.Dialect()); len(b.Data) > 0 {
			m.Deliver(b)
			d.reached++
		}
	}
}
