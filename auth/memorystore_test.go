package auth_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/status"
)

// clock is moved by hand.
type clock struct{ offset atomic.Int64 }

func (c *clock) Now() time.Time          { return start.Add(time.Duration(c.offset.Load())) }
func (c *clock) Advance(d time.Duration) { c.offset.Add(int64(d)) }

// wantValue asserts the value of key, "" for none.
func wantValue(t *testing.T, store auth.Store, key, want string) {
	t.Helper()
	value, found, err := store.Get(t.Context(), key)
	if err != nil || string(value) != want || found != (want != "") {
		t.Errorf("%s is %q, %v, %v, want %q", key, value, found, err, want)
	}
}

// set stores a value under a key that has none.
func set(t *testing.T, store auth.Store, key string, ttl time.Duration) {
	t.Helper()
	if done, err := store.SetIfAbsent(t.Context(), key, []byte("value of "+key), ttl); err != nil || !done {
		t.Fatalf("%s is not set: %v, %v", key, done, err)
	}
}

func TestMemoryStoreSetIfAbsent(t *testing.T) {
	store := auth.NewMemoryStore(auth.MemoryConfig{})
	wantValue(t, store, "k", "")
	set(t, store, "k", time.Minute)
	if done, err := store.SetIfAbsent(t.Context(), "k", []byte("other"), time.Minute); err != nil || done {
		t.Errorf("a second value is set: %v, %v", done, err)
	}
	wantValue(t, store, "k", "value of k")
	for range 2 {
		if err := store.Delete(t.Context(), "k"); err != nil {
			t.Error(err)
		}
	}
	wantValue(t, store, "k", "")
	set(t, store, "k", time.Minute)
}

func TestMemoryStoreCompareAndSwap(t *testing.T) {
	store := auth.NewMemoryStore(auth.MemoryConfig{})
	steps := []struct {
		old, value string
		done       bool
		now        string
	}{
		{"x", "a", false, ""},
		{"", "a", true, "a"},
		{"", "b", false, "a"},
		{"b", "c", false, "a"},
		{"a", "b", true, "b"},
		{"a", "c", false, "b"},
		{"b", "b", true, "b"},
	}
	for n, step := range steps {
		var old []byte
		if step.old != "" {
			old = []byte(step.old)
		}
		done, err := store.CompareAndSwap(t.Context(), "k", old, []byte(step.value), time.Minute)
		if err != nil || done != step.done {
			t.Errorf("step %d: done %v, %v", n, done, err)
		}
		wantValue(t, store, "k", step.now)
	}
}

func TestMemoryStoreKeepsItsOwnBytes(t *testing.T) {
	store := auth.NewMemoryStore(auth.MemoryConfig{})
	value := []byte("value")
	if _, err := store.SetIfAbsent(t.Context(), "k", value, 0); err != nil {
		t.Fatal(err)
	}
	value[0] = 'X'
	got, _, _ := store.Get(t.Context(), "k")
	got[1] = 'X'
	wantValue(t, store, "k", "value")
}

func TestMemoryStoreExpires(t *testing.T) {
	var now clock
	store := auth.NewMemoryStore(auth.MemoryConfig{Clock: now.Now})
	set(t, store, "minute", time.Minute)
	set(t, store, "hour", time.Hour)
	set(t, store, "forever", 0)
	now.Advance(time.Minute - 1)
	wantValue(t, store, "minute", "value of minute")
	now.Advance(1)
	wantValue(t, store, "minute", "")
	if done, err := store.CompareAndSwap(t.Context(), "minute", []byte("value of minute"), []byte("x"), time.Hour); done || err != nil {
		t.Errorf("an expired value is swapped: %v, %v", done, err)
	}
	if done, _ := store.CompareAndSwap(t.Context(), "hour", []byte("value of hour"), []byte("renewed"), 2*time.Hour); !done {
		t.Error("the value is not swapped")
	}
	set(t, store, "minute", time.Minute)
	now.Advance(time.Hour)
	wantValue(t, store, "hour", "renewed")
	now.Advance(24 * time.Hour)
	wantValue(t, store, "hour", "")
	wantValue(t, store, "forever", "value of forever")
	if err := store.Delete(t.Context(), "none"); err != nil || store.Len() != 1 {
		t.Errorf("%d values are left, %v", store.Len(), err)
	}
}

