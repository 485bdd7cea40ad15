package main

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"
)

func newCall() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "call URL TYPE [JSON]",
		Short: "Send a message to a server and print its reply",
		Long: `Sends a message and prints its reply. How far it has come is told on the error
stream, and what the server sends for it meanwhile stands before the reply, one
message per line. An error of the server is exit code 1.

What --first states is sent before, on the same connection.

With --json there is one JSON value per line: messages that came meanwhile, with
"correlated", and last {"type", "body"} of the reply, or {"error"}.

` + dialHelp,
		Example: `  protoway call ws://localhost:8080/ws join-room '{"room":"tea","name":"Ada"}'
  protoway call wss://example.com/ws order.place '{"item":7}' --token-file token.txt --key 4f1c --json
  protoway call ws://localhost:8080/ws join-room '{"room":"tea"}' --dialect protoway.v1 --schema schema.binpb`,
		Args: between(2, "URL", "TYPE", "JSON"),
	}
	c := &calling{flags: newDialFlags(cmd), first: newPrelude(cmd, "first", firstUsage)}
	key := cmd.Flags().String("key", "", "the intent: the server runs one key once (default a random one)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		t, body, err := c.flags.message(cmd, c.first, args)
		if err != nil {
			return err
		}
		return t.fail(cmd, c.flags.json, c.run(cmd, t, outgoing{kind: args[1], body: body, key: *key}))
	}
	return cmd
}

const firstUsage = "a message to send before, as TYPE=JSON; may be repeated"

// calling is a run of the command.
type calling struct {
	flags *dialFlags
	first *prelude
}

// message reads the arguments of a command that sends a message.
func (f *dialFlags) message(cmd *cobra.Command, first *prelude, args []string) (*target, json.RawMessage, error) {
	text := "{}"
	if len(args) > 2 {
		text = args[2]
	}
	body, err := parseBody(text)
	if err != nil {
		return nil, nil, usageError{err}
	}
	t, err := f.target(cmd, args[0])
	if err != nil {
		return nil, nil, err
	}
	if err := t.checkType(args[1]); err != nil {
		return nil, nil, err
	}
	if err := first.parse(cmd, t); err != nil {
		return nil, nil, err
	}
	if len(args) > 2 {
		t.warnFields(cmd, "", args[1], body)
	}
	return t, body, nil
}

// run sends a message and prints its reply.
func (c *calling) run(cmd *cobra.Command, t *target, m outgoing) error {
	m.progress = func(value float64, info string) { progress(cmd, "%3.0f %% %s", 100*value, printable(info)) }
	x := &exchange{prelude: c.first, target: t}
	x.warn = func(format string, args ...any) { progress(cmd, format, args...) }
	x.message = func(in incoming) {
		switch {
		case !in.Correlated:
		case c.flags.json:
			_ = printLine(cmd.OutOrStdout(), newSaid(in))
		default:
			say(cmd, "%s %s", printable(in.Type), oneLine(in))
		}
	}
	x.do = func(ctx context.Context, p peer) error {
		ctx, cancel := within(ctx, t.timeout)
		defer cancel()
		reply, err := p.Call(ctx, m)
		switch {
		case err != nil:
			return err
		case c.flags.json:
			return printLine(cmd.OutOrStdout(), newSaid(reply))
		case reply.Type == "":
			progress(cmd, "ok: it has no reply")
		default:
			say(cmd, "%s", indented(reply))
		}
		return nil
	}
	return x.run(cmd.Context())
}

// between wants as many arguments as there are names, or at least a number of them.
func between(least int, names ...string) cobra.PositionalArgs {
	all := exactly(names...)
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= least && len(args) <= len(names) {
			return nil
		}
		return all(cmd, args)
	}
}
