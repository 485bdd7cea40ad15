// Harness measures the gateway beside servers on other libraries, in interleaved
// rounds on this machine, and writes what came of it.
//
//	go run ./harness -quick                      # minutes: does it work?
//	go run ./harness                             # all of it
//	go run ./harness -only request -servers gws,gateway-goroutine
//	go run ./harness -render results/full.json -doc ../docs/performance.md
//
// The one idea: machines and hours differ, so servers are compared within one
// round, and what is told is the median of the ratios of the rounds.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	quick         bool
	rounds        int
	duration      time.Duration
	only, servers string
	out, render   string
	doc           string
	generator     string
}

func main() {
	var o options
	flag.BoolVar(&o.quick, "quick", false, "one short round of few scenarios")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds in which all servers take turns")
	flag.DurationVar(&o.duration, "duration", 5*time.Second, "time that each measurement takes, besides connecting and warming up")
	flag.StringVar(&o.only, "only", "", "scenarios to run: those whose names contain one of these texts, separated by commas")
	flag.StringVar(&o.servers, "servers", "", "servers to run, separated by commas: "+strings.Join(serverNames(), ", ")+" (default all that start)")
	flag.StringVar(&o.out, "out", "results/full.json", "file for what was measured")
	flag.StringVar(&o.render, "render", "", "measure nothing: show this file")
	flag.StringVar(&o.doc, "doc", "", "document to write the tables into, between its markers, and the plots beside")
	flag.StringVar(&o.generator, "generator", "", "the program protoway to use (default it is built from this tree)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "harness:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	name := o.render
	if name == "" {
		name = o.out
		if err := measure(ctx, o); err != nil {
			return err
		}
	}
	measured, err := readFile(name)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(os.Stdout, measured.markdown(""))
	if o.doc == "" {
		return nil
	}
	return measured.writeDocument(o.doc)
}

// measure runs what the options ask for.
func measure(ctx context.Context, o options) error {
	p, err := newPlan(o)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if o.generator == "" {
		o.generator, err = buildGenerator(ctx, dir)
	}
	if err == nil {
		err = build(ctx, dir, p.servers)
	}
	if err != nil {
		return err
	}
	p.folders = folders{dir, o.generator}
	if o.servers == "" {
		p.servers = able(ctx, dir, p.servers)
	}
	if err := os.MkdirAll(filepath.Dir(o.out), 0o750); err != nil {
		return err
	}
	f := &file{Machine: machine(ctx), Rounds: p.rounds, Date: time.Now().UTC().Format(time.DateOnly)}
	return f.measure(ctx, p, o.out)
}

// able returns the servers that start here.
func able(ctx context.Context, dir string, list []server) (found []server) {
	for _, s := range list {
		r, err := start(ctx, dir, s)
		if err != nil {
			say("%s is left out: %v", s.name, err)
			continue
		}
		_ = r.stop() // it has started
		found = append(found, s)
	}
	return found
}

// measure runs a plan, and writes the file after each measurement, so that
// nothing is lost if it is cut off. What fails is left out and comes back as an
// error.
func (f *file) measure(ctx context.Context, p plan, out string) error {
	var failures []error
	for _, c := range p.cells() {
		say("round %d of %d: %s on %s", c.round+1, p.rounds, c.scenario.Name, c.server.name)
		result, err := measureOne(ctx, p.folders, c.server, c.scenario)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("%s on %s: %w", c.scenario.Name, c.server.name, err))
			say("failed: %v", err)
			continue
		}
		f.Runs = append(f.Runs, record{Server: c.server.name, Scenario: c.scenario.Name, Round: c.round, Result: *result})
		if err := f.write(out); err != nil {
			return err
		}
	}
	return errors.Join(failures...)
}

// say tells what is being done.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
