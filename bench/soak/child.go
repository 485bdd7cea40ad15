package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// child is the server, in a process of its own.
type child struct {
	command *exec.Cmd
	log     *syncBuffer
	http    *http.Client
	ready
}

// syncBuffer keeps what the server logs.
type syncBuffer struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

// Write takes a part of the log.
func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns all of it.
func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// start starts the server: this program, asked to serve.
func start(ctx context.Context, o options) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{log: &syncBuffer{}}
	// A connection for each question, so that none stays open and counts.
	c.http = &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	c.command = exec.CommandContext(ctx, program, "serve", "-mode", o.mode, "-stretch="+strconv.FormatBool(!o.brief)) //nolint:gosec // itself
	c.command.Stderr = c.log
	c.command.WaitDelay = patience
	out, err := c.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.command.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &c.ready)
	}
	if err != nil {
		_ = c.stop() // the error says why
		return nil, fmt.Errorf("the server does not start: %w %s", err, c.log)
	}
	return c, nil
}

// stop ends the server. The error says if it had ended by itself.
func (c *child) stop() error {
	signaled := c.command.Process.Signal(syscall.SIGTERM)
	return errors.Join(signaled, c.command.Wait())
}

// get gets a page of the server.
func (c *child) get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Addr+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("the server does not answer: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	return io.ReadAll(response.Body)
}

// ask gets a page of the server as JSON.
func (c *child) ask(ctx context.Context, path string, into any) error {
	body, err := c.get(ctx, path)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

// profile writes what the heap consists of to a file.
func (c *child) profile(ctx context.Context, file string) error {
	body, err := c.get(ctx, "/heap")
	if err != nil {
		return err
	}
	return os.WriteFile(file, body, 0o600)
}

// idle waits until the server has no connection and nothing to do; thoroughly:
// also no key to remember, and no look at what has ended.
func (c *child) idle(ctx context.Context, thoroughly bool) (now state, err error) {
	for deadline := time.Now().Add(keyWindow + 2*patience); ; {
		if err := c.ask(ctx, "/state", &now); err != nil {
			return now, err
		}
		if now.Connections == 0 && now.Busy == 0 && (now.Keys == 0 || !thoroughly) {
			if thoroughly {
				pause(ctx, max(handshake, writeTimeout)+time.Second)
			}
			return now, nil
		}
		if time.Now().After(deadline) || !pause(ctx, 100*time.Millisecond) {
			stacks, _ := c.get(ctx, "/goroutine?debug=1") // empty if the server does not answer
			return now, fmt.Errorf("the server still has %d connections, %d lanes that run and %d keys\n%s",
				now.Connections, now.Busy, now.Keys, stacks)
		}
	}
}

// panics returns the lines of the log that tell of one.
func (c *child) panics() (lines []string) {
	for line := range strings.Lines(c.log.String()) {
		if strings.Contains(line, "panic") || strings.Contains(line, "level=ERROR") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}
