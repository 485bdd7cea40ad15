// Package load makes load on a server and measures what the server makes of it.
//
//	result, err := load.Run(ctx, load.Config{URL: "ws://127.0.0.1:8080/ws", Scenario: load.ScenarioRequest})
//	fmt.Print(result.Table())
//
// The one idea: the generator has the machine together with the server, so a
// message costs it little: it frames by itself, reads and writes all connections
// in one event loop, and counts without allocating.
package load

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// The scenarios.
const (
	ScenarioIdle    = "idle"    // connections that do nothing
	ScenarioRequest = "request" // requests, and their replies
	ScenarioFanout  = "fanout"  // one connection publishes, all members hear it
	ScenarioStorm   = "storm"   // connections that come and go
)

// Scenarios returns the names of all scenarios.
func Scenarios() []string {
	return []string{ScenarioIdle, ScenarioRequest, ScenarioFanout, ScenarioStorm}
}

// Config says what is measured. Zero fields mean their defaults.
type Config struct {
	// URL is the server's, ws:// or wss://. Required.
	URL string
	// Scenario is one of [Scenarios]. Required.
	Scenario string
	// Dialect is one of [Dialects]. Default: protoway.v1.
	Dialect string
	// Tokens are used in turn by the connections. Default: no token.
	Tokens []string
	// Script says what requests, joins and publications are.
	Script Script
	// Connections is how many there are at a time; for fanout, the members of the
	// group. Default: 64.
	Connections int
	// InFlight is how much waits for its answer at a time: requests of each
	// connection, publications in all. Default: 1.
	InFlight int
	// Rate is how many operations begin in a second, in all: requests, deliveries,
	// connections. Default: the next one begins when one has ended.
	Rate float64
	// Ramp is the time in which the connections are made, evenly. Default: as fast
	// as they come.
	Ramp time.Duration
	// Warmup is how long it runs before anything is counted. Default: 1 s.
	Warmup time.Duration
	// Duration is how long is measured. Default: 10 s. At most an hour.
	Duration time.Duration
	// Join has the connections of idle and storm join the group.
	Join bool
	// Resume has the connections of storm resume their group by its ticket.
	Resume bool
	// PID is the server's process, to tell its processor time and memory. 0: not known.
	PID int
	// GC is a URL of the server that collects garbage and tells what is left, as
	// JSON: goroutines, heap_inuse, stack_inuse, mallocs. Empty: there is none.
	GC string
	// Progress is told what is being done. May be nil.
	Progress func(text string)
}

const (
	maxDuration    = time.Hour
	maxConnections = 1_000_000
	maxInFlight    = 4096
	// drainTime is how long what is in flight may take at the end.
	drainTime = 10 * time.Second
)

func (c Config) withDefaults() Config {
	c.Dialect = cmp.Or(c.Dialect, DialectBinary)
	c.Connections = cmp.Or(c.Connections, 64)
	c.InFlight = cmp.Or(c.InFlight, 1)
	c.Warmup = cmp.Or(c.Warmup, time.Second)
	c.Duration = cmp.Or(c.Duration, 10*time.Second)
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	return c
}

// Check says all that is wrong, but for the URL.
func (c Config) Check() error {
	c = c.withDefaults()
	var errs []error
	within := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	within(c.Connections > 0 && c.Connections <= maxConnections, "connections must be 1 to %d, not %d", maxConnections, c.Connections)
	within(c.InFlight > 0 && c.InFlight <= maxInFlight, "in flight must be 1 to %d, not %d", maxInFlight, c.InFlight)
	within(c.Rate >= 0, "the rate must not be negative")
	within(c.Ramp >= 0 && c.Warmup >= 0, "the ramp and the warm-up must not be negative")
	within(c.Duration > 0 && c.Duration <= maxDuration, "the duration must be more than 0 and at most %s, not %s", maxDuration, c.Duration)
	needs := map[Verb]bool{
		Request: c.Scenario == ScenarioRequest, Publish: c.Scenario == ScenarioFanout,
		Join: c.joins(),
	}
	for verb, name := range []string{"request", "join", "publish"} {
		said := c.Script.Messages[verb].Type != "" || c.Dialect == DialectOpcode
		within(said || !needs[Verb(verb)], "the scenario %s needs to know the type of its %s message", c.Scenario, name)
	}
	switch c.Scenario {
	case ScenarioIdle, ScenarioRequest, ScenarioFanout, ScenarioStorm:
	default:
		errs = append(errs, unknown("scenario", c.Scenario, Scenarios()))
	}
	_, err := newProtocol(c.Dialect, c.Script, "")
	errs = append(errs, err)
	native := c.Dialect == DialectBinary || c.Dialect == DialectJSON
	within(!c.Resume || native && c.Scenario == ScenarioStorm, "only a storm resumes, and only in %s and %s", DialectBinary, DialectJSON)
	return errors.Join(errs...)
}

// joins reports whether connections join the group.
func (c Config) joins() bool {
	return c.Scenario == ScenarioFanout || c.Scenario != ScenarioRequest && (c.Join || c.Resume)
}

// token returns the token of a connection.
func (c Config) token(index int) string {
	if len(c.Tokens) == 0 {
		return ""
	}
	return c.Tokens[index%len(c.Tokens)]
}
