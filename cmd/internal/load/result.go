package load

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Result is what was measured.
type Result struct {
	Scenario    string  `json:"scenario"`
	Dialect     string  `json:"dialect"`
	URL         string  `json:"url"`
	Connections int     `json:"connections"` // that were made
	InFlight    int     `json:"in_flight,omitempty"`
	Rate        float64 `json:"rate,omitempty"`
	Payload     int     `json:"payload_bytes,omitempty"`
	// Seconds is how long was measured, ConnectSeconds how long it took to connect.
	Seconds        float64 `json:"seconds"`
	ConnectSeconds float64 `json:"connect_seconds"`
	// Operations are the requests, deliveries or connections of the time measured.
	Unit       string  `json:"unit,omitempty"`
	Operations uint64  `json:"operations"`
	PerSecond  float64 `json:"per_second"`
	// Begun and Done are those of the whole run: they differ by what was lost.
	Begun   uint64            `json:"begun"`
	Done    uint64            `json:"done"`
	Latency *Latency          `json:"latency,omitempty"`
	Server  *Server           `json:"server,omitempty"`
	Errors  map[string]uint64 `json:"errors,omitempty"`
	// GeneratorCPU is the processor time of the generator per second of the time
	// measured. Near 1, it is the generator that was slow.
	GeneratorCPU float64 `json:"generator_cpu,omitempty"`
}

// Server is what the run did to the server. Fields of which nothing is known are 0.
type Server struct {
	PID int `json:"pid,omitempty"`
	// CPU is the processor time per second, CPUMicros that of one operation.
	CPU       float64 `json:"cpu"`
	CPUMicros float64 `json:"cpu_us_per_operation"`
	// Resident is the memory in RAM at the end.
	Resident uint64 `json:"resident_bytes,omitempty"`
	// ResidentEach and HeapEach are how many bytes came with one connection, in RAM
	// and in use by heap and stacks, after collections.
	ResidentEach float64 `json:"resident_bytes_per_connection,omitempty"`
	HeapEach     float64 `json:"heap_and_stack_bytes_per_connection,omitempty"`
	// GoroutinesEach is how many goroutines a connection has.
	GoroutinesEach float64 `json:"goroutines_per_connection,omitempty"`
	// Allocations is how many an operation took.
	Allocations float64 `json:"allocations_per_operation,omitempty"`
}

// Failures returns how many errors there were.
func (r *Result) Failures() uint64 {
	var n uint64
	for _, count := range r.Errors {
		n += count
	}
	return n
}

// Table returns the result for a person.
func (r *Result) Table() string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(w, name+"\t"+format+"\n", args...) }
	row("scenario", "%s, %s, %s", r.Scenario, r.Dialect, r.URL)
	row("connections", "%d in %.2f s", r.Connections, r.ConnectSeconds)
	if r.Unit != "" {
		row(r.Unit, "%d in %.2f s, %.0f/s", r.Operations, r.Seconds, r.PerSecond)
	}
	if l := r.Latency; l != nil {
		row("latency", "p50 %s, p90 %s, p99 %s, p99.9 %s, max %s, mean %s",
			micros(l.P50), micros(l.P90), micros(l.P99), micros(l.P999), micros(l.Max), micros(l.Mean))
	}
	if r.Server != nil {
		r.Server.rows(row, r.Unit != "")
	}
	if r.GeneratorCPU > 0 {
		row("generator", "%.0f %% of a processor", 100*r.GeneratorCPU)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Errors)) {
		row("error", "%d times: %s", r.Errors[name], name)
	}
	if len(r.Errors) == 0 {
		row("errors", "none")
	}
	_ = w.Flush() // into memory
	return text.String()
}

func (s *Server) rows(row func(name, format string, args ...any), operations bool) {
	if s.PID != 0 && operations {
		row("server", "%.0f %% of a processor, %.2f µs each, %.1f MB in RAM", 100*s.CPU, s.CPUMicros, float64(s.Resident)/1e6)
	}
	if s.ResidentEach > 0 {
		row("memory", "%.0f bytes in RAM for each connection", s.ResidentEach)
	}
	if s.HeapEach > 0 {
		row("heap", "%.0f bytes of heap and stack and %.2f goroutines for each connection", s.HeapEach, s.GoroutinesEach)
	}
	if s.Allocations > 0 {
		row("allocations", "%.2f each", s.Allocations)
	}
}

// micros shows microseconds with a unit that fits.
func micros(us float64) string {
	switch {
	case us < 1e3:
		return fmt.Sprintf("%.0f µs", us)
	case us < 1e6:
		return fmt.Sprintf("%.2f ms", us/1e3)
	default:
		return fmt.Sprintf("%.2f s", us/1e6)
	}
}
