package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/examples/chat/room"
)

// chat is the chat example on a port that stays when it is started again.
type chat struct {
	t    *testing.T
	url  string
	addr string
	end  context.CancelFunc
	done chan error
}

func serveChat(t *testing.T) *chat {
	t.Helper()
	c := &chat{t: t, addr: "127.0.0.1:0"}
	c.start()
	t.Cleanup(c.stop)
	return c
}

func (c *chat) start() {
	c.t.Helper()
	var ctx context.Context
	ctx, c.end = context.WithCancel(context.Background())
	server, err := room.Listen(ctx, c.addr)
	if err != nil {
		c.t.Fatal(err)
	}
	c.addr = strings.Replace(strings.TrimPrefix(server.URL(), "http://"), "localhost", "127.0.0.1", 1)
	c.url = "ws://" + c.addr + "/ws"
	c.done = make(chan error, 1)
	go func() { c.done <- server.Serve(ctx) }()
}

func (c *chat) stop() {
	c.end()
	if err := <-c.done; err != nil {
		c.t.Error(err)
	}
}

// serveConfig runs a server of a configuration and returns its URL, path /ws.
func serveConfig(t *testing.T, config protoway.Config) string {
	t.Helper()
	server, err := protoway.New(config)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, listener, server) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "ws://" + listener.Addr().String() + "/ws"
}

// protoSocketServer is examples/protosocket, as it runs.
type protoSocketServer struct {
	URL    string            `json:"url"`
	Tokens map[string]string `json:"tokens"`
}

func serveProtoSocket(t *testing.T) protoSocketServer {
	t.Helper()
	program := filepath.Join(suite.dir, "protosocket")
	if _, err := os.Stat(program); err != nil {
		must(t, suite.root, "go", "build", "-o", program, "./examples/protosocket")
	}
	command := exec.Command(program, "-addr", "127.0.0.1:0")
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stderr = t.Output()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt)
		_, _ = io.Copy(io.Discard, stdout)
		if err := command.Wait(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	var s protoSocketServer
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var schemaOnce sync.Map // file by folder

// schemaFile is the set of a folder of protos, as buf builds it.
func schemaFile(t *testing.T, folder string) string {
	t.Helper()
	setBuf(t)
	name, known := schemaOnce.Load(folder)
	if !known {
		name = filepath.Join(suite.dir, strings.ReplaceAll(folder, "/", "-")+".binpb")
		must(t, suite.root, os.Getenv("BUF"), "build", folder, "-o", name.(string))
		schemaOnce.Store(folder, name)
	}
	return name.(string)
}
