package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// fixture are three rounds in which the gateway takes half of what gws takes, on
// a machine that is slower each round.
func fixture() *file {
	f := &file{Date: "2026-01-02", Machine: "a machine", Rounds: 3}
	add := func(server, scenario string, round int, micros, bytes float64) {
		f.Runs = append(f.Runs, record{server, scenario, round, result{
			Operations: 1000, Latency: &latency{P50: 10 * micros, P99: 100 * micros},
			Server: &use{CPUMicros: micros, ResidentEach: bytes, Allocations: 2},
		}})
	}
	for round, slow := range []float64{1, 2, 4} {
		add("gws", "request-64", round, 8*slow, 0)
		add("gateway-goroutine", "request-64", round, 4*slow, 0)
		add("gws", "idle-10000", round, 0, 12_000)
		add("gateway-goroutine", "idle-10000", round, 0, 3_000+slow)
	}
	return f
}

func TestTablesOfAFixture(t *testing.T) {
	name := filepath.Join(t.TempDir(), "out.json")
	if err := fixture().write(name); err != nil {
		t.Fatal(err)
	}
	f, err := readFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text := f.markdown("performance")
	for _, part := range []string{
		"Measured 2026-01-02 on a machine.",
		"| server | 64 |\n|---|---|\n| gateway-goroutine | 8.00 (0.50 ± 0 %) |\n| gws | 16.00 (1.00) |\n",
		"| server | 10,000 |\n|---|---|\n| gateway-goroutine | 3,002 (0.25 ± 0 %) |\n| gws | 12,000 (1.00) |\n",
		"![Memory of an idle connection](performance/memory.svg)",
		"| gateway-goroutine | 80 (0.50 ± 0 %) |", "| gws | 1,600 (1.00) |",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("the tables lack %q", part)
		}
	}
	for _, absent := range []string{"gorilla", "512", "Processor time of a delivery"} {
		if strings.Contains(text, absent) {
			t.Errorf("the tables have %q, which was not measured", absent)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestDocument(t *testing.T) {
	name := filepath.Join(t.TempDir(), "performance.md")
	if err := os.WriteFile(name, []byte("# Before\n"+beginMarker+"\nold\n"+endMarker+"\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time changes nothing
		if err := fixture().writeDocument(name); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got := string(text)
		if !strings.HasPrefix(got, "# Before\n"+beginMarker+"\n\nMeasured") || !strings.HasSuffix(got, "\n\n"+endMarker+"\nafter\n") || strings.Contains(got, "old") {
			t.Errorf("the document is\n%s", got)
		}
	}
	for _, plot := range []string{"memory.svg", "request.svg"} {
		checkXML(t, filepath.Join(filepath.Dir(name), "performance", plot))
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(name), "performance", "delivery.svg")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a plot of nothing: %v", err)
	}
	if err := os.WriteFile(name, []byte("# No markers\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := fixture().writeDocument(name); err == nil || !strings.Contains(err.Error(), beginMarker) {
		t.Errorf("without markers: %v", err)
	}
}

func checkXML(t *testing.T, name string) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rects := 0
	for d := xml.NewDecoder(file); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
			rects++
		}
	}
	if rects != 3 { // the background and two bars
		t.Errorf("%s has %d rectangles", name, rects)
	}
}

func TestSummaries(t *testing.T) {
	for _, c := range []struct {
		values         []float64
		median, spread float64
	}{{nil, 0, 0}, {[]float64{3}, 3, 0}, {[]float64{4, 2}, 3, 2.0 / 3}, {[]float64{5, 1, 2}, 2, 2}} {
		if s := summarize(c.values); s.median != c.median || math.Abs(s.spread-c.spread) > 1e-9 || s.count != len(c.values) {
			t.Errorf("%v: %+v", c.values, s)
		}
	}
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := thousands(v, 0); got != want {
			t.Errorf("%v: %s", v, got)
		}
	}
	if got := thousands(1234.567, 2); got != "1,234.57" {
		t.Error(got)
	}
}

func TestPlans(t *testing.T) {
	o := options{rounds: 2, duration: time.Second}
	full, err := newPlan(o)
	if err != nil || len(full.scenarios) != 16 || len(full.servers) != 5 || len(full.cells()) != 160 {
		t.Errorf("%d scenarios, %d servers, %d cells, %v", len(full.scenarios), len(full.servers), len(full.cells()), err)
	}
	if first, second := full.cells()[0], full.cells()[80]; first.server.name == second.server.name || first.scenario.Name != second.scenario.Name {
		t.Errorf("the rounds begin with %s and %s", first.server.name, second.server.name)
	}
	// Each scenario of a table is one that is run, and one that is run is in a table.
	var named []string
	for _, table := range tables() {
		named = append(named, table.names...)
	}
	for _, s := range full.scenarios {
		if !slices.Contains(named, s.Name) {
			t.Errorf("%s is in no table", s.Name)
		}
		named = slices.DeleteFunc(named, func(name string) bool { return name == s.Name })
	}
	if len(named) > 0 {
		t.Errorf("nothing measures %v", named)
	}
	o.quick = true
	if p, err := newPlan(o); err != nil || len(p.scenarios) != len(quick) || p.rounds != 1 {
		t.Errorf("quick: %d scenarios, %d rounds, %v", len(p.scenarios), p.rounds, err)
	}
	for want, wrong := range map[string]options{
		"names no scenario": {rounds: 1, duration: 1, only: "x"}, "-servers x": {rounds: 1, duration: 1, servers: "gws,x"}, "more than 0": {},
	} {
		if _, err := newPlan(wrong); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}

// TestServersAreMeasured starts every server that starts here and measures it,
// shortly: the counts must be exact.
func TestServersAreMeasured(t *testing.T) {
	t.Chdir("..") // packages are relative to the module
	dir := t.TempDir()
	if err := build(t.Context(), dir, servers()); err != nil {
		t.Fatal(err)
	}
	generator, err := buildGenerator(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	found := able(t.Context(), dir, servers())
	if len(found) < 4 {
		t.Fatalf("only %v start", found)
	}
	small := []string{"--connections", "5", "--duration", "100ms", "--warmup", "10ms", "--payload", "16"}
	for _, kind := range []string{"idle", "request", "fanout", "storm"} {
		for _, s := range found {
			r, err := measureOne(t.Context(), folders{dir, generator}, s, scenario{kind, append([]string{kind}, small...)})
			if err != nil {
				t.Errorf("%s on %s: %v", kind, s.name, err)
				continue
			}
			if r.Server == nil || r.Connections != 5 || kind != "storm" && r.Begun != r.Done || kind != "idle" && r.Operations == 0 {
				t.Errorf("%s on %s: %+v", kind, s.name, r)
			}
		}
	}
}
