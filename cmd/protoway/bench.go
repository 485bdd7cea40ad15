package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/protoway/protoway/cmd/internal/load"
)

func newBench() *cobra.Command {
	return newGroup(&cobra.Command{
		Use:   "bench",
		Short: "Make load on a server and measure it",
		Long: `Makes load on a server and measures rates, latencies and, with --pid, the
server's processor time and memory. A run is bounded by its --duration.

Only load servers that are yours: the machine at the URL has to carry it.`,
		Example: `  protoway bench request ws://localhost:8080/ws
  protoway bench request ws://localhost:8080/ws --connections 512 --payload 128 --pid 4711
  protoway bench idle ws://localhost:8080/ws --connections 10000 --pid 4711`,
	}, newBenchIdle(), newBenchRequest(), newBenchFanout(), newBenchStorm())
}

func newBenchIdle() *cobra.Command {
	return newMeasurement(load.ScenarioIdle, &cobra.Command{
		Use:   "idle URL",
		Short: "Connections that do nothing",
		Long: `Connects, waits for the duration and disconnects. With --pid or --gc it tells
what a connection costs in memory.`,
		Example: `  protoway bench idle ws://localhost:8080/ws --connections 10000 --pid 4711
  protoway bench idle ws://localhost:8080/ws --connections 1000 --ramp 10s --duration 5m`,
	})
}

func newBenchRequest() *cobra.Command {
	return newMeasurement(load.ScenarioRequest, &cobra.Command{
		Use:   "request URL",
		Short: "Requests, and their replies",
		Long: `Each connection sends a request, and the next one when it is acked; with --rate
they are begun evenly, and the latency counts from the time they were due.

The request is system.ping, with --payload system.echo, or what --type and --body
say. The body is JSON if the dialect is (--dialect protoway.v1.json); in the
binary dialect it is hex: and the serialized message.`,
		Example: `  protoway bench request ws://localhost:8080/ws --connections 64 --in-flight 4
  protoway bench request ws://localhost:8080/ws --rate 5000 --payload 128 --duration 1m
  protoway bench request ws://localhost:8080/ws --dialect protoway.v1.json --type say --body '{"room":"tea","text":"hi"}'
  protoway bench request ws://localhost:8080/ws --type say --body hex:0a03746561`,
	})
}

func newBenchFanout() *cobra.Command {
	return newMeasurement(load.ScenarioFanout, &cobra.Command{
		Use:   "fanout URL",
		Short: "One connection publishes to a group, all members hear it",
		Long: `The connections join a group, one of them publishes, and all of them, that one
too, must hear each publication. --in-flight is how many publications are under
way at a time; with --rate, deliveries are begun evenly, so many a second.

It needs three types of the server: what joins (--join-type, --join-body), what
publishes (--type, --body) and what the members hear (--event).`,
		Example: `  protoway bench fanout ws://localhost:8080/ws --connections 1000 --dialect protoway.v1.json --join-type join-room --join-body '{"room":"tea","name":"Ada"}' --type say --body '{"room":"tea","name":"Ada","text":"hi"}' --event said`,
	})
}

func newBenchStorm() *cobra.Command {
	return newMeasurement(load.ScenarioStorm, &cobra.Command{
		Use:   "storm URL",
		Short: "Connections that come and go",
		Long: `So many connections at a time connect, say hello, join a group if --join-type is
stated, and go, over and over. With --resume they restore the group by the ticket
of the connection before.`,
		Example: `  protoway bench storm ws://localhost:8080/ws --connections 32
  protoway bench storm ws://localhost:8080/ws --tokens tokens.txt --rate 500
  protoway bench storm ws://localhost:8080/ws --dialect protoway.v1.json --join-type join-room --join-body '{"room":"tea","name":"Ada"}' --resume`,
	})
}

// measurement is what the flags of a measurement say.
type measurement struct {
	load.Config
	script, group        string
	payload              int
	token, tokens        string
	request, body        string
	joinRequest, joining string
	event                string
	json                 *bool
}

// newMeasurement completes the command of a scenario.
func newMeasurement(scenario string, cmd *cobra.Command) *cobra.Command {
	m := &measurement{Config: load.Config{Scenario: scenario}}
	cmd.Args = exactly("URL")
	m.commonFlags(cmd)
	if scenario != load.ScenarioIdle && scenario != load.ScenarioStorm {
		m.messageFlags(cmd)
	}
	if scenario != load.ScenarioRequest {
		m.joinFlags(cmd)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		m.URL = args[0]
		m.Progress = func(text string) { progress(cmd, "%s", text) }
		return m.run(cmd)
	}
	return cmd
}

