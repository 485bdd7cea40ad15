package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// commands are the commands in the order of the help. To add one, write its
// file with a function that returns it, and list it here.
func commands() []*cobra.Command {
	return []*cobra.Command{
		newInit(),
		newDemo(),
		newGenerate(),
		newCheck(),
		newConfig(),
		newToken(),
		newMigrate(),
		newSend(),
		newCall(),
		newListen(),
		newRoutes(),
		newBench(),
		newProto(),
		newVersion(),
	}
}

// streams are what a run reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// run runs the command of a command line and returns the exit code.
func run(ctx context.Context, s streams, args []string) int {
	root := newRoot()
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetArgs(args)
	begun := false
	markBegin(root, &begun)
	command, err := root.ExecuteContextC(ctx)
	if err != nil && !begun {
		err = inUsage(command, err)
	}
	return report(s.err, err)
}

// newRoot makes the tree of all commands.
func newRoot() *cobra.Command {
	root := newGroup(&cobra.Command{
		Use:   "protoway",
		Short: "Work with Protoway, the gateway for protocol-buffer messages",
		Long: `Protoway is a gateway for protocol-buffer messages over WebSocket. This tool

  makes projects and generates their code: init, generate, proto
  takes over schemas of Proto Socket: migrate
  finds what is wrong before a server starts: check, config, routes
  talks to servers: call, send, listen; with tokens: token
  measures them: bench
  shows an example and its own version: demo, version

Exit codes: 0 it is done, 1 it failed, 2 the command line is not right.`,
		Example: `  protoway init chat    # a project of your own, with a page and a test
  protoway demo         # the chat example, in this terminal`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}, commands()...)
	root.CompletionOptions.HiddenDefaultCmd = true
	return root
}

// newGroup gives a command its sub-commands. By itself it shows its help.
func newGroup(group *cobra.Command, members ...*cobra.Command) *cobra.Command {
	group.SuggestionsMinimumDistance = 2
	group.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			return fmt.Errorf("there is no command %q, but %q", args[0], near[0])
		}
		return fmt.Errorf("there is no command %q", args[0])
	}
	group.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	group.AddCommand(members...)
	return group
}

// exactly wants one argument for each of the names that the usage shows.
func exactly(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return fmt.Errorf("%s is missing", names[len(args)])
		case len(args) > len(names):
			return fmt.Errorf("%q is one argument too many", args[len(names)])
		default:
			return nil
		}
	}
}

// markBegin notes when a command of the tree begins: an error before is one of
// the command line.
func markBegin(cmd *cobra.Command, begun *bool) {
	if do := cmd.RunE; do != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			*begun = true
			return do(cmd, args)
		}
	}
	for _, member := range cmd.Commands() {
		markBegin(member, begun)
	}
}

// inUsage says where the right usage of a command is told.
func inUsage(cmd *cobra.Command, err error) error {
	return usagef("%w; see %s --help", err, cmd.CommandPath())
}

// say prints a line for a person.
func say(cmd *cobra.Command, format string, args ...any) {
	fmt.Fprintf(cmd.OutOrStdout(), format+"\n", args...)
}

// progress prints a line about what is being done. It goes to the error stream,
// so that the output stays what a program reads.
func progress(cmd *cobra.Command, format string, args ...any) {
	fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...)
}
