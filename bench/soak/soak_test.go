package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain is the server too: start runs this program again.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		end(serve(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// TestAccountBalances runs all actors for a while.
func TestAccountBalances(t *testing.T) {
	for _, mode := range []string{"event", "goroutine"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			found, err := options{mode: mode, duration: 6 * time.Second, connections: 40, seed: 1, brief: true}.measure(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, problem := range found.Problems {
				t.Error(problem)
			}
			if len(found.Account) != len(actors()) {
				t.Errorf("%d of %d actors have an account", len(found.Account), len(actors()))
			}
			for name, e := range found.Account {
				if e.Connections == 0 {
					t.Errorf("%s never connected", name)
				}
			}
			if found.Account["storm"].Restored == 0 || found.Account["group"].Delivered == 0 || found.Runs == 0 {
				t.Errorf("it did too little to show anything:\n%s", found.table())
			}
		})
	}
}

// TestAccountCanFail: an ack that is dropped, or counted twice, is found.
func TestAccountCanFail(t *testing.T) {
	for name, c := range map[string]struct {
		copies  int
		problem string
	}{
		"lost":  {0, "1 acks were lost"},
		"twice": {2, "1 acks came twice or end nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options{mode: "goroutine", duration: time.Second, connections: 16, only: "caller", brief: true, patience: 3 * time.Second}
			o.ackCopies = func(before uint64) int {
				if before == 100 {
					return c.copies
				}
				return 1
			}
			server, err := start(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			found := &result{Account: map[string]entries{}}
			_, err = o.phase(t.Context(), server, 1, found)
			if stopped := server.stop(); err != nil || stopped != nil {
				t.Fatal(err, stopped)
			}
			if !slices.ContainsFunc(found.Problems, func(p string) bool { return strings.Contains(p, c.problem) }) {
				t.Errorf("the account says %v", found.Problems)
			}
		})
	}
}

// TestLedgerNoticesWhatDoesNotBalance tells a ledger what must not be.
func TestLedgerNoticesWhatDoesNotBalance(t *testing.T) {
	for problem, change := range map[string]func(*entries){
		"1 acks were lost": func(e *entries) { e.Sent, e.Lost = 1, 1 },
		"2 frames were sent, but 0 acked, 0 lost and 1 cut": func(e *entries) { e.Sent, e.Cut = 2, 1 },
		"1 publications did not come":                       func(e *entries) { e.Missed = 1 },
		"1 publications came twice or in the wrong order":   func(e *entries) { e.Repeated = 1 },
		"1 of 2 tickets were not restored":                  func(e *entries) { e.Tickets, e.Restored = 2, 1 },
		"1 pings had 0 pongs":                               func(e *entries) { e.Pings = 1 },
		"1 connections were opened, 0 ended":                func(e *entries) { e.Connections = 1 },
		"1 failures: [it broke]":                            func(e *entries) { e.Failures, e.Texts = 1, []string{"it broke"} },
	} {
		l := newLedger("actor")
		if problems := l.problems(); problems != nil {
			t.Fatalf("an empty account says %v", problems)
		}
		l.note(change)
		if problems := l.problems(); !slices.Equal(problems, []string{"actor: " + problem}) {
			t.Errorf("got %q, want %q", problems, problem)
		}
	}
}

// TestSequenceNoticesGapsAndRepetitions counts publications.
func TestSequenceNoticesGapsAndRepetitions(t *testing.T) {
	l := newLedger("group")
	s := sequence{ledger: l}
	for _, number := range []uint64{7, 8, 11, 11, 10, 12} {
		s.next(number)
	}
	if l.Delivered != 6 || l.Missed != 2 || l.Repeated != 2 {
		t.Errorf("delivered %d, missed %d, repeated %d", l.Delivered, l.Missed, l.Repeated)
	}
}

// TestGrowthIsNoticed compares what a server keeps.
func TestGrowthIsNoticed(t *testing.T) {
	before := sample{Goroutines: 30, Descriptors: 10, RSS: 1000, Heap: 1000}
	for name, c := range map[string]struct {
		after sample
		want  int
	}{
		"the same":             {before, 0},
		"five percent":         {sample{30, 10, 1050, 1050}, 0},
		"less memory":          {sample{30, 10, 500, 500}, 0},
		"a goroutine":          {sample{31, 10, 1000, 1000}, 1},
		"a descriptor":         {sample{30, 11, 1000, 1000}, 1},
		"RSS and heap, by 6 %": {sample{30, 10, 1060, 1060}, 2},
	} {
		if got := c.after.grown(before, true); len(got) != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestResultIsJSON: what -json prints can be read.
func TestResultIsJSON(t *testing.T) {
	l := newLedger("caller")
	l.note(func(e *entries) { e.Connections = 1 })
	l.ended(4000, 0)
	text, err := json.Marshal(&result{Account: map[string]entries{"caller": l.entries}})
	var back result
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil || back.Account["caller"].Closes[4000] != 1 {
		t.Errorf("%s: %v", text, err)
	}
}