func (m *measurement) commonFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&m.Dialect, "dialect", load.DialectBinary, "what is spoken: "+strings.Join(load.Dialects(), ", "))
	flags.IntVar(&m.Connections, "connections", 64, "connections at a time")
	flags.DurationVar(&m.Ramp, "ramp", 0, "time in which the connections are made (default as fast as they come)")
	flags.DurationVar(&m.Warmup, "warmup", time.Second, "time before anything is counted")
	flags.DurationVar(&m.Duration, "duration", 10*time.Second, "time that is measured, 1h at most")
	flags.Float64Var(&m.Rate, "rate", 0, "operations that are begun in a second, in all (default the next one when one has ended)")
	flags.StringVar(&m.token, "token", "", "token of all connections")
	flags.StringVar(&m.tokens, "tokens", "", "file with a token on each line, for the connections in turn")
	flags.IntVar(&m.PID, "pid", 0, "process of the server, on this machine, to measure")
	flags.StringVar(&m.GC, "gc", "", "URL of the server that collects garbage and tells what is left")
	flags.StringVar(&m.script, "script", load.ScriptSystem, "messages to use: system, or bench for the server bench/gateway")
	flags.StringVar(&m.group, "group", "bench", "group of the script bench")
	flags.IntVar(&m.payload, "payload", 0, "bytes that a request or publication of a script carries")
	m.json = jsonFlag(cmd)
}

func (m *measurement) messageFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.IntVar(&m.InFlight, "in-flight", 1, "requests of a connection, or publications in all, under way at a time")
	flags.StringVar(&m.request, "type", "", "type of the message to send, instead of the script's")
	flags.StringVar(&m.body, "body", "", "its body: JSON, or hex: and the serialized message")
}

func (m *measurement) joinFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&m.joinRequest, "join-type", "", "type of the message that joins the group")
	flags.StringVar(&m.joining, "join-body", "", "its body: JSON, or hex: and the serialized message")
	if m.Scenario == load.ScenarioFanout {
		flags.StringVar(&m.event, "event", "", "type of what the members hear (default all messages that answer nothing)")
		return
	}
	flags.BoolVar(&m.Join, "join", false, "join the group of the script; --join-type does too")
	if m.Scenario == load.ScenarioStorm {
		flags.BoolVar(&m.Resume, "resume", false, "restore the group instead of joining it again")
	}
}

func (m *measurement) run(cmd *cobra.Command) error {
	if err := m.complete(); err != nil {
		return usageError{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
	}
	result, err := load.Run(cmd.Context(), m.Config)
	if err != nil {
		return fmt.Errorf("nothing was measured: %w", err)
	}
	result.Payload = m.payload
	if *m.json {
		err = printJSON(cmd, result)
	} else {
		say(cmd, "%s", strings.TrimSuffix(result.Table(), "\n"))
	}
	if n := result.Failures(); n > 0 {
		return errors.Join(err, fmt.Errorf("there were %d errors, so the figures are not those of a healthy server", n))
	}
	return err
}

// complete makes the configuration of the flags.
func (m *measurement) complete() (err error) {
	if m.Connections == 0 || m.Duration == 0 {
		return errors.New("--connections and --duration must not be 0")
	}
	if m.Warmup == 0 {
		m.Warmup = 1 // a nanosecond: 0 is the default
	}
	if m.Script, err = load.NewScript(m.script, m.Dialect, m.payload, m.group); err != nil {
		return err
	}
	verb := load.Request
	if m.Scenario == load.ScenarioFanout {
		verb = load.Publish
	}
	m.Join = m.Join || m.joinRequest != ""
	if m.event != "" || m.request != "" || m.joinRequest != "" {
		m.Script.Event = m.event
	}
	err = errors.Join(m.replace(verb, m.request, m.body), m.replace(load.Join, m.joinRequest, m.joining), m.readTokens())
	if err != nil {
		return err
	}
	return m.Check()
}

// replace puts a message that was stated in the place of the script's.
func (m *measurement) replace(verb load.Verb, name, body string) error {
	if name == "" {
		if body != "" {
			return fmt.Errorf("the body %s has no type: state it too", body)
		}
		return nil
	}
	parsed, err := load.ParseBody(m.Dialect, body)
	m.Script.Messages[verb] = load.Message{Type: name, Body: parsed}
	return err
}

func (m *measurement) readTokens() error {
	if m.token != "" {
		m.Tokens = []string{m.token}
	}
	if m.tokens == "" {
		return nil
	}
	text, err := os.ReadFile(m.tokens)
	if err != nil {
		return err
	}
	m.Tokens = slices.Concat(m.Tokens, strings.Fields(string(text)))
	return nil
}
