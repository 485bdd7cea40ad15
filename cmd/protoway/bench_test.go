package main

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/protoway/protoway/cmd/internal/load"
)

// startDemo runs the demo in a process of its own until the test ends, and
// returns the URL of its gateway.
func startDemo(t *testing.T) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), suite.binary, "demo", "--addr", "127.0.0.1:0")
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Wait() }) // ended by the context
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	port := regexp.MustCompile(`http://localhost:(\d+)`).FindStringSubmatch(line)
	if port == nil {
		t.Fatalf("the demo says %q", line)
	}
	return "ws://127.0.0.1:" + port[1] + "/ws"
}

// bench runs a measurement of the built program.
func bench(t *testing.T, args ...string) ran {
	t.Helper()
	args = append([]string{"bench"}, args...)
	args = append(args, "--warmup", "10ms", "--duration", "100ms")
	command := exec.CommandContext(t.Context(), suite.binary, args...)
	var out, stderr strings.Builder
	command.Stdout, command.Stderr = &out, &stderr
	code := exitCode(command.Run())
	return ran{code, out.String(), stderr.String()}
}

func TestBench(t *testing.T) {
	url := startDemo(t)
	join := `{"room":"tea","name":"Ada"}`
	say := `{"room":"tea","name":"Ada","text":"hi"}`
	for name, args := range map[string][]string{
		"ping":         {"request", url, "--connections", "3"},
		"echo":         {"request", url, "--connections", "3", "--payload", "50", "--in-flight", "2"},
		"echo as JSON": {"request", url, "--connections", "3", "--payload", "50", "--dialect", load.DialectJSON},
		"proto socket": {"request", url, "--connections", "3", "--payload", "50", "--dialect", load.DialectProtoSocket},
		"a body":       {"request", url, "--connections", "1", "--dialect", load.DialectJSON, "--type", "system.ping", "--body", `{"message":"x"}`},
		"a hex body":   {"request", url, "--connections", "1", "--type", "system.ping", "--body", "hex:0a0178"},
		"fanout": {
			"fanout", url, "--connections", "3", "--dialect", load.DialectJSON, "--join-type", "join-room", "--join-body", join,
			"--type", "say", "--body", say, "--event", "said",
		},
		"storm": {"storm", url, "--connections", "2", "--dialect", load.DialectJSON, "--join-type", "join-room", "--join-body", join, "--resume"},
	} {
		t.Run(name, func(t *testing.T) {
			r := bench(t, append(args, "--json")...)
			var result load.Result
			if err := json.Unmarshal([]byte(r.out), &result); err != nil || r.code != exitOK {
				t.Fatalf("exit %d, %v\n%s%s", r.code, err, r.out, r.err)
			}
			if result.Operations == 0 || result.Done > result.Begun || result.Latency == nil {
				t.Errorf("the result is %s", r.out)
			}
			if name != "storm" && result.Done != result.Begun {
				t.Errorf("%d of %d were done", result.Done, result.Begun)
			}
		})
	}
}

func TestBenchTable(t *testing.T) {
	r := bench(t, "request", startDemo(t), "--connections", "2")
	for _, part := range []string{"scenario ", "requests ", "latency ", "p99.9 ", "errors "} {
		if !strings.Contains(r.out, part) {
			t.Errorf("the table lacks %q:\n%s", part, r.out)
		}
	}
	if r.code != exitOK || !strings.Contains(r.err, "measuring for 100ms") {
		t.Errorf("exit %d, %q", r.code, r.err)
	}
}

func TestBenchFailures(t *testing.T) {
	r := bench(t, "request", startDemo(t), "--connections", "1", "--type", "nothing")
	if r.code != exitFailed || !strings.Contains(r.out, "refused: unimplemented") || !strings.Contains(r.err, "errors, so the figures") {
		t.Errorf("refused: exit %d\n%s%s", r.code, r.out, r.err)
	}
	r = bench(t, "idle", "ws://127.0.0.1:1/ws", "--connections", "1")
	if r.code != exitFailed || !strings.Contains(r.err, "no connection could be made") {
		t.Errorf("nobody there: exit %d\n%s", r.code, r.err)
	}
}

func TestBenchUsage(t *testing.T) {
	for want, args := range map[string][]string{
		"URL is missing":                  {"bench", "request"},
		`the dialect "x" is not known`:    {"bench", "request", "ws://h/ws", "--dialect", "x"},
		"the type of its publish message": {"bench", "fanout", "ws://h/ws"},
		"speaks serialized messages":      {"bench", "request", "ws://h/ws", "--type", "say", "--body", "{}"},
		"has no type":                     {"bench", "request", "ws://h/ws", "--body", "{}"},
		"must not be 0":                   {"bench", "idle", "ws://h/ws", "--connections", "0"},
		"no such file":                    {"bench", "idle", "ws://h/ws", "--tokens", filepath.Join(t.TempDir(), "none")},
		`there is no command "x"`:         {"bench", "x"},
	} {
		r := cli(t, args...)
		if r.code != exitUsage || !strings.Contains(r.err, want) {
			t.Errorf("%v: exit %d, want %q in %q", args, r.code, want, r.err)
		}
	}
}
