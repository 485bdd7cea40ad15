package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/protoway/protoway/wire"
)

func newListen() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "listen URL",
		Short: "Print the messages that a server sends",
		Long: `Prints each message as it comes: time, type, group and body. What happens to the
connection is told on the error stream. Ctrl-C ends it well, --count after so many
messages, --for after a time; with both, too few messages are exit code 1.

Servers send to who has joined something: --send says what to send first, as
TYPE=JSON. It is sent again on each session that does not continue the one before,
so a restart of the server is survived.

With --json each message is a line: {"time", "type", "group", "body"}; where the
schema does not know the type, "payload" is the message in base64.

` + dialHelp,
		Example: `  protoway listen ws://localhost:8080/ws --send 'join-room={"room":"tea","name":"Ada"}'
  protoway listen wss://example.com/ws --token-file token.txt --type order-placed --count 1 --for 30s --json
  protoway listen ws://localhost:8080/ws --dialect proto-socket --send 'group-op={"action":"add","group":"g"}'`,
		Args: exactly("URL"),
	}
	l := &listening{flags: newDialFlags(cmd), first: newPrelude(cmd, "send", "a message to send first, as TYPE=JSON; may be repeated")}
	flags := cmd.Flags()
	flags.StringArrayVar(&l.types, "type", nil, "print messages of this type only; may be repeated")
	flags.StringArrayVar(&l.groups, "group", nil, "print messages of this group only; may be repeated")
	flags.IntVar(&l.count, "count", 0, "end after so many messages")
	flags.DurationVar(&l.life, "for", 0, "end after listening for this time")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		l.cmd = cmd
		if err := l.check(args[0]); err != nil {
			return err
		}
		return l.target.fail(cmd, l.flags.json, l.run())
	}
	return cmd
}

// listening is a run of the command.
type listening struct {
	cmd           *cobra.Command
	flags         *dialFlags
	first         *prelude
	types, groups []string
	count         int
	life          time.Duration
	target        *target
	peer          peer
	stop          context.CancelCauseFunc

	mu      sync.Mutex // guards what follows, and what is printed
	printed int
}

// errEnough ends a run well.
var errEnough = errors.New("that is enough")

// check completes the run, or says what is wrong with the command line.
func (l *listening) check(address string) (err error) {
	if l.count < 0 || l.life < 0 {
		return usagef("--count and --for must not be negative")
	}
	if l.target, err = l.flags.target(l.cmd, address); err != nil {
		return err
	}
	if len(l.groups) > 0 && l.target.dialect == wire.ProtoSocket {
		return usagef("--group: messages of %s do not say their group", wire.ProtoSocket.Name())
	}
	return l.first.parse(l.cmd, l.target)
}

func (l *listening) run() error {
	ctx, stop := context.WithCancelCause(l.cmd.Context())
	defer stop(nil)
	l.stop = stop
	l.peer = newPeer(l.target, hearing{message: l.print, note: l.note, warn: l.note, session: l.join, signIn: true})
	err := l.peer.Open(ctx)
	if err == nil {
		if l.life > 0 { // from now on: connecting has a limit of its own
			timer := time.AfterFunc(l.life, func() { stop(errEnough) })
			defer timer.Stop()
		}
		select {
		case <-ctx.Done():
		case <-l.peer.Done():
			err = l.peer.Err()
		}
	}
	cause := context.Cause(ctx)
	l.peer.Close()
	switch {
	case errors.Is(cause, errEnough):
		return l.enough()
	case l.cmd.Context().Err() != nil: // Ctrl-C
		return nil
	case cause != nil:
		return cause
	default:
		return err
	}
}

// enough says whether as many messages came as were wanted.
func (l *listening) enough() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.printed < l.count {
		return fmt.Errorf("%d of %d messages came within %s", l.printed, l.count, l.life)
	}
	return nil
}

// join sends what a session begins with. What the server refuses at first ends the
// run; later it is told.
func (l *listening) join(ctx context.Context, first bool) error {
	switch err := l.first.play(ctx, l.target, l.peer); {
	case err == nil:
	case ctx.Err() != nil: // there will be another session
		return err
	case first:
		l.stop(err)
		return err
	default:
		l.note("%v", l.target.describe(err))
		return err
	}
	l.note("listening")
	return nil
}

func (l *listening) note(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	progress(l.cmd, format, args...)
}

// print prints a message, if it is wanted.
func (l *listening) print(in incoming) {
	if len(l.types) > 0 && !slices.Contains(l.types, in.Type) || len(l.groups) > 0 && !slices.Contains(l.groups, in.Group) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count > 0 && l.printed >= l.count {
		return
	}
	l.printed++
	if err := l.printOne(in, time.Now()); err != nil {
		l.stop(fmt.Errorf("the output cannot be written: %w", err))
	}
	if l.printed == l.count {
		l.stop(errEnough)
	}
}

func (l *listening) printOne(in incoming, now time.Time) error {
	if l.flags.json {
		s := newSaid(in)
		s.Time = &now
		return printLine(l.cmd.OutOrStdout(), s)
	}
	group := in.Group
	if group == "" {
		group = "-"
	}
	_, err := fmt.Fprintf(l.cmd.OutOrStdout(), "%s  %s  %s  %s\n", now.Format("15:04:05.000"), printable(in.Type), printable(group), oneLine(in))
	return err
}
