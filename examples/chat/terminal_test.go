package main

import (
	"bufio"
	"context"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// terminal is the command protoway, as people use it beside the chat.
type terminal struct{ program, url string }

const tea = `{"room":"tea","name":"Ada"}`

// open builds the command and starts the chat.
func open(t *testing.T) (terminal, *program) {
	t.Helper()
	server := start(t, "127.0.0.1:0")
	built := filepath.Join(t.TempDir(), "protoway")
	if out, err := exec.Command("go", "build", "-o", built, root+"/cmd/protoway").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return terminal{built, "ws://" + server.addr + "/ws"}, server
}

// listen returns what is said in the room, once so many messages came.
func (c terminal) listen(t *testing.T, count string) (heard func() string) {
	t.Helper()
	listening := c.command(t, "listen", c.url, "--send", "join-room="+tea, "--type", "said", "--count", count, "--for", patience.String())
	out := new(strings.Builder)
	listening.Stdout = out
	await(t, listening.StderrPipe, listening, "listening")
	return func() string {
		t.Helper()
		if err := listening.Wait(); err != nil {
			t.Errorf("protoway listen: %v", err)
		}
		return out.String()
	}
}

func (c terminal) say(t *testing.T, text string) {
	t.Helper()
	say := c.command(t, "send", c.url, "say", `{"room":"tea","name":"Ada","text":"`+text+`"}`, "--first", "join-room="+tea)
	if out, err := say.CombinedOutput(); err != nil {
		t.Fatalf("protoway send: %v\n%s", err, out)
	}
}

func (c terminal) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, c.program, args...)
}

// await starts a program and waits until it prints a line. It returns the lines
// that follow, and closes them at their end.
func await(t *testing.T, pipe func() (io.ReadCloser, error), command *exec.Cmd, line string) <-chan string {
	t.Helper()
	output, err := pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var before []string
	scanner := bufio.NewScanner(output)
	for scanner.Scan() && scanner.Text() != line {
		before = append(before, scanner.Text())
	}
	if scanner.Text() != line {
		t.Fatalf("%s does not print %q but %q: %v", command, line, before, command.Wait())
	}
	rest := make(chan string, 100)
	go func() {
		defer close(rest)
		for scanner.Scan() {
			rest <- scanner.Text()
		}
	}()
	return rest
}

// bareWebSocket starts ws.js, which joins the room and leaves it after it has
// answered. seen fails unless it printed a line until then.
func (c terminal) bareWebSocket(t *testing.T) (seen func(line string)) {
	t.Helper()
	needs(t, "e2e/node_modules/ws", "the package ws is not installed: run 'npm ci' in examples/chat/e2e")
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	node := exec.CommandContext(ctx, "node", "ws.js", c.url)
	node.Dir = "e2e"
	lines := await(t, node.StdoutPipe, node, "joined")
	return func(want string) {
		t.Helper()
		var all []string
		for line := range lines {
			all = append(all, line)
		}
		if err := node.Wait(); err != nil {
			t.Errorf("ws.js: %v", err)
		}
		if !slices.Contains(all, want) {
			t.Errorf("ws.js saw %q, not %q", all, want)
		}
	}
}

// A program with a bare WebSocket and the command talk to each other.
func TestTerminalAndWebSocket(t *testing.T) {
	c, _ := open(t)
	seen := c.bareWebSocket(t)
	heard := c.listen(t, "2")
	c.say(t, "hello Node")
	seen("Ada: hello Node")
	out := heard()
	for _, want := range []string{`"name":"Ada","text":"hello Node"`, `"name":"Node","text":"I heard hello Node"`} {
		if !strings.Contains(out, want) {
			t.Errorf("protoway listen did not print %s but %q", want, out)
		}
	}
}

// The command, and a program with a bare WebSocket, see what is said in a tab of a
// browser.
func TestTerminalAndBrowser(t *testing.T) {
	c, server := open(t)
	seen := c.bareWebSocket(t)
	heard := c.listen(t, "1")
	drive(t, "say.js", "http://"+server.addr, "Bob", "tea", "hello terminal")
	seen("Bob: hello terminal")
	if out := heard(); !strings.Contains(out, `said  room:tea  {"room":"tea","name":"Bob","text":"hello terminal",`) {
		t.Errorf("protoway listen printed %q", out)
	}
}
