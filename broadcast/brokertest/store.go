package brokertest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Store is what keeps small values for a while, as package auth wants it.
type Store interface {
	Get(ctx context.Context, key string) ([]byte, bool, error)
	SetIfAbsent(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error)
	CompareAndSwap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error)
	Delete(ctx context.Context, key string) error
}

// stores returns the store as each node has it.
func (s *scene) stores() []Store {
	s.Helper()
	all := make([]Store, s.want)
	for i := range all {
		all[i] = s.Store(s.T)
	}
	return all
}

// has wants a value under a key; "" is none.
func (s *scene) has(store Store, key, want string) {
	s.Helper()
	value, found, err := store.Get(s.Context(), key)
	if err != nil || string(value) != want || found != (want != "") {
		s.Errorf("%s is %q, %v, %v; want %q", key, value, found, err, want)
	}
}

// writes wants a write to be done, or not.
func (s *scene) writes(want, done bool, err error) {
	s.Helper()
	if err != nil || done != want {
		s.Errorf("done %v, %v; want %v", done, err, want)
	}
}

// race has 50 write at the same time and wants one of them to win, and its value to be
// there.
func (s *scene) race(stores []Store, key string, round int, write func(Store, []byte) (bool, error)) {
	s.Helper()
	const racers = 50
	var all sync.WaitGroup
	var won atomic.Int32
	var winner atomic.Value
	for i := range racers {
		all.Go(func() {
			value := fmt.Sprintf("racer %d of round %d", i, round)
			done, err := write(stores[i%len(stores)], []byte(value))
			if err != nil {
				s.Error(err)
			}
			if done {
				won.Add(1)
				winner.Store(value)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		s.Fatalf("%d won", won.Load())
	}
	for _, store := range stores {
		s.has(store, key, winner.Load().(string))
	}
}

func setIfAbsentRace(s *scene) {
	stores := s.stores()
	for round := range 20 {
		key := s.group(fmt.Sprint(round))
		s.race(stores, key, round, func(store Store, value []byte) (bool, error) {
			return store.SetIfAbsent(s.Context(), key, value, time.Minute)
		})
	}
}

func compareAndSwapRace(s *scene) {
	stores := s.stores()
	key := s.group("swapped")
	var old []byte
	for round := range 20 {
		s.race(stores, key, round, func(store Store, value []byte) (bool, error) {
			return store.CompareAndSwap(s.Context(), key, old, value, time.Minute)
		})
		var err error
		old, _, err = stores[0].Get(s.Context(), key)
		s.check(err)
	}
}

func storeTTL(s *scene) {
	store := s.stores()[0]
	short, long, forever := s.group("short"), s.group("long"), s.group("forever")
	for key, ttl := range map[string]time.Duration{short: 2 * time.Second, long: time.Hour, forever: 0} {
		done, err := store.SetIfAbsent(s.Context(), key, []byte("value"), ttl)
		s.writes(true, done, err)
		s.has(store, key, "value")
	}
	s.Pass(3 * time.Second)
	s.has(store, short, "")
	s.has(store, long, "value")
	s.has(store, forever, "value")
	done, err := store.CompareAndSwap(s.Context(), short, []byte("value"), []byte("other"), time.Hour)
	s.writes(false, done, err)
	done, err = store.SetIfAbsent(s.Context(), short, []byte("new"), 2*time.Second)
	s.writes(true, done, err)
	done, err = store.CompareAndSwap(s.Context(), short, []byte("new"), []byte("longer"), time.Hour)
	s.writes(true, done, err)
	done, err = store.CompareAndSwap(s.Context(), long, []byte("value"), []byte("shorter"), 2*time.Second)
	s.writes(true, done, err)
	s.Pass(3 * time.Second)
	s.has(store, short, "longer")
	s.has(store, long, "")
	if done, err := store.SetIfAbsent(s.Context(), s.group("negative"), []byte("value"), -1); done || err == nil {
		s.Errorf("a negative ttl: %v, %v", done, err)
	}
}

func storeDelete(s *scene) {
	stores := s.stores()
	key := s.group("deleted")
	first, last := stores[0], stores[len(stores)-1]
	for range 3 {
		done, err := first.SetIfAbsent(s.Context(), key, []byte("value"), time.Hour)
		s.writes(true, done, err)
		s.has(last, key, "value")
		for range 2 { // that there is none is no error
			s.check(last.Delete(s.Context(), key))
			s.has(first, key, "")
		}
		done, err = first.CompareAndSwap(s.Context(), key, []byte("value"), []byte("other"), time.Hour)
		s.writes(false, done, err)
	}
}

func storeLimits(s *scene) {
	store := s.stores()[0]
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, value := range [][]byte{{0}, all, bytes.Repeat([]byte("x"), s.MaxValue)} {
		const key = "limit"
		done, err := store.SetIfAbsent(s.Context(), key, value, time.Minute)
		s.writes(true, done, err)
		s.has(store, key, string(value))
		value[0]++ // the store has its own
		if got, _, _ := store.Get(s.Context(), key); bytes.Equal(got, value) {
			s.Error("the value in the store is the caller's")
		}
		s.check(store.Delete(s.Context(), key))
	}
	for _, value := range [][]byte{nil, {}, bytes.Repeat([]byte("x"), s.MaxValue+1)} {
		if done, err := store.SetIfAbsent(s.Context(), "other", value, time.Minute); done || err == nil {
			s.Errorf("%d bytes: %v, %v", len(value), done, err)
		}
		s.has(store, "other", "")
	}
}
