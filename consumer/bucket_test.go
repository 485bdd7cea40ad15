package consumer

import (
	"net/netip"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/status"
)

// TestBucketsHoldTheirRate: in no span of time more is taken than the burst and what
// has come back, and what is refused is taken as soon as it was said.
func TestBucketsHoldTheirRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count, burst := rapid.IntRange(1, 1000).Draw(t, "count"), rapid.IntRange(1, 100).Draw(t, "burst")
		r := newRate(count, time.Duration(rapid.IntRange(1e6, 1e10).Draw(t, "per")), burst)
		var b bucket
		type take struct {
			at time.Duration
			n  int
		}
		var takes []take
		now := time.Duration(0)
		for range rapid.IntRange(1, 50).Draw(t, "takes") {
			now += time.Duration(rapid.IntRange(0, int(r.span(burst))).Draw(t, "pause"))
			n := rapid.IntRange(1, burst).Draw(t, "n")
			if wait := b.take(&r, now, n); wait > 0 {
				if again := b.take(&r, now+wait-1, n); again <= 0 {
					t.Fatalf("%v was said, and it was there before", wait)
				}
				now += wait
				if again := b.take(&r, now, n); again > 0 {
					t.Fatalf("%v was said, and then another %v", wait, again)
				}
			}
			takes = append(takes, take{now, n})
		}
		for i := range takes {
			sum := 0
			for _, k := range takes[i:] {
				sum += k.n
				back := float64(k.at-takes[i].at) / float64(r.per) * float64(r.count)
				if float64(sum) > float64(burst)+back+1 { // spans are whole nanoseconds
					t.Fatalf("%d of a burst of %d were taken while %.2f came back", sum, burst, back)
				}
			}
		}
	})
}

func TestBucketsTakeWhatIsTooLargeWhenFull(t *testing.T) {
	r := newRate(10, time.Second, 5)
	var b bucket
	if wait := b.take(&r, time.Hour, 30); wait != 0 {
		t.Errorf("wait %v", wait)
	}
	if wait := b.take(&r, time.Hour, 1); wait != 3*time.Second-400*time.Millisecond {
		t.Errorf("and then %v", wait)
	}
	huge := newRate(1, 290*365*24*time.Hour, 1<<30)
	if huge.depth != maxSpan || huge.span(1<<40) != maxSpan {
		t.Errorf("a rate of next to nothing: %v, %v", huge.depth, huge.span(1<<40))
	}
}

// TestLimitersForgetUsersAtRest and no others.
func TestLimitersForgetUsersAtRest(t *testing.T) {
	l := newLimiter(&protowayv1.RateLimit{Count: 1, Burst: 20}) // 20 seconds to fill
	now := time.Minute
	for i := range 1000 {
		if wait, known := l.take(strconv.Itoa(i), now); wait != 0 || !known {
			t.Fatalf("user %d: %v, %v", i, wait, known)
		}
	}
	taken := 0
	for end := now + 4*time.Minute; now < end; { // somebody is always there
		now += 500 * time.Millisecond
		if wait, _ := l.take("eve", now); wait == 0 {
			taken++
		}
	}
	if want := 20 + 4*60 - 1; taken != want { // no generation forgets who is not at rest
		t.Errorf("a user who is always there took %d tokens, want %d", taken, want)
	}
	if kept := len(l.recent) + len(l.older); kept > 2 {
		t.Errorf("%d buckets are kept for one user", kept)
	}
}

func TestLimitersHaveRoomForSoMany(t *testing.T) {
	l := newLimiter(&protowayv1.RateLimit{Count: 1})
	for i := range maxBuckets {
		if _, known := l.take(strconv.Itoa(i), 1); !known {
			t.Fatalf("no room for user %d", i)
		}
	}
	if _, known := l.take("one more", 1); known {
		t.Error("there is no bound")
	}
	if wait, known := l.take("7", 1); !known || wait == 0 {
		t.Errorf("a user who is known: %v, %v", wait, known)
	}
}

func TestBlocks(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7":             "192.0.2.7/32",
		"::ffff:192.0.2.7":      "192.0.2.7/32",
		"2001:db8:1:2:3:4:5:6":  "2001:db8:1:2::/64",
		"fe80::1%eth0":          "fe80::/64",
		"2001:db8:1:2:ffff::%a": "2001:db8:1:2::/64",
	} {
		if got := blockOf(netip.MustParseAddr(text)).String(); got != want {
			t.Errorf("%s counts as %s, want %s", text, got, want)
		}
	}
}

// TestAdmissionReturnsWhatItTook: nothing is left of connections that have ended,
// and one that was refused takes nothing.
func TestAdmissionReturnsWhatItTook(t *testing.T) {
	a := newAdmission(Limits{MaxConnections: 10, MaxConnectionsPerAddress: 3, HandshakesPerSecond: 1, HandshakeBurst: 100})
	var places []*Place
	refused := map[string]int{}
	for i := range 20 {
		place, limit, err := a.admit(netip.AddrFrom4([4]byte{10, 0, 0, byte(i % 4)}), time.Hour)
		if err == nil {
			places = append(places, place)
			continue
		}
		refused[limit]++
		if code := err.Code; limit == limitConnections && code != status.Unavailable || limit == limitAddress && code != status.ResourceExhausted {
			t.Errorf("%s: %v", limit, err)
		}
	}
	if len(places) != 10 || refused[limitConnections] != 10 {
		t.Errorf("%d places, refused %v", len(places), refused)
	}
	for _, place := range places {
		place.Release()
	}
	if a.places != 0 || len(a.addresses) != 0 {
		t.Errorf("%d places and %v are left", a.places, a.addresses)
	}
	for range 90 {
		if place, _, err := a.admit(netip.Addr{}, time.Hour); err == nil {
			place.Release()
		}
	}
	if _, limit, err := a.admit(netip.Addr{}, time.Hour); err == nil || limit != limitHandshakes || err.RetryAfter != time.Second {
		t.Errorf("the hundred-and-first handshake: %v", err)
	}
}

func TestConnectionsAreBoundedByDefault(t *testing.T) {
	files := descriptors()
	if most := newAdmission(Limits{}.WithDefaults()).most; files > 0 && (most <= 0 || most >= files) {
		t.Errorf("%d connections with %d descriptors", most, files)
	}
}
