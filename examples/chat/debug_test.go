package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	client "github.com/protoway/protoway/clients/go"
	chatv1 "github.com/protoway/protoway/examples/chat/gen/chat/v1"
)

// What -debug logs is what its help says: connections, and no message of a room.
func TestDebug(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, os.Args[0], "-help")
	command.Env = append(os.Environ(), asProgram+"=1")
	if out, _ := command.CombinedOutput(); !strings.Contains(string(out), "-debug\n    \tlog each connection that is made") || strings.Contains(string(out), "broadcast") {
		t.Errorf("the help says\n%s", out)
	}
	p := start(t, "127.0.0.1:0", "-debug")
	conn, err := client.Dial(ctx, "ws://"+p.addr+"/ws")
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Call(ctx, &chatv1.JoinRoom{Room: "tea", Name: "Ada"}, nil); err != nil {
		t.Error(err)
	}
	session := conn.Session()
	_ = conn.Close()
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	if log := p.stderr.String(); !strings.Contains(log, " welcome ") || !strings.Contains(log, "session="+session) || strings.Contains(log, "broadcast") {
		t.Errorf("the log is\n%s", log)
	}
}
