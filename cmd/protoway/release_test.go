package main

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// released builds the program as it is released, once, and returns its path.
var released = sync.OnceValues(func() (string, error) {
	path := filepath.Join(suite.dir, "released")
	command := exec.Command("go", "build", "-ldflags=-s -w", "-trimpath", "-o", path, ".")
	command.Dir = filepath.Join(suite.root, "cmd/protoway")
	command.Stderr = os.Stderr
	return path, command.Run()
})

func release(t testing.TB) string {
	t.Helper()
	path, err := released()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// maxSize is what the program may have as it is released, in bytes. Method look-up
// by reflection would come near it: the linker keeps all that is exported then.
const maxSize = 30_000_000

func TestSizeOfTheProgram(t *testing.T) {
	info, err := os.Stat(release(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f MB", float64(info.Size())/1e6)
	if info.Size() >= maxSize {
		t.Errorf("the program has %d bytes, the bound is %d: see what it links with 'go tool nm -size -sort size'", info.Size(), maxSize)
	}
}

// What all packages together may allocate before main, which is done at every
// start. It is about a third above what they do.
const (
	maxInitAllocs = 8_000
	maxInitBytes  = 1_150_000
)

// TestAllocInit is the gate of the start: its time would be no gate, but what is
// done before main can be counted.
func TestAllocInit(t *testing.T) {
	command := exec.CommandContext(t.Context(), release(t), "version")
	command.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	trace := new(strings.Builder)
	command.Stderr = trace
	if err := command.Run(); err != nil {
		t.Fatal(err)
	}
	packages, allocs, bytes := 0, 0, 0
	for line := range strings.Lines(trace.String()) { // init time @0.16 ms, 0.003 ms clock, 184 bytes, 8 allocs
		fields := strings.Fields(line)
		if len(fields) != 11 || fields[0] != "init" {
			continue
		}
		packages++
		bytes += number(t, fields[7])
		allocs += number(t, fields[9])
	}
	t.Logf("%d packages allocate %d bytes in %d pieces", packages, bytes, allocs)
	if packages == 0 || allocs > maxInitAllocs || bytes > maxInitBytes {
		t.Errorf("%d packages allocate %d bytes in %d pieces before main, the bounds are %d and %d:\n%s",
			packages, bytes, allocs, maxInitBytes, maxInitAllocs, trace)
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// BenchmarkStartup measures from the start of the process to the first answer of
// /healthz.
func BenchmarkStartup(b *testing.B) {
	program := release(b)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var took time.Duration
	for b.Loop() {
		took += startup(b, program, client)
	}
	b.ReportMetric(took.Seconds()*1000/float64(b.N), "ms/start")
}

func startup(b *testing.B, program string, client *http.Client) time.Duration {
	b.Helper()
	command := exec.CommandContext(b.Context(), program, "demo", "--addr", "127.0.0.1:0")
	stdout, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	found := ready.FindStringSubmatch(line)
	if found == nil {
		b.Fatalf("the demo says %q", line)
	}
	response, err := client.Get(strings.Replace(found[1], "localhost", "127.0.0.1", 1) + "/healthz")
	if err != nil {
		b.Fatal(err)
	}
	took := time.Since(began)
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		b.Errorf("/healthz answers %s", response.Status)
	}
	_ = command.Process.Kill()
	_ = command.Wait() // it was killed
	return took
}
