package load

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is the unit of the times in /proc: 100 on every Linux that Go
// runs on.
const ticksPerSecond = 100

// cpuTime returns the processor time of a process so far, its own and the
// system's for it.
func cpuTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, fmt.Errorf("the processor time of process %d cannot be read: %w", pid, err)
	}
	// The name is in parentheses and may hold anything. Behind it the 12th and the
	// 13th field are the times, see proc_pid_stat(5).
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("the processor time of process %d cannot be read: %q", pid, text)
	}
	var ticks uint64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / ticksPerSecond), nil //nolint:gosec // centuries
}

// residentBytes returns how much memory of a process is in RAM.
func residentBytes(pid int) (uint64, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0, fmt.Errorf("the memory of process %d cannot be read: %w", pid, err)
	}
	var size, resident uint64
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		return 0, err
	}
	return resident * uint64(os.Getpagesize()), nil //nolint:gosec // a page has a size
}

// Heap is what a server says about itself after it has collected its garbage.
type Heap struct {
	Goroutines uint64 `json:"goroutines"`
	HeapInuse  uint64 `json:"heap_inuse"`
	StackInuse uint64 `json:"stack_inuse"`
	Mallocs    uint64 `json:"mallocs"`
}

// collect asks a server to collect its garbage.
func collect(ctx context.Context, url string) (*Heap, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Close = true // leaves no connection behind that the server would count
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	heap := &Heap{}
	if err := json.NewDecoder(response.Body).Decode(heap); err != nil || response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s does not tell what is left after a collection: %s", url, response.Status)
	}
	return heap, nil
}

// sample is how a server stands at one moment.
type sample struct {
	cpu      time.Duration
	resident uint64
	heap     *Heap
}

// sampleOf looks at the server. Garbage is collected first, if it can be.
func sampleOf(ctx context.Context, c *Config) (s sample, err error) {
	if c.GC != "" {
		if s.heap, err = collect(ctx, c.GC); err != nil {
			return s, err
		}
	}
	if c.PID == 0 {
		return s, nil
	}
	if s.cpu, err = cpuTime(c.PID); err != nil {
		return s, err
	}
	s.resident, err = residentBytes(c.PID)
	return s, err
}
