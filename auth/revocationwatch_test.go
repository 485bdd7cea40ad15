package auth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

// flaky is a store that can be taken down.
type flaky struct {
	auth.Store
	down atomic.Bool
	gets atomic.Int64
}

var errDown = errors.New("connection refused by 10.1.2.3")

func (f *flaky) Get(ctx context.Context, key string) ([]byte, bool, error) {
	f.gets.Add(1)
	if f.down.Load() {
		return nil, false, errDown
	}
	return f.Store.Get(ctx, key)
}

// node makes revocations as another process would, on a store.
func node(store auth.Store) *auth.Revocations {
	return auth.NewRevocations(store, auth.RevocationsConfig{Poll: 5 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
}

// told collects what is told until the test ends.
func told(t *testing.T, r *auth.Revocations) <-chan auth.Revocation {
	t.Helper()
	all := make(chan auth.Revocation, 10_000)
	t.Cleanup(r.Watch(func(what auth.Revocation) { all <- what }))
	return all
}

func awaitTold(t *testing.T, told <-chan auth.Revocation, id string) {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		select {
		case what := <-told:
			if what.TokenID == id {
				return
			}
		case <-deadline:
			t.Fatalf("the revocation of %q is not told", id)
		}
	}
}

func revoke(t *testing.T, r *auth.Revocations, tokenID string) {
	t.Helper()
	if err := r.Revoke(t.Context(), auth.Revocation{TokenID: tokenID}); err != nil {
		t.Fatal(err)
	}
}

func TestWatchTellsAllNodes(t *testing.T) {
	store := auth.NewMemoryStore(auth.MemoryConfig{})
	one, two := node(store), node(store)
	first, second, third := told(t, one), told(t, two), told(t, two)
	for _, id := range []string{"a", "b", "c"} {
		revoke(t, one, id)
	}
	revoke(t, two, "d")
	for _, node := range []<-chan auth.Revocation{first, second, third} {
		for _, id := range []string{"a", "b", "c", "d"} { // in their order
			awaitTold(t, node, id)
		}
	}
	if !two.Told(&auth.User{ID: "x", TokenID: "a"}) || two.Told(&auth.User{ID: "x", TokenID: "z"}) {
		t.Error("what was told is not remembered")
	}
}

// TestWatchBegins checks that what was revoked just before is told, and nothing older.
func TestWatchBegins(t *testing.T) {
	now := &clock{}
	store := auth.NewMemoryStore(auth.MemoryConfig{Clock: now.Now})
	config := auth.RevocationsConfig{Poll: 5 * time.Millisecond, Clock: now.Now}
	r := auth.NewRevocations(store, config)
	revoke(t, r, "old")
	now.Advance(2 * time.Minute)
	revoke(t, r, "new")
	var ids []string
	done := make(chan struct{})
	stop := auth.NewRevocations(store, config).Watch(func(what auth.Revocation) {
		if ids = append(ids, what.TokenID); what.TokenID == "end" {
			close(done)
		}
	})
	revoke(t, r, "end")
	<-done
	stop()
	if fmt.Sprint(ids) != "[new end]" {
		t.Errorf("told: %v", ids)
	}
}

func TestWatchEnds(t *testing.T) {
	store := &flaky{Store: auth.NewMemoryStore(auth.MemoryConfig{})}
	r := node(store)
	var calls atomic.Int64
	for range 3 { // it may begin again
		stopOne := r.Watch(func(auth.Revocation) { calls.Add(1) })
		other := told(t, r)
		stopTwo := r.Watch(func(auth.Revocation) {})
		stopOne()
		stopOne()
		id := fmt.Sprint(store.gets.Load())
		before := calls.Load()
		revoke(t, node(store), id)
		awaitTold(t, other, id)
		stopTwo()
		if calls.Load() != before {
			t.Error("told after the end")
		}
	}
}

func TestNobodyPollsUnwatched(t *testing.T) {
	store := &flaky{Store: auth.NewMemoryStore(auth.MemoryConfig{})}
	r := node(store)
	stop := r.Watch(func(auth.Revocation) {})
	stop()
	before := store.gets.Load()
	all := told(t, node(store.Store)) // another node polls ten times meanwhile
	for n := range 10 {
		if err := node(store.Store).Revoke(t.Context(), auth.Revocation{TokenID: fmt.Sprint(n)}); err != nil {
			t.Fatal(err)
		}
		awaitTold(t, all, fmt.Sprint(n))
	}
	if now := store.gets.Load(); now != before {
		t.Errorf("%d looks after the end", now-before)
	}
}

func TestWatchOutlivesAnOutage(t *testing.T) {
	memory := auth.NewMemoryStore(auth.MemoryConfig{})
	store := &flaky{Store: memory}
	r := node(store)
	all := told(t, r)
	revoke(t, node(memory), "before")
	awaitTold(t, all, "before")

	store.down.Store(true)
	err := r.Check(t.Context(), &auth.User{ID: "alice", TokenID: "t"})
	wantRefusal(t, err, status.Unavailable, "cannot be found out whether the token was revoked", "")
	if err := r.Revoke(t.Context(), auth.Revocation{UserID: "alice"}); !errors.Is(err, errDown) {
		t.Errorf("revoke on a store that is down: %v", err)
	}
	revoke(t, node(memory), "meanwhile")
	for seen := store.gets.Load(); store.gets.Load() < seen+3; {
		runtime.Gosched() // until it was asked three times
	}
	store.down.Store(false)
	awaitTold(t, all, "meanwhile")
}

// TestWatchNoticesAnotherLog empties the store, so that numbers begin again.
func TestWatchNoticesAnotherLog(t *testing.T) {
	store := &flaky{Store: auth.NewMemoryStore(auth.MemoryConfig{})}
	r := node(store)
	all := told(t, r)
	for _, id := range []string{"a", "b", "c"} {
		revoke(t, r, id)
	}
	awaitTold(t, all, "c")
	if err := store.Delete(t.Context(), "revoked.head"); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"d", "e", "f", "g"} {
		revoke(t, node(store), id)
	}
	for _, id := range []string{"d", "e", "f", "g"} {
		awaitTold(t, all, id)
	}
}

