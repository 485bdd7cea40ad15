package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// sample is what the server keeps at one moment, after collections.
type sample struct {
	Goroutines  int `json:"goroutines"`
	Descriptors int `json:"descriptors"`
	RSS         int `json:"rss"`  // bytes
	Heap        int `json:"heap"` // bytes that are allocated
}

// tolerance is by how much memory may grow.
const tolerance = 0.05

// look measures once.
func (c *child) look(ctx context.Context) (s sample, err error) {
	var gc struct {
		Goroutines int `json:"goroutines"`
		Heap       int `json:"heap_alloc"`
	}
	if err := c.ask(ctx, "/gc", &gc); err != nil {
		return s, err
	}
	s.Goroutines, s.Heap = gc.Goroutines, gc.Heap
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", c.PID))
	if err != nil {
		return s, err
	}
	s.Descriptors = len(files)
	s.RSS, err = resident(c.PID)
	return s, err
}

// resident returns the bytes in RAM of a process.
func resident(pid int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "VmRSS:"); found {
			kilobytes, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")))
			return kilobytes << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/status has no VmRSS", pid)
}

// settled measures until nothing falls any more: timers of what has ended run
// out, finalizers and the scavenger need a few collections. It returns the least
// of each.
func (c *child) settled(ctx context.Context) (least sample, err error) {
	const calm = 5 // looks in which nothing falls
	least, err = c.look(ctx)
	for i, deadline := 0, time.Now().Add(patience); err == nil && i < calm && time.Now().Before(deadline); i++ {
		pause(ctx, 300*time.Millisecond)
		var now sample
		if now, err = c.look(ctx); now.less(least) {
			i = 0
		}
		least = sample{
			min(least.Goroutines, now.Goroutines), min(least.Descriptors, now.Descriptors),
			min(least.RSS, now.RSS), min(least.Heap, now.Heap),
		}
	}
	return least, err
}

// less reports whether something is clearly less.
func (s sample) less(than sample) bool {
	return s.Goroutines < than.Goroutines || s.Descriptors < than.Descriptors ||
		float64(s.RSS) < 0.995*float64(than.RSS) || float64(s.Heap) < 0.995*float64(than.Heap)
}

// grown says in sentences what is more than before.
func (s sample) grown(before sample, memory bool) (all []string) {
	if s.Goroutines != before.Goroutines {
		all = append(all, fmt.Sprintf("server: %d goroutines instead of %d", s.Goroutines, before.Goroutines))
	}
	if s.Descriptors != before.Descriptors {
		all = append(all, fmt.Sprintf("server: %d descriptors instead of %d", s.Descriptors, before.Descriptors))
	}
	if !memory {
		return all
	}
	for _, m := range []struct {
		what          string
		before, after int
	}{{"RSS", before.RSS, s.RSS}, {"heap", before.Heap, s.Heap}} {
		if before, after := float64(m.before), float64(m.after); after > before*(1+tolerance) {
			all = append(all, fmt.Sprintf("server: the %s grew by %.1f %%, from %d to %d bytes", m.what, 100*(after/before-1), m.before, m.after))
		}
	}
	return all
}
