// Soak abuses a server of this project for some minutes, in every way that its
// actors know, and says whether it is as it was before and owes nobody an answer:
//
//	go run ./soak -duration 3m -mode goroutine
//
// The one idea: two phases do the same, with the same numbers. After the first,
// pools, maps and the heap have their working size; so what the server keeps
// after the second must be what it kept after the first.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	duration    time.Duration
	mode        string
	seed        uint64
	connections int
	only        string // names of actors; empty: all
	json        bool
	profiles    string // folder for heap profiles; empty: none

	brief     bool               // memory is not compared, and no time given to it
	patience  time.Duration      // for acks; 0: [patience]
	ackCopies func(b uint64) int // see run
}

// result is what a run found.
type result struct {
	Mode     string             `json:"mode"`
	Seed     uint64             `json:"seed"`
	Duration string             `json:"duration"`
	Before   sample             `json:"before"` // after the first phase
	After    sample             `json:"after"`  // after the second
	Runs     uint64             `json:"runs"`   // of keyed frames
	Account  map[string]entries `json:"account"`
	Problems []string           `json:"problems"`
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		end(serve(os.Args[2:]))
	}
	o, err := parse(os.Args[1:])
	if err == nil {
		err = soak(o, os.Stdout)
	}
	end(err)
}

// end ends the process.
func end(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// parse reads the flags.
func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.DurationVar(&o.duration, "duration", 3*time.Minute, "how long the actors act, in two phases")
	flags.StringVar(&o.mode, "mode", "event", "how the server reads connections: event or goroutine")
	flags.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "what the actors choose by")
	flags.IntVar(&o.connections, "connections", 400, "about how many connections there are at once")
	flags.StringVar(&o.only, "only", "", "actors, separated by commas; empty: all")
	flags.BoolVar(&o.json, "json", false, "print the account as JSON")
	flags.StringVar(&o.profiles, "profiles", "", "folder to write the server's heap to after each phase, for go tool pprof")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.duration <= 0 || o.connections <= 0 {
		return o, fmt.Errorf("-duration and -connections must be more than 0")
	}
	for name := range strings.SplitSeq(o.only, ",") {
		if o.only != "" && !slices.ContainsFunc(actors(), func(a actor) bool { return a.name == name }) {
			return o, fmt.Errorf("-only %s is no actor", name)
		}
	}
	return o, nil
}

// has reports whether an actor takes part.
func (o options) has(name string) bool {
	return o.only == "" || slices.Contains(strings.Split(o.only, ","), name)
}

// soak runs, prints, and returns an error if something does not balance.
func soak(o options, out io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	found, err := o.measure(ctx)
	if err != nil {
		return err
	}
	if o.json {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(found)
	} else {
		_, err = io.WriteString(out, found.table())
	}
	if err == nil && len(found.Problems) > 0 {
		err = fmt.Errorf("the account does not balance:\n%s", strings.Join(found.Problems, "\n"))
	}
	return err
}

// measure runs both phases on a server of its own.
func (o options) measure(ctx context.Context) (found *result, err error) {
	server, err := start(ctx, o)
	if err != nil {
		return nil, err
	}
	found = &result{Mode: o.mode, Seed: o.seed, Duration: o.duration.String(), Account: map[string]entries{}}
	if err = o.warm(ctx, server); err == nil {
		if found.Before, err = o.phase(ctx, server, 1, found); err == nil {
			found.After, err = o.phase(ctx, server, 2, found)
		}
	}
	found.Problems = append(found.Problems, found.After.grown(found.Before, !o.brief)...)
	found.Problems = append(found.Problems, server.panics()...)
	if stopped := server.stop(); err == nil {
		err = stopped
	}
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, tail(server.log.String()))
	}
	return found, nil
}

// tail returns the end of a log.
func tail(text string) string { return text[max(0, len(text)-4_000):] }

// phase runs all actors once and returns what the server keeps.
func (o options) phase(ctx context.Context, server *child, number int, into *result) (sample, error) {
	r, err := newRun(o, server.Addr, number)
	if err != nil {
		return sample{}, err
	}
	acting, cancel := context.WithTimeout(ctx, o.duration/2)
	r.all(acting)
	cancel()
	if ctx.Err() != nil {
		return sample{}, ctx.Err()
	}
	now, err := server.idle(ctx, !o.brief)
	if err != nil {
		return sample{}, err
	}
	into.add(r, now.Runs)
	after, err := server.settled(ctx)
	if err == nil && o.profiles != "" {
		err = server.profile(ctx, filepath.Join(o.profiles, fmt.Sprintf("heap-%d.pprof", number)))
	}
	return after, err
}
