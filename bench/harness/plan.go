package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// server is a program that is measured.
type server struct {
	name  string
	pkg   string   // relative to the module
	args  []string // beside those of all servers
	users bool     // it has tokens, and speaks the native protocol
}

// reference is the server that the others are compared with.
const reference = "gws"

// servers are all servers, in the order of the tables.
func servers() []server {
	return []server{
		{name: "gateway-event", pkg: "./gateway", args: []string{"-mode", "event"}, users: true},
		{name: "gateway-goroutine", pkg: "./gateway", args: []string{"-mode", "goroutine"}, users: true},
		{name: "gws", pkg: "./servers/gws"},
		{name: "gorilla", pkg: "./servers/gorilla"},
		{name: "coder", pkg: "./servers/coder"},
	}
}

func serverNames() (names []string) {
	for _, s := range servers() {
		names = append(names, s.name)
	}
	return names
}

// scenario is what is measured: arguments of protoway bench.
type scenario struct {
	Name string
	args []string
}

// payload is the size of what is echoed and published.
const payload = 128

// paced is the rate of deliveries of the scenarios of that name, in a second.
const paced = 20_000

// scenarios are all scenarios.
func scenarios(duration time.Duration) []scenario {
	var all []scenario
	add := func(name, kind string, connections int, args ...string) {
		args = append([]string{kind, "--connections", strconv.Itoa(connections)}, args...)
		all = append(all, scenario{name, args})
	}
	timed := []string{"--duration", duration.String(), "--payload", strconv.Itoa(payload)}
	for _, n := range []int{1_000, 10_000, 19_000} {
		add(fmt.Sprintf("idle-%d", n), "idle", n, "--duration", "100ms", "--join")
	}
	for _, n := range []int{64, 512} {
		add(fmt.Sprintf("request-%d", n), "request", n, timed...)
	}
	add("request-64-w16", "request", 64, slices.Concat(timed, []string{"--in-flight", "16"})...)
	for _, n := range []int{100, 1_000, 10_000} {
		add(fmt.Sprintf("fanout-%d-w1", n), "fanout", n, timed...)
		add(fmt.Sprintf("fanout-%d-paced", n), "fanout", n, slices.Concat(timed, []string{"--rate", strconv.Itoa(paced)})...)
		add(fmt.Sprintf("fanout-%d-w16", n), "fanout", n, slices.Concat(timed, []string{"--in-flight", "16"})...)
	}
	add("storm", "storm", 32, "--duration", duration.String())
	return all
}

// quick are the scenarios of a short run.
var quick = []string{"idle-1000", "request-64", "request-512", "fanout-1000-w1", "fanout-1000-paced", "fanout-1000-w16", "storm"}

// plan is what is to be run.
type plan struct {
	folders   folders
	rounds    int
	servers   []server
	scenarios []scenario
}

func newPlan(o options) (plan, error) {
	p := plan{rounds: o.rounds, servers: servers()}
	duration := o.duration
	if o.quick {
		p.rounds, duration = 1, min(duration, 2*time.Second)
	}
	if p.rounds < 1 || duration <= 0 {
		return p, fmt.Errorf("-rounds and -duration must be more than 0")
	}
	for _, s := range scenarios(duration) {
		if o.only != "" && contains(s.Name, o.only) || o.only == "" && (!o.quick || slices.Contains(quick, s.Name)) {
			p.scenarios = append(p.scenarios, s)
		}
	}
	if len(p.scenarios) == 0 {
		return p, fmt.Errorf("-only %s names no scenario", o.only)
	}
	if o.servers == "" {
		return p, nil
	}
	named := strings.Split(o.servers, ",")
	for _, name := range named {
		if !slices.Contains(serverNames(), name) {
			return p, fmt.Errorf("-servers %s is not known: use %s", name, strings.Join(serverNames(), ", "))
		}
	}
	p.servers = slices.DeleteFunc(p.servers, func(s server) bool { return !slices.Contains(named, s.name) })
	return p, nil
}

// cell is one measurement.
type cell struct {
	round    int
	scenario scenario
	server   server
}

// cells are the measurements in their order: the servers take turns, and each
// round begins with another one.
func (p plan) cells() (all []cell) {
	for round := range p.rounds {
		for _, s := range p.scenarios {
			for i := range p.servers {
				all = append(all, cell{round, s, p.servers[(i+round)%len(p.servers)]})
			}
		}
	}
	return all
}

// contains reports whether a name contains one of some texts, separated by commas.
func contains(name, texts string) bool {
	return slices.ContainsFunc(strings.Split(texts, ","), func(text string) bool { return strings.Contains(name, text) })
}
