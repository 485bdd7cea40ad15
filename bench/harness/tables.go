package main

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// table is a figure of all servers in some scenarios.
type table struct {
	title  string
	about  string
	names  []string // of the scenarios
	heads  []string // of their columns
	figure figure
	digits int
	plot   string // name of the file; empty: there is none
	unit   string
}

// tables are all tables, in their order.
func tables() []table {
	fanouts, fanoutHeads := fanoutColumns()
	return []table{
		{
			title: "Memory of an idle connection", plot: "memory.svg", unit: "bytes", figure: resident,
			about: "Bytes in RAM that came with each connection, after two collections, by the number of connections. Each has joined one group.",
			names: []string{"idle-1000", "idle-10000", "idle-19000"}, heads: []string{"1,000", "10,000", "19,000"},
		},
		{
			title: "Processor time of a request", plot: "request.svg", unit: "µs", figure: cpuMicros, digits: 2,
			about: "Microseconds of the server for an echo of 128 bytes, by the number of connections: one in flight on each, or 16.",
			names: []string{"request-64", "request-512", "request-64-w16"}, heads: []string{"64", "512", "64 w16"},
		},
		{
			title: "Processor time of a delivery", plot: "delivery.svg", unit: "µs", figure: cpuMicros, digits: 2,
			about: "Microseconds of the server for a publication of 128 bytes to one member, by the members of the group: one publication in flight (w1), 16 (w16), and 20,000 deliveries a second (paced).",
			names: fanouts, heads: fanoutHeads,
		},
		{
			title: "Processor time of a connection", plot: "connect.svg", unit: "µs", figure: cpuMicros, digits: 1,
			about: "Microseconds of the server to accept a connection and see it go. The gateway takes a token, which clients that come back have shown before, and greets; the others do neither.",
			names: []string{"storm"}, heads: []string{"connect"},
		},
		{
			title: "Latency of a request, median", figure: quantile(p50), unit: "µs",
			about: "Microseconds, as fast as the server can, by the number of connections.",
			names: []string{"request-64", "request-512"}, heads: []string{"64", "512"},
		},
		{
			title: "Latency of a request, 99 %", figure: quantile(p99), unit: "µs",
			about: "Microseconds, as fast as the server can, by the number of connections.",
			names: []string{"request-64", "request-512"}, heads: []string{"64", "512"},
		},
		{
			title: "Allocations", figure: allocations, digits: 2, unit: "",
			about: "Allocations of the server for a request and for a delivery.",
			names: []string{"request-64", "fanout-1000-w1", "fanout-1000-w16"}, heads: []string{"request", "delivery w1", "delivery w16"},
		},
	}
}

func fanoutColumns() (names, heads []string) {
	for _, n := range []int{100, 1_000, 10_000} {
		for _, way := range []string{"w1", "paced", "w16"} {
			names = append(names, fmt.Sprintf("fanout-%d-%s", n, way))
			heads = append(heads, thousands(float64(n), 0)+" "+way)
		}
	}
	return names, heads
}

// markdown shows all tables. The plots are linked in a folder, unless it is
// empty.
func (f *file) markdown(plots string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "Measured %s on %s. %s. In parentheses: the ratio to %s in the same round, the median of %s, and how far apart the rounds were.\n",
		f.Date, f.Machine, pinning, reference, roundsText(f.Rounds))
	for _, t := range tables() {
		body := f.table(t)
		if body == "" {
			continue
		}
		fmt.Fprintf(&text, "\n### %s\n\n%s\n\n%s", t.title, t.about, body)
		if plots != "" && t.plot != "" {
			fmt.Fprintf(&text, "\n![%s](%s)\n", t.title, path.Join(plots, t.plot))
		}
	}
	return text.String()
}

const pinning = "The server had one processor and the generator another one; loopback, no TLS, no compression"

func roundsText(n int) string {
	if n == 1 {
		return "one round"
	}
	return fmt.Sprintf("%d rounds", n)
}

// columns returns the places of the columns of a table that were measured.
func (f *file) columns(t table) (at []int) {
	for i, name := range t.names {
		if len(f.has([]string{name}, func(r record) string { return r.Scenario })) > 0 {
			at = append(at, i)
		}
	}
	return at
}

// rows returns the servers that were measured.
func (f *file) rows() []string {
	return f.has(serverNames(), func(r record) string { return r.Server })
}

// table shows one table; empty if nothing of it was measured.
func (f *file) table(t table) string {
	columns := f.columns(t)
	if len(columns) == 0 {
		return ""
	}
	var text strings.Builder
	text.WriteString("| server |")
	for _, i := range columns {
		text.WriteString(" " + t.heads[i] + " |")
	}
	text.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
	for _, server := range f.rows() {
		text.WriteString("| " + server + " |")
		for _, i := range columns {
			text.WriteString(" " + f.cell(server, t.names[i], t) + " |")
		}
		text.WriteString("\n")
	}
	return text.String()
}

func (f *file) cell(server, scenario string, t table) string {
	value := f.of(server, scenario, t.figure)
	if value.count == 0 {
		return "–"
	}
	text := thousands(value.median, t.digits)
	ratio := f.ratio(server, scenario, t.figure)
	if ratio.count == 0 {
		return text
	}
	if server == reference || ratio.count == 1 {
		return fmt.Sprintf("%s (%.2f)", text, ratio.median)
	}
	return fmt.Sprintf("%s (%.2f ± %.0f %%)", text, ratio.median, 50*ratio.spread)
}

// thousands writes a number with commas.
func thousands(v float64, digits int) string {
	text := strconv.FormatFloat(v, 'f', digits, 64)
	whole, fraction, _ := strings.Cut(text, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return sign + whole
}
