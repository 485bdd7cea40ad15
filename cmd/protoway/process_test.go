package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"testing"
)

var ready = regexp.MustCompile(`open (http://\S+) `)

// interruptWhenReady runs a server until it has said where it is and do is done,
// interrupts it, and returns how it ended.
func interruptWhenReady(t *testing.T, command *exec.Cmd, do func(url string)) error {
	t.Helper()
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr := new(bytes.Buffer)
	command.Stderr = stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	found := ready.FindStringSubmatch(line)
	if found == nil {
		_ = command.Process.Kill()
		t.Fatalf("the server says %q: %v\n%s", line, command.Wait(), stderr)
	}
	do(found[1])
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	return command.Wait()
}
