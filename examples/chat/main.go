// Chat is the example of the README: two browser tabs that talk in a room.
//
//	go run ./examples/chat -addr :8080
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/protoway/protoway/examples/chat/room"
)

func main() {
	addr := flag.String("addr", ":8080", "address to listen on")
	debug := flag.Bool("debug", false, "log each connection that is made, with its session")
	flag.Usage = func() {
		_, _ = fmt.Fprintf(flag.CommandLine.Output(), "Chat serves a chat page at / and its WebSocket at /ws.\n\nExample:\n  chat -addr 127.0.0.1:9000\n\nFlags:\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if *debug {
		slog.SetLogLoggerLevel(slog.LevelDebug)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr); err != nil {
		fmt.Fprintln(os.Stderr, "chat:", err)
		os.Exit(1) //nolint:gocritic // stop only frees the signals, which the exit does too
	}
}

// run serves until ctx ends.
func run(ctx context.Context, addr string) error {
	server, err := room.Listen(ctx, addr)
	if _, failed := errors.AsType[*net.OpError](err); failed {
		return fmt.Errorf("%w\nTo listen on another address: go run ./examples/chat -addr :9000", err)
	}
	if err != nil {
		return err
	}
	fmt.Printf("Chat is ready: open %s in two tabs. Ctrl-C ends it.\n", server.URL())
	return server.Serve(ctx)
}