// plant puts a value into a store behind the back of whoever uses it.
func plant(t *testing.T, store auth.Store, key, value string) {
	t.Helper()
	if done, err := store.SetIfAbsent(t.Context(), key, []byte(value), 0); err != nil || !done {
		t.Fatalf("%s: %v, %v", key, done, err)
	}
}

func TestUnreadableEntriesArePassedOver(t *testing.T) {
	store := auth.NewMemoryStore(auth.MemoryConfig{})
	plant(t, store, "revoked.head", "log.1")
	plant(t, store, "revoked.log.log.1", "not JSON")
	r := node(store)
	all := told(t, r)
	revoke(t, r, "a")
	awaitTold(t, all, "a") // read backwards from the end
	plant(t, store, "revoked.log.log.3", "not JSON")
	revoke(t, r, "b")
	awaitTold(t, all, "b") // read on
}

// TestRevokeHelpsWhoStopped has a writer stop between its entry and the head.
func TestRevokeHelpsWhoStopped(t *testing.T) {
	store := auth.NewMemoryStore(auth.MemoryConfig{})
	all := told(t, node(store))
	plant(t, store, "revoked.head", "log.7")
	plant(t, store, "revoked.log.log.8", `{"jti":"stopped","at":"`+time.Now().UTC().Format(time.RFC3339)+`"}`)
	revoke(t, node(store), "b")
	awaitTold(t, all, "stopped")
	awaitTold(t, all, "b")
}

// overtaken is a store in which something happens right before its first swap of
// the head.
type overtaken struct {
	auth.Store
	first sync.Once
	by    func()
}

func (o *overtaken) CompareAndSwap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	if key == "revoked.head" {
		o.first.Do(o.by)
	}
	return o.Store.CompareAndSwap(ctx, key, old, value, ttl)
}

// TestTwoBeginTheLog has two writers begin a log at once, and one be overtaken later.
func TestTwoBeginTheLog(t *testing.T) {
	for _, begun := range []bool{false, true} {
		store := auth.NewMemoryStore(auth.MemoryConfig{})
		all := told(t, node(store))
		if begun {
			revoke(t, node(store), "begin")
			awaitTold(t, all, "begin")
		}
		slow := &overtaken{Store: store, by: func() { revoke(t, node(store), "fast") }}
		revoke(t, node(slow), "slow")
		seen := map[string]int{}
		for seen["fast"] == 0 || seen["slow"] == 0 {
			select {
			case what := <-all:
				seen[what.TokenID]++
			case <-time.After(time.Minute):
				t.Fatalf("told %v", seen)
			}
		}
	}
}

// TestManyRevokeAtOnce revokes on several nodes at once: every one is told.
func TestManyRevokeAtOnce(t *testing.T) {
	const nodes, each = 8, 50
	store := auth.NewMemoryStore(auth.MemoryConfig{})
	all := told(t, node(store))
	var running sync.WaitGroup
	for n := range nodes {
		running.Go(func() {
			r := node(store)
			for m := range each {
				if err := r.Revoke(t.Context(), auth.Revocation{TokenID: fmt.Sprint(n, "/", m)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
	ids, deadline := map[string]bool{}, time.After(time.Minute)
	for len(ids) < nodes*each {
		select {
		case what := <-all:
			ids[what.TokenID] = true
		case <-deadline:
			t.Fatalf("told %d of %d", len(ids), nodes*each)
		}
	}
}
