package client_test

import (
	"testing"
	"time"

	client "github.com/protoway/protoway/clients/go"
)

func TestBackoff(t *testing.T) {
	most := func(below int64) int64 { return below - 1 }
	next, reset := client.Backoff(500*time.Millisecond, 30*time.Second, most)
	for round := range 2 {
		for _, want := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second, 30 * time.Second} {
			if got := next(0); got != want {
				t.Errorf("round %d: %v, want %v", round, got, want)
			}
		}
		reset()
	}
	if got := next(7 * time.Second); got != 7500*time.Millisecond {
		t.Errorf("with Retry-After: %v", got)
	}
	if got := next(24 * time.Hour); got > 6*time.Minute {
		t.Errorf("with a day: %v", got)
	}
	zero, _ := client.Backoff(0, 0, most)
	next, _ = client.Backoff(500*time.Millisecond, time.Hour, func(int64) int64 { return 0 })
	for range 200 {
		if got := next(0); got != 0 {
			t.Errorf("the least is %v", got)
		}
		if got := zero(0); got != 0 {
			t.Errorf("without backoff: %v", got)
		}
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "99999999999999999999": 0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:00:00 GMT": 0,
	} {
		if got := client.RetryAfter(value, now); got != want {
			t.Errorf("Retry-After %q is %v, want %v", value, got, want)
		}
	}
}
