// Command protoway is the tool beside the gateway: it makes projects, generates
// their code, takes old schemas over and talks to servers. Each command is a file.
//
//	protoway init chat
//	cd chat && make run
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, streams{os.Stdin, os.Stdout, os.Stderr}, os.Args[1:])
	stop()
	os.Exit(code)
}
