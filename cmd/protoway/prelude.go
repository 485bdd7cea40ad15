package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// prelude is what is sent on each session that does not continue the one before.
type prelude struct {
	flag     string
	texts    []string // TYPE=JSON
	messages []outgoing
}

// newPrelude adds the flag of a prelude to a command.
func newPrelude(cmd *cobra.Command, flag, usage string) *prelude {
	p := &prelude{flag: flag}
	cmd.Flags().StringArrayVar(&p.texts, flag, nil, usage)
	return p
}

// parse reads what the flag says.
func (p *prelude) parse(cmd *cobra.Command, t *target) error {
	for _, text := range p.texts {
		kind, body, stated := strings.Cut(text, "=")
		m := outgoing{kind: strings.TrimSpace(kind), body: json.RawMessage("{}")}
		if stated {
			var err error
			if m.body, err = parseBody(body); err != nil {
				return usagef("--%s %s: %w", p.flag, m.kind, err)
			}
		}
		if err := t.checkType(m.kind); err != nil {
			return usagef("--%s: %w", p.flag, err)
		}
		t.warnFields(cmd, fmt.Sprintf("--%s %s: ", p.flag, m.kind), m.kind, m.body)
		p.messages = append(p.messages, m)
	}
	return nil
}

// play sends it. ctx is that of the session.
func (p *prelude) play(ctx context.Context, t *target, to peer) error {
	for _, m := range p.messages {
		limited, cancel := within(ctx, t.timeout)
		_, err := to.Call(limited, m)
		cancel()
		if err != nil {
			return fmt.Errorf("--%s %s: %w", p.flag, m.kind, err)
		}
	}
	return nil
}

// exchange is a run of a command that connects, sends and ends.
type exchange struct {
	*prelude
	target  *target
	message func(in incoming) // as in [hearing], like warn
	warn    func(format string, args ...any)
	// inSession says that do needs the context of a session.
	inSession bool
	do        func(ctx context.Context, p peer) error
}

// run connects, plays the prelude and does what is to be done.
func (x *exchange) run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var p peer
	var done error
	p = newPeer(x.target, hearing{message: x.message, warn: x.warn, session: func(session context.Context, first bool) error {
		err := x.play(session, x.target, p)
		switch {
		case err == nil && first && x.inSession:
			done = x.do(session, p)
		case err == nil || session.Err() != nil: // there will be another session
		case first:
			stop(err)
		default:
			x.warn("%v", x.target.describe(err))
		}
		return err
	}})
	defer p.Close()
	if err := p.Open(ctx); err != nil {
		return err
	}
	if !x.inSession {
		return x.do(ctx, p)
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return done
}
