package broadcast

import (
	"runtime"
	"sync"
	"time"

	"github.com/protoway/protoway/wire"
)

// delivery is a publication that waits for its turn.
type delivery struct {
	p       *Publication
	entry   *wire.Entry
	reached int
	turn    chan bool // true: deliver for all that wait; false: it was delivered
}

var deliveries = sync.Pool{New: func() any { return &delivery{turn: make(chan bool, 1)} }}

// plain reports whether all members get the publication.
func (d *delivery) plain() bool { return d.p.Except == "" && !d.entry.Restricted() }

// turns lets one publisher deliver for all that came meanwhile: a member gets
// their publications with one write.
type turns struct {
	mu      sync.Mutex // guards what follows
	taken   bool
	waiting []*delivery
	spare   []*delivery // memory for the next
}

// publish delivers p to all members and returns how many got it.
func (g *Group) publish(h *Hub, p *Publication, e *wire.Entry) int {
	d := deliveries.Get().(*delivery)
	d.p, d.entry, d.reached = p, e, 0
	t := &g.turns
	t.mu.Lock()
	t.waiting = append(t.waiting, d)
	mine := !t.taken
	t.taken = true
	t.mu.Unlock()
	if mine || <-d.turn {
		if mine {
			// Whoever is about to publish goes first, so that it shares the writes. If
			// nobody is, this costs nothing.
			runtime.Gosched()
		}
		g.deliverAll(h, d)
	}
	reached := d.reached
	d.p, d.entry = nil, nil
	deliveries.Put(d)
	return reached
}

// deliverAll delivers what waits, its caller's own publication among it, and
// passes the turn on.
func (g *Group) deliverAll(h *Hub, own *delivery) {
	t := &g.turns
	t.mu.Lock()
	batch := t.waiting
	t.waiting, t.spare = t.spare[:0], nil
	t.mu.Unlock()

	g.deliver(h, batch)

	for i, d := range batch {
		batch[i] = nil
		if d != own {
			d.turn <- false
		}
	}
	t.mu.Lock()
	t.spare = batch[:0]
	var next *delivery
	if len(t.waiting) > 0 {
		next = t.waiting[0]
	} else {
		t.taken = false
	}
	t.mu.Unlock()
	if next != nil {
		next.turn <- true
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
