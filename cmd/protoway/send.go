package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// maxLine is the longest line of the input that is a message, in bytes.
const maxLine = 16 << 20

func newSend() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "send URL TYPE [JSON | -]",
		Short: "Send messages to a server and wait for their acks",
		Long: `Sends a message, or with - one for each line of the input, and waits for the acks:
the next one is sent when the one before is acked. What the server refuses is told
on the error stream. Exit code 0 says that all were acked well.

What --first states is sent before, on the same connection.

With --json each ack is a line: {"type", "body"} of the reply, or {"error"}.

With --no-ack the server is not asked, so exit code 0 says only that all were
written.

` + dialHelp,
		Example: `  protoway send ws://localhost:8080/ws say '{"room":"tea","name":"Ada","text":"hi"}' --first 'join-room={"room":"tea","name":"Ada"}'
  protoway send wss://example.com/ws order.place - --token-file token.txt    # a JSON object per line
  protoway send ws://localhost:8080/ws note '{"text":"hi"}' --no-ack --dialect proto-socket`,
		Args: between(2, "URL", "TYPE", "JSON"),
	}
	f := newDialFlags(cmd)
	first := newPrelude(cmd, "first", firstUsage)
	key := cmd.Flags().String("key", "", "the intent: the server runs one key once (default a random one)")
	noAck := cmd.Flags().Bool("no-ack", false, "do not ask whether it was handled")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s := &sending{cmd: cmd, flags: f, first: first, noAck: *noAck, message: outgoing{kind: args[1], key: *key}}
		lines := len(args) > 2 && args[2] == "-"
		if *key != "" && (lines || *noAck) {
			return usagef("--key names one message that is acked: leave it out with - and --no-ack")
		}
		if lines {
			args = args[:2]
		}
		var err error
		if s.target, s.message.body, err = f.message(cmd, first, args); err != nil {
			return err
		}
		return s.target.fail(cmd, f.json, s.run(lines))
	}
	return cmd
}

// sending is a run of the command.
type sending struct {
	cmd     *cobra.Command
	flags   *dialFlags
	first   *prelude
	target  *target
	message outgoing
	noAck   bool
	peer    peer
	sent    int
	refused int
	strange map[string]bool // warnings about fields that were told already
}

func (s *sending) run(lines bool) error {
	x := &exchange{prelude: s.first, target: s.target, inSession: s.noAck}
	x.warn = func(format string, args ...any) { progress(s.cmd, format, args...) }
	x.do = func(ctx context.Context, p peer) error {
		s.peer = p
		if lines {
			return s.lines(ctx)
		}
		return s.send(ctx, s.message)
	}
	err := x.run(s.cmd.Context())
	s.count()
	if err == nil && s.refused > 0 {
		return errSaid
	}
	return err
}

// count tells a person how many messages were sent.
func (s *sending) count() {
	verb := "acked"
	if s.noAck {
		verb = "written"
	}
	if !s.flags.json {
		progress(s.cmd, "%d %s", s.sent, verb)
	}
}

// lines sends a message for each line of the input.
func (s *sending) lines(ctx context.Context) error {
	scanner := bufio.NewScanner(s.cmd.InOrStdin())
	scanner.Buffer(nil, maxLine)
	for number := 1; scanner.Scan(); number++ {
		text := strings.TrimSpace(scanner.Text())
		if text == "" {
			continue
		}
		m := s.message
		body, err := parseBody(text)
		if err == nil {
			m.body = body
			s.warnFields(number, m)
			err = s.send(ctx, m)
		}
		if err == nil {
			continue
		}
		if ctx.Err() != nil || s.ended() {
			return err
		}
		s.refused++
		if s.flags.json {
			_ = s.target.fail(s.cmd, true, fmt.Errorf("line %d: %w", number, err))
		} else {
			progress(s.cmd, "line %d: %v", number, s.target.describe(err))
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("the input cannot be read: %w", err)
	}
	return nil
}

// warnFields tells of each field that the schema does not have once, however many
// lines have it.
func (s *sending) warnFields(number int, m outgoing) {
	for _, each := range s.target.strangeFields(m.kind, m.body) {
		if !s.strange[each] {
			progress(s.cmd, "warning: line %d: %s", number, each)
		}
		if s.strange == nil {
			s.strange = map[string]bool{}
		}
		s.strange[each] = true
	}
}

func (s *sending) ended() bool {
	select {
	case <-s.peer.Done():
		return true
	default:
		return false
	}
}

func (s *sending) send(ctx context.Context, m outgoing) error {
	ctx, cancel := within(ctx, s.target.timeout)
	defer cancel()
	var reply incoming
	var err error
	if s.noAck {
		err = s.peer.Send(ctx, m)
	} else {
		reply, err = s.peer.Call(ctx, m)
	}
	if err != nil {
		return err
	}
	s.sent++
	if s.flags.json && !s.noAck {
		return printLine(s.cmd.OutOrStdout(), newSaid(reply))
	}
	return nil
}
