package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/protoway/protoway/status"
)

// add adds the account of a phase, after which the server had run so many keyed
// frames in all.
func (r *result) add(from *run, runs uint64) {
	for _, l := range from.ledgers {
		for _, problem := range l.problems() {
			r.Problems = append(r.Problems, fmt.Sprintf("phase %d, %s", from.phase, problem))
		}
		sum := r.Account[l.name]
		sum.add(&l.entries)
		r.Account[l.name] = sum
	}
	once := uint64(from.once.Load()) //nolint:gosec // it only grows
	if ran := runs - r.Runs; ran != once {
		r.Problems = append(r.Problems, fmt.Sprintf("phase %d: %d keyed frames were acked OK, but %d were run", from.phase, once, ran))
	}
	r.Runs = runs
}

// add adds numbers to numbers.
func (e *entries) add(more *entries) {
	e.Connections += more.Connections
	e.Sent += more.Sent
	e.Cut += more.Cut
	e.Lost += more.Lost
	e.Duplicate += more.Duplicate
	e.Uncorrelated += more.Uncorrelated
	e.Delivered += more.Delivered
	e.Missed += more.Missed
	e.Repeated += more.Repeated
	e.Tickets += more.Tickets
	e.Restored += more.Restored
	e.Pings += more.Pings
	e.Pongs += more.Pongs
	e.Failures += more.Failures
	e.Texts = append(e.Texts, more.Texts...)
	e.Acks, e.Closes = sum(e.Acks, more.Acks), sum(e.Closes, more.Closes)
}

func sum[K comparable](a, b map[K]int) map[K]int {
	all := map[K]int{}
	for _, counts := range []map[K]int{a, b} {
		for key, count := range counts {
			all[key] += count
		}
	}
	return all
}

// table shows all of it.
func (r *result) table() string {
	var text strings.Builder
	fmt.Fprintf(&text, "mode %s, %s in two phases, seed %d\n\n", r.Mode, r.Duration, r.Seed)
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "actor\tconnections\tsent\tOK\trefused\tcut\tlost\tduplicate\tdelivered\tmissed\trepeated\ttickets\trestored\tpings\tpongs\tfailures\t")
	var total entries
	row := func(name string, e *entries) {
		ok := e.Acks[status.OK]
		fmt.Fprintf(w, "%s\t", name)
		for _, n := range []int{
			e.Connections, e.Sent, ok, e.acked() - ok, e.Cut, e.Lost, e.Duplicate,
			e.Delivered, e.Missed, e.Repeated, e.Tickets, e.Restored, e.Pings, e.Pongs, e.Failures,
		} {
			fmt.Fprintf(w, "%d\t", n)
		}
		fmt.Fprintln(w)
	}
	names := slices.Sorted(maps.Keys(r.Account))
	for _, name := range names {
		e := r.Account[name]
		row(name, &e)
		total.add(&e)
	}
	row("all", &total)
	_ = w.Flush() // into memory
	text.WriteString("\nacks by code, closes by code (0: by the actor, 1006: cut by the server)\n")
	for _, name := range names {
		e := r.Account[name]
		fmt.Fprintf(&text, "%10s  %s  |  %s\n", name, counts(e.Acks), counts(e.Closes))
	}
	w = tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\nserver\tgoroutines\tdescriptors\tRSS bytes\theap bytes\t")
	for _, at := range []struct {
		name string
		sample
	}{{"after phase 1", r.Before}, {"after phase 2", r.After}} {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t\n", at.name, at.Goroutines, at.Descriptors, at.RSS, at.Heap)
	}
	_ = w.Flush() // into memory
	fmt.Fprintf(&text, "\nkeyed frames that ran: %d\n", r.Runs)
	return text.String()
}

// counts writes numbers by what they count.
func counts[K status.Code | int](m map[K]int) string {
	parts := make([]string, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%v:%d", key, m[key]))
	}
	return strings.Join(parts, " ")
}
