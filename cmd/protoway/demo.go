package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/protoway/protoway/examples/chat/room"
)

func newDemo() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run the chat example",
		Long: `Runs the chat example inside this program: a page at / and its WebSocket at
/ws. Open the page in two tabs, join one room under two names, and talk.`,
		Example: `  protoway demo
  protoway demo --addr localhost:9000`,
		Args: exactly(),
	}
	addr := cmd.Flags().String("addr", "localhost:8080", "address to listen on")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		server, err := room.Listen(cmd.Context(), *addr)
		if err != nil {
			return fmt.Errorf("the demo does not start: %w; state another address with --addr", err)
		}
		say(cmd, "Chat is ready: open %s in two tabs. Ctrl-C ends it.", server.URL())
		return server.Serve(cmd.Context())
	}
	return cmd
}
