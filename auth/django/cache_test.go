package django_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/auth/django"
	"github.com/protoway/protoway/status"
)

// asked is a database that answers when it is told to, and counts.
type asked struct {
	mu      sync.Mutex
	times   int
	answers chan error
}

func (a *asked) find(ctx context.Context, id string) (*auth.User, error) {
	a.mu.Lock()
	a.times++
	name := fmt.Sprint(a.times)
	a.mu.Unlock()
	select {
	case err := <-a.answers:
		if err != nil {
			return nil, err
		}
		return &auth.User{ID: id, Name: name}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (a *asked) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.times
}

// TestSingleFlight: many who ask at a time make one query, who gives up does not end
// it, and who asks after Forget does not get what was found before.
func TestSingleFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &asked{answers: make(chan error)}
		cache := django.NewCache(django.Config{}, db.find)
		defer cache.Close()
		impatient, cancel := context.WithCancel(t.Context())
		names := make(chan string, 20)
		get := func(ctx context.Context) {
			user, err := cache.Get(ctx, "1")
			switch {
			case err == nil:
				names <- user.Name
			default:
				names <- err.Error()
			}
		}
		go get(impatient)
		for range 10 {
			go get(t.Context())
		}
		synctest.Wait()
		cancel()
		if got := <-names; got != context.Canceled.Error() {
			t.Errorf("who gave up got %q", got)
		}
		cache.Forget("1")
		go get(t.Context())
		synctest.Wait()
		if db.count() != 2 {
			t.Errorf("%d queries, want 2: one before Forget and one after", db.count())
		}
		db.answers <- nil
		db.answers <- nil
		seen := map[string]int{}
		for range 11 {
			seen[<-names]++
		}
		if seen["1"] != 10 || seen["2"] != 1 {
			t.Errorf("who asked got %v", seen)
		}
		go get(t.Context())
		if got := <-names; got != "2" || db.count() != 2 {
			t.Errorf("%q is remembered after %d queries, want the one after Forget", got, db.count())
		}
	})
}

// TestCacheBounds: failures and more than there is room for are not remembered.
func TestCacheBounds(t *testing.T) {
	db := &asked{answers: make(chan error, 100)}
	now := time.Now()
	cache := django.NewCache(django.Config{CacheSize: 3, CacheTTL: time.Minute, Clock: func() time.Time { return now }}, db.find)
	defer cache.Close()
	get := func(id string, answer error) error {
		db.answers <- answer
		before := db.count()
		_, err := cache.Get(t.Context(), id)
		if db.count() == before { // it was remembered
			<-db.answers
			return nil
		}
		if err == nil {
			return errors.New("asked")
		}
		return err
	}
	down := errors.New("down")
	for range 2 {
		if err := get("1", down); !errors.Is(err, down) {
			t.Errorf("a failure is remembered: %v", err)
		}
	}
	gone := status.Unauthenticated.Errorf("gone")
	if err := get("1", gone); !errors.Is(err, gone) {
		t.Error(err)
	}
	if err := get("1", gone); err != nil {
		t.Errorf("a refusal is not remembered: %v", err)
	}
	for i := range 10 {
		_ = get(fmt.Sprint("u", i), nil)
		if cache.Len() > 3 {
			t.Fatalf("%d are remembered, want at most 3", cache.Len())
		}
	}
	if err := get("u9", nil); err != nil {
		t.Error("the newest is forgotten")
	}
	if err := get("u0", nil); err == nil {
		t.Error("the oldest is remembered")
	}
	now = now.Add(time.Minute)
	if err := get("u9", nil); err == nil {
		t.Error("it is remembered for longer than CacheTTL")
	}
}

// TestCacheEnds: Close ends the queries that run.
func TestCacheEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &asked{answers: make(chan error)}
		cache := django.NewCache(django.Config{}, db.find)
		failed := make(chan error, 1)
		go func() {
			_, err := cache.Get(t.Context(), "1")
			failed <- err
		}()
		synctest.Wait()
		cache.Close()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("who waited got %v", err)
		}
		if _, err := cache.Get(t.Context(), "1"); status.CodeOf(err) != status.Unavailable {
			t.Errorf("after Close: %v", err)
		}
	})
}
