package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/protoway/protoway/auth"
	soakv1 "github.com/protoway/protoway/bench/gen/soak/v1"
	"github.com/protoway/protoway/wire"
)

// patience is how long anything that must come may take.
const patience = 20 * time.Second

// run is one phase of all actors on one server.
type run struct {
	options
	addr    string
	catalog *wire.Catalog
	issuer  *auth.Issuer
	phase   int
	once    atomic.Int64 // keys whose frame was acked OK

	patience time.Duration
	// ackCopies tells how often an ack is counted, by how many came before it: 1.
	// Tests say 0 or 2 to see that the account notices.
	ackCopies func(before uint64) int
	acks      atomic.Uint64

	ledgers []*ledger
}

// actor abuses the server in one way until ctx ends, and leaves nothing behind.
type actor struct {
	name string
	act  func(ctx context.Context, w *worker)
	// crew is how many do so at once, of the connections of the whole run.
	crew func(connections int) int
}

// actors are all of them.
func actors() []actor {
	one := func(int) int { return 1 }
	of := func(part int) func(int) int { return func(n int) int { return max(n/part, 1) } }
	return []actor{
		{"caller", callWorker, of(16)},
		{"keyed", keyedWorker, of(16)},
		{"group", groupWorker, of(50)},
		{"churn", churnWorker, of(25)},
		{"storm", stormWorker, one},
		{"chaos", chaosWorker, of(50)},
		{"noise", noiseWorker, of(50)},
		{"half-open", halfOpenWorker, of(16)},
		{"deaf", deafWorker, one},
		{"slow", slowWorker, of(100)},
		{"big", bigWorker, of(100)},
	}
}

// worker is one of the crew of an actor.
type worker struct {
	*run
	*ledger
	rand   *rand.Rand
	number int
}

// newRun prepares a phase.
func newRun(o options, addr string, phase int) (*run, error) {
	r := &run{
		options: o, addr: addr, phase: phase, patience: patience, catalog: wire.NewCatalog(nil),
		issuer: auth.NewIssuer(secret(), auth.IssuerConfig{AccessLifetime: 24 * time.Hour}),
	}
	if o.patience > 0 {
		r.patience = o.patience
	}
	r.ackCopies = o.ackCopies
	for _, m := range []proto.Message{&soakv1.Echoed{}, &soakv1.Ran{}, &soakv1.Published{}} {
		if _, err := r.catalog.Of(m); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// copies returns how often an ack counts.
func (r *run) copies() int {
	if r.ackCopies == nil {
		return 1
	}
	return r.ackCopies(r.acks.Add(1) - 1)
}

// token makes one of a user.
func (r *run) token(user string) string {
	token, err := r.issuer.AccessToken(&auth.User{ID: user})
	if err != nil {
		panic(fmt.Sprintf("the secret of this program makes tokens: %v", err))
	}
	return token
}

// all runs all actors until ctx ends, and until they have cleared up.
func (r *run) all(ctx context.Context) {
	var crews sync.WaitGroup
	for i, a := range actors() {
		if !r.has(a.name) {
			continue
		}
		l := newLedger(a.name)
		r.ledgers = append(r.ledgers, l)
		for number := range a.crew(r.connections) {
			// The same in both phases, so that these do the same.
			source := rand.NewPCG(r.seed, uint64(i)<<32|uint64(number))
			w := &worker{run: r, ledger: l, rand: rand.New(source), number: number} //nolint:gosec // it need not be secret
			crews.Go(func() { a.act(ctx, w) })
		}
	}
	crews.Wait()
}

// user names one of a few users, so that what is kept for users is bounded.
func (w *worker) user() string { return w.name + "-" + strconv.Itoa(w.number) }

// pause waits for a while, or until ctx ends, which it reports.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