func TestMemoryStoreSweepsInBatches(t *testing.T) {
	var now clock
	store := auth.NewMemoryStore(auth.MemoryConfig{Clock: now.Now, MaxEntries: 100})
	for n := range 100 {
		set(t, store, fmt.Sprint("old ", n), time.Minute)
	}
	_, err := store.SetIfAbsent(t.Context(), "new", []byte("x"), time.Minute)
	wantRefusal(t, err, status.ResourceExhausted, "100 of 100 entries", "")
	if done, err := store.CompareAndSwap(t.Context(), "old 7", []byte("value of old 7"), []byte("x"), time.Minute); !done || err != nil {
		t.Errorf("a full store does not swap in place: %v, %v", done, err)
	}
	now.Advance(time.Minute)
	for written, before := 0, 100; store.Len() > written; before = store.Len() {
		set(t, store, fmt.Sprint("new ", written), time.Minute)
		written++
		if gone := before + 1 - store.Len(); gone > 32 || written > 10 {
			t.Fatalf("write %d removed %d entries, %d are left", written, gone, store.Len())
		}
	}
}

func TestMemoryStoreBoundsBytes(t *testing.T) {
	var now clock
	store := auth.NewMemoryStore(auth.MemoryConfig{Clock: now.Now, MaxBytes: 1000})
	write := func(key string, size int) error {
		old, _, _ := store.Get(t.Context(), key)
		_, err := store.CompareAndSwap(t.Context(), key, old, make([]byte, size), time.Minute)
		return err
	}
	if err := write("k", 999); err != nil {
		t.Errorf("a value that just fits is refused: %v", err)
	}
	if err := write("k", 900); err != nil {
		t.Errorf("a smaller value in its place is refused: %v", err)
	}
	wantRefusal(t, write("k", 1000), status.ResourceExhausted, "901 of 1000 bytes", "")
	wantRefusal(t, write("l", 100), status.ResourceExhausted, "the store is full", "")
	if value, _, _ := store.Get(t.Context(), "k"); len(value) != 900 {
		t.Errorf("a refused write left %d bytes", len(value))
	}
	now.Advance(time.Minute)
	if err := write("l", 999); err != nil {
		t.Errorf("the room of what has expired is not used: %v", err)
	}
	_ = store.Delete(t.Context(), "l")
	if err := write("m", 999); err != nil {
		t.Errorf("the room of what was deleted is not used: %v", err)
	}
}

func TestMemoryStoreSweepsAllForRoom(t *testing.T) {
	var now clock
	store := auth.NewMemoryStore(auth.MemoryConfig{Clock: now.Now, MaxBytes: 100 * 50})
	for n := range 100 {
		key := fmt.Sprintf("%50d", n)[:49]
		if _, err := store.SetIfAbsent(t.Context(), fmt.Sprint(n, key)[:49], []byte{1}, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	now.Advance(time.Minute)
	if done, err := store.SetIfAbsent(t.Context(), "large", make([]byte, 4900), 0); !done || err != nil {
		t.Errorf("expired entries past the batch hold their room: %v, %v", done, err)
	}
}

func TestMemoryStoreRefuses(t *testing.T) {
	store := auth.NewMemoryStore(auth.MemoryConfig{})
	_, err := store.SetIfAbsent(t.Context(), "k", nil, time.Minute)
	wantRefusal(t, err, status.InvalidArgument, "empty value", "")
	_, err = store.CompareAndSwap(t.Context(), "k", nil, []byte{}, time.Minute)
	wantRefusal(t, err, status.InvalidArgument, "empty value", "")
	_, err = store.SetIfAbsent(t.Context(), "k", []byte("v"), -1)
	wantRefusal(t, err, status.InvalidArgument, "ttl -1ns is negative", "")
	wantValue(t, store, "k", "")
}

func TestMemoryStoreLetsOneWin(t *testing.T) {
	const racers = 50
	store := auth.NewMemoryStore(auth.MemoryConfig{})
	race := func(write func(value []byte) (bool, error)) {
		t.Helper()
		var won atomic.Int32
		var group sync.WaitGroup
		for n := range racers {
			group.Go(func() {
				done, err := write(fmt.Append(nil, n))
				if err != nil {
					t.Error(err)
				}
				if done {
					won.Add(1)
				}
			})
		}
		group.Wait()
		if won.Load() != 1 {
			t.Errorf("%d won", won.Load())
		}
	}
	for round := range 20 {
		key := fmt.Sprint("key ", round)
		race(func(value []byte) (bool, error) { return store.SetIfAbsent(t.Context(), key, value, time.Minute) })
		old, _, _ := store.Get(t.Context(), key)
		swapped := func(value []byte) (bool, error) {
			return store.CompareAndSwap(t.Context(), key, old, append([]byte("swapped "), value...), time.Minute)
		}
		race(swapped)
	}
}
