package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

// file is what was measured, as it is kept.
type file struct {
	Date    string   `json:"date"`
	Machine string   `json:"machine"`
	Rounds  int      `json:"rounds"`
	Runs    []record `json:"runs"`
}

// record is one measurement.
type record struct {
	Server   string `json:"server"`
	Scenario string `json:"scenario"`
	Round    int    `json:"round"`
	Result   result `json:"result"`
}

// result is what protoway bench --json prints.
type result struct {
	Connections int               `json:"connections"`
	Unit        string            `json:"unit,omitempty"`
	Seconds     float64           `json:"seconds"`
	Operations  uint64            `json:"operations"`
	PerSecond   float64           `json:"per_second"`
	Begun       uint64            `json:"begun"`
	Done        uint64            `json:"done"`
	Latency     *latency          `json:"latency,omitempty"`
	Server      *use              `json:"server,omitempty"`
	Errors      map[string]uint64 `json:"errors,omitempty"`
	Generator   float64           `json:"generator_cpu,omitempty"`
}

type latency struct {
	P50  float64 `json:"p50_us"`
	P90  float64 `json:"p90_us"`
	P99  float64 `json:"p99_us"`
	P999 float64 `json:"p99_9_us"`
	Max  float64 `json:"max_us"`
}

type use struct {
	CPU            float64 `json:"cpu"`
	CPUMicros      float64 `json:"cpu_us_per_operation"`
	Resident       uint64  `json:"resident_bytes"`
	ResidentEach   float64 `json:"resident_bytes_per_connection"`
	HeapEach       float64 `json:"heap_and_stack_bytes_per_connection"`
	GoroutinesEach float64 `json:"goroutines_per_connection"`
	Allocations    float64 `json:"allocations_per_operation"`
}

func readFile(name string) (*file, error) {
	text, err := os.ReadFile(name) //nolint:gosec // whoever runs it says which
	if err != nil {
		return nil, err
	}
	f := &file{}
	if err := json.Unmarshal(text, f); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// write writes the file as a whole: it is there before or after.
func (f *file) write(name string) error {
	text, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(name+".new", append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// figure takes a number out of a result; ok is false if it has none.
type figure func(r *result) (value float64, ok bool)

func cpuMicros(r *result) (float64, bool) { return r.Server.CPUMicros, r.Operations > 0 }
func resident(r *result) (float64, bool)  { return r.Server.ResidentEach, true }
func allocations(r *result) (float64, bool) {
	return r.Server.Allocations, r.Operations > 0
}

func quantile(of func(*latency) float64) figure {
	return func(r *result) (float64, bool) {
		if r.Latency == nil {
			return 0, false
		}
		return of(r.Latency), true
	}
}

func p50(l *latency) float64 { return l.P50 }
func p99(l *latency) float64 { return l.P99 }

// values returns a figure of a server in a scenario, by round.
func (f *file) values(server, scenario string, of figure) map[int]float64 {
	found := map[int]float64{}
	for i := range f.Runs {
		r := &f.Runs[i]
		if r.Server != server || r.Scenario != scenario || r.Result.Server == nil {
			continue
		}
		if v, ok := of(&r.Result); ok {
			found[r.Round] = v
		}
	}
	return found
}

// summary is the median of some values, and how far they are apart.
type summary struct {
	median float64
	spread float64 // largest less smallest, as a share of the median
	count  int
}

func summarize(values []float64) summary {
	if len(values) == 0 {
		return summary{}
	}
	slices.Sort(values)
	n := len(values)
	s := summary{median: (values[(n-1)/2] + values[n/2]) / 2, count: n}
	if s.median > 0 {
		s.spread = (values[n-1] - values[0]) / s.median
	}
	return s
}

// of summarizes a figure of a server in a scenario.
func (f *file) of(server, scenario string, of figure) summary {
	var values []float64
	for _, v := range f.values(server, scenario, of) {
		values = append(values, v)
	}
	return summarize(values)
}

// ratio summarizes a figure of a server divided by that of the reference in the
// same round.
func (f *file) ratio(server, scenario string, of figure) summary {
	base := f.values(reference, scenario, of)
	var values []float64
	for round, v := range f.values(server, scenario, of) {
		if b := base[round]; b > 0 {
			values = append(values, v/b)
		}
	}
	return summarize(values)
}

// has returns which of some names have runs, in their order.
func (f *file) has(names []string, of func(record) string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return !slices.ContainsFunc(f.Runs, func(r record) bool { return of(r) == name })
	})
}
