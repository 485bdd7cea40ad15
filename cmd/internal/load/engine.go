package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// never is how long a scenario waits that has nothing to do.
const never = time.Duration(1<<63 - 1)

// scenario is what is measured on connections that are there.
type scenario interface {
	behaviour
	// start begins.
	start()
	// step does what is due, and returns how long nothing will be.
	step(now int64) time.Duration
	// stop begins nothing more; settled says that all that was begun has ended.
	stop()
	settled() bool
	// lost is told of a connection that has failed.
	lost(c *conn)
}

// engine runs a scenario: it makes the connections, drives them and measures.
type engine struct {
	config   Config
	protocol Protocol
	dialer   *dialer
	driver   driver
	scenario scenario
	clock    func() int64
	scratch  []byte
	result   *Result
	beaten   int // how many heartbeats are sent
	measured bool
	ops      uint64 // while it is measured
	latency  Histogram

	mu     sync.Mutex // guards what dialing goroutines share with the driver
	conns  []*conn    // by index; nil: not there
	errors map[string]uint64
}

func newEngine(config Config) (*engine, error) {
	config = config.withDefaults()
	if err := config.Check(); err != nil {
		return nil, err
	}
	protocol, err := newProtocol(config.Dialect, config.Script, config.token(0))
	if err != nil {
		return nil, err
	}
	d, err := newDialer(config.URL, protocol)
	if err != nil {
		return nil, err
	}
	d.join = config.joins()
	return &engine{
		config: config, protocol: protocol, dialer: d, clock: d.clock,
		conns: make([]*conn, config.Connections), errors: map[string]uint64{},
		result: &Result{
			Scenario: config.Scenario, Dialect: config.Dialect, URL: config.URL,
			InFlight: config.InFlight, Rate: config.Rate,
		},
	}, nil
}

// Run measures. The time it takes is bounded by its configuration. What was
// measured before ctx ended does not come back.
func Run(ctx context.Context, config Config) (*Result, error) {
	e, err := newEngine(config)
	if err != nil {
		return nil, err
	}
	if e.config.Scenario == ScenarioStorm {
		return e.storm(ctx)
	}
	e.driver, err = newDriver(e.config.Connections, e.dialer.tls, e.failed)
	if err != nil {
		return nil, err
	}
	return e.run(ctx)
}

func (e *engine) run(ctx context.Context) (*Result, error) {
	defer e.driver.close()
	e.scenario = map[string]func(*engine) scenario{
		ScenarioIdle: newIdle, ScenarioRequest: newRequests, ScenarioFanout: newFanout,
	}[e.config.Scenario](e)
	alone, err := sampleOf(ctx, &e.config)
	if err != nil {
		return nil, err
	}
	if err := e.connect(ctx); err != nil {
		return nil, err
	}
	before, err := sampleOf(ctx, &e.config)
	if err != nil {
		return nil, err
	}
	if err := e.measure(ctx); err != nil {
		return nil, err
	}
	after, err := sampleOf(ctx, &e.config)
	if err != nil {
		return nil, err
	}
	e.driver.close()
	e.finish(alone, before, after)
	return e.result, nil
}

// measure warms up, measures and lets what is in flight end.
func (e *engine) measure(ctx context.Context) error {
	e.config.Progress(fmt.Sprintf("warming up for %s", e.config.Warmup))
	e.driver.do(e.scenario.start)
	if err := e.drive(ctx, e.config.Warmup, nil); err != nil {
		return err
	}
	e.config.Progress(fmt.Sprintf("measuring for %s", e.config.Duration))
	own, server := e.times()
	began := e.clock()
	e.driver.do(func() { e.measured = true })
	if err := e.drive(ctx, e.config.Duration, nil); err != nil {
		return err
	}
	ownEnd, serverEnd := e.times()
	e.driver.do(func() {
		e.measured = false
		e.result.Seconds = float64(e.clock()-began) / 1e9
		e.use(ownEnd-own, serverEnd-server)
		e.scenario.stop()
	})
	return e.drive(ctx, drainTime, e.scenario.settled)
}

// use notes what was measured, and the processor times that it took.
func (e *engine) use(own, cpu time.Duration) {
	e.result.GeneratorCPU = own.Seconds() / e.result.Seconds
	e.result.Operations, e.result.Latency = e.ops, e.latency.Latency()
	e.result.PerSecond = float64(e.ops) / e.result.Seconds
	if e.config.PID == 0 && e.config.GC == "" {
		return
	}
	e.result.Server = &Server{PID: e.config.PID, CPU: cpu.Seconds() / e.result.Seconds}
	if e.ops > 0 {
		e.result.Server.CPUMicros = cpu.Seconds() * 1e6 / float64(e.ops)
	}
}

// times returns the processor times of this process and of the server, as far as
// they can be known.
func (e *engine) times() (own, server time.Duration) {
	own, _ = cpuTime(os.Getpid()) // 0 where there is no /proc
	if e.config.PID != 0 {
		server, _ = cpuTime(e.config.PID) // it was readable before
	}
	return own, server
}

// drive runs the scenario for a time, or until it is done.
func (e *engine) drive(ctx context.Context, d time.Duration, done func() bool) error {
	end := e.clock() + int64(d)
	return e.driver.run(ctx, func() time.Duration {
		now := e.clock()
		left := time.Duration(end - now)
		if left <= 0 || done != nil && done() {
			return -1
		}
		return e.beat(min(left, max(e.scenario.step(now), 0)))
	})
}

// done counts an operation that ended, and how long it took.
func (e *engine) done(began, now int64) {
	e.result.Done++
	if e.measured {
		e.ops++
		e.latency.Record(time.Duration(now - began))
	}
}

// count counts errors by their text. There are few texts: those of the system
// and the codes of the protocol.
func (e *engine) count(text string, n uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	const most = 50
	if _, known := e.errors[text]; !known && len(e.errors) >= most {
		text = "other errors"
	}
	e.errors[text] += n
}

func (e *engine) firstError() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for text := range e.errors {
		return errors.New(text)
	}
	return errors.New("there is no error")
}

// failed is told by the driver of a connection that has ended.
func (e *engine) failed(c *conn, err error) {
	e.count(err.Error(), 1)
	e.scenario.lost(c)
}

// finish fills in what the samples say. alone is before the connections, before
// is with them, after is when all has ended.
func (e *engine) finish(alone, before, after sample) {
	r := e.result
	if len(e.errors) > 0 {
		r.Errors = e.errors
	}
	if r.Server == nil {
		return
	}
	each := func(b, a uint64) float64 { return (float64(b) - float64(a)) / float64(max(r.Connections, 1)) }
	if e.config.Scenario == ScenarioIdle {
		before = after // when all has settled
	}
	r.Server.Resident = after.resident
	r.Server.ResidentEach = each(before.resident, alone.resident)
	if alone.heap == nil {
		return
	}
	r.Server.HeapEach = each(before.heap.HeapInuse+before.heap.StackInuse, alone.heap.HeapInuse+alone.heap.StackInuse)
	r.Server.GoroutinesEach = each(before.heap.Goroutines, alone.heap.Goroutines)
	if r.Done > 0 {
		r.Server.Allocations = float64(after.heap.Mallocs-before.heap.Mallocs) / float64(r.Done)
	}
}
