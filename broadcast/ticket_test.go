package broadcast_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/protoway/protoway/broadcast"
)

var key = []byte("0123456789abcdef0123456789abcdef")

func newTickets(t testing.TB, secret []byte, audience string) *broadcast.Tickets {
	t.Helper()
	tickets, err := broadcast.NewTickets(secret, audience)
	if err != nil {
		t.Fatal(err)
	}
	return tickets
}

// TestTicketsSayWhatWasSigned for any group, membership and subject, and for
// nobody else.
func TestTicketsSayWhatWasSigned(t *testing.T) {
	tickets, other := newTickets(t, key, "a"), newTickets(t, key, "b")
	random := newTickets(t, nil, "a")
	now := time.Unix(1_700_000_000, 0)
	rapid.Check(t, func(t *rapid.T) {
		want := broadcast.Ticket{
			Group:      rapid.String().Draw(t, "group"),
			Membership: rapid.Uint64().Draw(t, "membership"),
			Expires:    now.Add(time.Duration(rapid.IntRange(1, 1e6).Draw(t, "life")) * time.Second),
		}
		subject := rapid.String().Draw(t, "subject")
		raw := tickets.Sign(subject, want)
		got, err := tickets.Verify(subject, raw, now)
		if err != nil || got.Group != want.Group || got.Membership != want.Membership || !got.Expires.Equal(want.Expires) {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
		if late, err := tickets.Verify(subject, raw, want.Expires.Add(time.Second)); !errors.Is(err, broadcast.ErrTicketExpired) || late.Group != want.Group {
			t.Fatalf("expired: %+v, %v", late, err)
		}
		for name, check := range map[string]func() error{
			"another subject":  func() error { _, err := tickets.Verify(subject+"x", raw, now); return err },
			"another audience": func() error { _, err := other.Verify(subject, raw, now); return err },
			"another key":      func() error { _, err := random.Verify(subject, raw, now); return err },
			"a changed byte": func() error {
				changed := bytes.Clone(raw)
				changed[rapid.IntRange(1, len(raw)-1).Draw(t, "at")] ^= byte(1 << rapid.IntRange(0, 7).Draw(t, "bit"))
				_, err := tickets.Verify(subject, changed, now)
				return err
			},
			"a cut": func() error { _, err := tickets.Verify(subject, raw[:len(raw)-1], now); return err },
		} {
			if check() == nil {
				t.Fatalf("%s was taken", name)
			}
		}
	})
}

func TestTicketSecrets(t *testing.T) {
	if _, err := broadcast.NewTickets([]byte("short"), "a"); err == nil {
		t.Error("a short secret was taken")
	}
	if _, err := broadcast.NewTickets([]byte{}, "a"); err == nil {
		t.Error("an empty secret was taken")
	}
}

func FuzzTicketVerify(f *testing.F) {
	tickets := newTickets(f, key, "a")
	f.Add(tickets.Sign("s", broadcast.Ticket{Group: "g", Membership: 3, Expires: time.Unix(2e9, 0)}))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := tickets.Verify("s", raw, time.Unix(1, 0))
		if err == nil && !bytes.Equal(tickets.Sign("s", got), raw) {
			t.Errorf("%x was taken and says %+v", raw, got)
		}
	})
}
