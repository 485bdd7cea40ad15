package docs_test

import (
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/metrics"
)

func TestOperationsHasEveryMetric(t *testing.T) {
	report(t, "docs/operations.md", wrongNames(read(t, "docs/operations.md"), metricName, metricNames(t)))
}

var (
	metricName = regexp.MustCompile(`\bprotoway_[a-z_]+`)
	described  = regexp.MustCompile(`fqName: "([^"]+)"`)
)

// metricNames returns what the server exports of its own.
func metricNames(t *testing.T) []string {
	t.Helper()
	descs := make(chan *prometheus.Desc)
	go func() {
		defer close(descs)
		metrics.New(metrics.Config{OmitRuntime: true}).Describe(descs)
	}()
	var names []string
	for d := range descs {
		found := described.FindStringSubmatch(d.String())
		if found == nil {
			t.Fatalf("no name in %v", d)
		}
		names = append(names, found[1])
	}
	return names
}

// wrongNames returns the names that a document does not have, and those in it
// that are of the same pattern and do not exist.
func wrongNames(document string, pattern *regexp.Regexp, names []string) []string {
	said := pattern.FindAllString(document, -1)
	var problems []string
	for _, name := range names {
		if !slices.Contains(said, name) {
			problems = append(problems, name+" is missing")
		}
	}
	for _, name := range said {
		if !slices.Contains(names, name) {
			problems = append(problems, name+" does not exist")
		}
	}
	return problems
}

func TestWrongNamesFindsThem(t *testing.T) {
	names := []string{"protoway_a", "protoway_a_total"}
	for document, want := range map[string]int{
		"`protoway_a` and rate(protoway_a_total{x=\"y\"})": 0,
		"`protoway_a_total`":                  1,
		"protoway_a protoway_a_totals":        2,
		"protoway_a, protoway_a_total, a_toe": 0,
	} {
		if got := wrongNames(document, metricName, names); len(got) != want {
			t.Errorf("found %q, want %d in %s", got, want, document)
		}
	}
}

// TestOperationsHasEveryLimit with its default.
func TestOperationsHasEveryLimit(t *testing.T) {
	var rows []string
	for _, limits := range []any{consumer.Limits{}.WithDefaults(), consumer.Pools{}.WithDefaults()} {
		all := reflect.ValueOf(limits)
		for i, field := range reflect.VisibleFields(all.Type()) {
			row := "| `" + field.Name + "` | "
			follows := strings.HasSuffix(field.Name, "Queue") || all.Field(i).IsZero() // from others, or from the system
			if !follows {
				row += spelled(t, all.Field(i).Interface())
			}
			rows = append(rows, row)
		}
	}
	// Two tables under one heading: their heads are two rows.
	document := strings.Replace(read(t, "docs/operations.md"), "\n| Field |", "\n|Field |", 1)
	report(t, "docs/operations.md", wrongRows(document, "## Limits", rows))
}

// spelled returns a default as the document writes it.
func spelled(t *testing.T, value any) string {
	t.Helper()
	switch v := value.(type) {
	case time.Duration:
		if v%time.Minute == 0 {
			return strconv.Itoa(int(v.Minutes())) + " min"
		}
		return strconv.Itoa(int(v.Seconds())) + " s"
	case int:
		switch {
		case v%(1<<20) == 0:
			return strconv.Itoa(v>>20) + " MiB"
		case v >= 1000 && v%1000 == 0:
			return strconv.Itoa(v/1000) + ",000"
		}
		return strconv.Itoa(v) + " "
	}
	t.Fatalf("a limit is a %T", value)
	return ""
}

var limitName = regexp.MustCompile(`limit[A-Z]\w+ += "(\w+)"`)

// TestOperationsHasEveryNameOfALimit as metrics have it.
func TestOperationsHasEveryNameOfALimit(t *testing.T) {
	document := read(t, "docs/operations.md")
	found := limitName.FindAllStringSubmatch(read(t, "consumer/limits.go"), -1)
	if len(found) < 15 {
		t.Errorf("only %d names were found", len(found))
	}
	for _, name := range found {
		if !strings.Contains(document, "`"+name[1]+"`") {
			t.Errorf("docs/operations.md: the limit %q is missing", name[1])
		}
	}
}

var dropped = regexp.MustCompile(`(?:drop\(p|PublicationDropped\(p\.Type), "(\w+)"\)`)

// TestOperationsHasEveryReason why a publication is dropped.
func TestOperationsHasEveryReason(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "broadcast/*.go"))
	if err != nil {
		t.Fatal(err)
	}
	document := read(t, "docs/operations.md")
	known := 0
	for _, file := range files {
		name, err := filepath.Rel(root, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range dropped.FindAllStringSubmatch(read(t, name), -1) {
			known++
			if !strings.Contains(document, "`"+found[1]+"`: ") {
				t.Errorf("docs/operations.md: the reason %q of %s is missing", found[1], name)
			}
		}
	}
	if known < 2 {
		t.Errorf("only %d reasons were found", known)
	}
}
