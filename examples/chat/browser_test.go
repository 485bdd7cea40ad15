package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

const (
	chromium = "/usr/bin/chromium"
	// patience is how long a test waits for what must come.
	patience = 20 * time.Second
	// asProgram makes the test binary the program: a real process, with real signals.
	asProgram = "CHAT_AS_PROGRAM"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// The whole way, from key press to key press, through a restart of the server.
// What the tabs do is in e2e/chat.js.
func TestBrowser(t *testing.T) {
	p := start(t, "127.0.0.1:0")
	control := httptest.NewServer(p.control())
	defer control.Close()
	drive(t, "chat.js", "http://"+p.addr, control.URL, screenshots(t))
}

// drive runs a script of e2e that drives the browser, and returns what it printed.
func drive(t *testing.T, script string, args ...string) string {
	t.Helper()
	needs(t, chromium, "chromium is not installed: run 'make tools-browser'")
	needs(t, "e2e/node_modules/playwright-core", "the browser's driver is not installed: run 'npm ci' in examples/chat/e2e")
	if _, err := exec.LookPath("node"); err != nil {
		t.Fatal("node is not installed: install Node 20 or newer, with npm")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "node", append([]string{script, chromium}, args...)...)
	command.Dir = "e2e"
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) } // so that it ends the browser
	command.WaitDelay = patience
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

func needs(t *testing.T, path, otherwise string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Fatal(otherwise)
	}
}

// screenshots is the folder for pictures of the page: SCREENSHOTS, if it is set.
func screenshots(t *testing.T) string {
	t.Helper()
	if folder := os.Getenv("SCREENSHOTS"); folder != "" {
		return folder
	}
	return t.TempDir()
}

// program is the chat server as a process of its own.
type program struct {
	addr    string
	flags   []string
	command *exec.Cmd
	stderr  *bytes.Buffer
}

// start starts the program and waits until it says that it is ready. It ends
// with the test.
func start(t *testing.T, addr string, flags ...string) *program {
	t.Helper()
	p := &program{addr: addr, flags: flags}
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

var ready = regexp.MustCompile(`open http://localhost:(\d+) `)

func (p *program) start() error {
	p.stderr = &bytes.Buffer{}
	p.command = exec.Command(os.Args[0], append([]string{"-addr", p.addr}, p.flags...)...)
	p.command.Env = append(os.Environ(), asProgram+"=1")
	p.command.Stderr = p.stderr
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.command.Start(); err != nil {
		return err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if said := ready.FindStringSubmatch(line); said != nil {
		p.addr = "127.0.0.1:" + said[1]
		return nil
	}
	if err == nil {
		_ = p.command.Process.Kill() // it would not end by itself
	}
	return fmt.Errorf("the program said %q and ended with %w: %s", line, p.command.Wait(), p.stderr)
}

// stop ends the program as a supervisor does. It does nothing if it has ended.
func (p *program) stop() error {
	if p.command.ProcessState != nil {
		return nil
	}
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if err := p.command.Wait(); err != nil {
		return fmt.Errorf("the program ended with %w: %s", err, p.stderr)
	}
	return nil
}

// control lets the browser's driver stop and start the program.
func (p *program) control() http.Handler {
	mux := http.NewServeMux()
	for path, do := range map[string]func() error{
		"POST /stop":  p.stop,
		"POST /start": p.start,
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			if err := do(); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
	}
	return mux
}

func TestPortIsTaken(t *testing.T) {
	first := start(t, "127.0.0.1:0")
	second := &program{addr: first.addr}
	err := second.start()
	if err == nil {
		t.Fatal("two programs listen on one port")
	}
	for _, want := range []string{first.addr, "already in use", "-addr"} {
		if !bytes.Contains(second.stderr.Bytes(), []byte(want)) {
			t.Errorf("the program does not say %q: %s", want, second.stderr)
		}
	}
	if code := second.command.ProcessState.ExitCode(); code != 1 {
		t.Errorf("the exit code is %d", code)
	}
}
