package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/protoway/protoway/bench/servers/probe"
)

const (
	// longest is how long one measurement may take at most.
	longest = 5 * time.Minute
	// serverCore and loadCore are the processors of the server and of the generator.
	serverCore, loadCore = "0", "1"
	// users is how many tokens there are: one for each connection.
	users = 20_000
)

// folders say where the programs are.
type folders struct {
	servers   string // and what they write
	generator string // the program itself
}

// build builds the servers into a folder. The working folder is that of the
// module.
func build(ctx context.Context, dir string, list []server) error {
	built := map[string]bool{}
	for _, s := range list {
		if built[s.pkg] {
			continue
		}
		built[s.pkg] = true
		if err := buildOne(ctx, ".", s.pkg, filepath.Join(dir, filepath.Base(s.pkg))); err != nil {
			return err
		}
	}
	return nil
}

// buildGenerator builds the generator into a folder and returns its name.
func buildGenerator(ctx context.Context, dir string) (string, error) {
	name := filepath.Join(dir, "protoway")
	return name, buildOne(ctx, "..", "./cmd/protoway", name)
}

func buildOne(ctx context.Context, module, pkg, name string) error {
	command := exec.CommandContext(ctx, "go", "build", "-o", name, pkg) //nolint:gosec // packages of this project
	command.Dir = module
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// pinned returns a command that stays on one processor, if that can be had.
func pinned(ctx context.Context, core, name string, args ...string) *exec.Cmd {
	if _, err := exec.LookPath("taskset"); err != nil || runtime.NumCPU() < 2 {
		return exec.CommandContext(ctx, name, args...) //nolint:gosec // what was built here
	}
	return exec.CommandContext(ctx, "taskset", append([]string{"-c", core, name}, args...)...) //nolint:gosec // likewise
}

// running is a server that runs.
type running struct {
	command *exec.Cmd
	stderr  *bytes.Buffer
	probe.Info
}

// start starts a server and waits for the line that says where it is.
func start(ctx context.Context, dir string, s server) (*running, error) {
	args := s.args
	if s.users {
		args = append(args, "-users", strconv.Itoa(users), "-tokens", filepath.Join(dir, "tokens"))
	}
	r := &running{command: pinned(ctx, serverCore, filepath.Join(dir, filepath.Base(s.pkg)), args...), stderr: &bytes.Buffer{}}
	r.command.Stderr = r.stderr
	r.command.Cancel = func() error { return r.command.Process.Signal(syscall.SIGTERM) }
	r.command.WaitDelay = 10 * time.Second
	out, err := r.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := r.command.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &r.Info)
	}
	if err != nil {
		return nil, fmt.Errorf("the server does not start: %s", strings.TrimSpace(errors.Join(r.stop(), err).Error()+" "+r.stderr.String()))
	}
	return r, nil
}

// stop ends a server.
func (r *running) stop() error {
	_ = r.command.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	err := r.command.Wait()
	if errors.As(err, new(*exec.ExitError)) {
		return nil
	}
	return err
}

// measureOne measures one scenario on one server, which is started for it.
func measureOne(ctx context.Context, where folders, s server, sc scenario) (*result, error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	r, err := start(ctx, where.servers, s)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.stop() }() // it was measured
	args := append([]string{"bench", sc.args[0], r.URL}, sc.args[1:]...)
	args = append(args, "--json", "--script", "bench", "--pid", strconv.Itoa(r.PID), "--gc", r.GC)
	if s.users {
		args = append(args, "--tokens", r.Tokens)
	} else {
		args = append(args, "--dialect", "opcode")
	}
	command := pinned(ctx, loadCore, where.generator, args...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s %s", err, lastLine(stderr.String()), firstErrors(out))
	}
	found := &result{}
	return found, json.Unmarshal(out, found)
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// firstErrors shows the errors of a result that was printed nevertheless.
func firstErrors(out []byte) string {
	var found result
	if json.Unmarshal(out, &found) != nil || len(found.Errors) == 0 {
		return ""
	}
	return fmt.Sprint(found.Errors)
}

// machine tells where it was measured.
func machine(ctx context.Context) string {
	kernel, _ := exec.CommandContext(ctx, "uname", "-sr").Output() // left out if there is none
	model := "processor not known"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%d × %s, %s, %s", runtime.NumCPU(), model, strings.TrimSpace(string(kernel)), runtime.Version())
}
