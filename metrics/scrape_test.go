package metrics_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/protoway/protoway/metrics"
)

// scrape returns the value of every series, by its name and labels as written.
func scrape(t *testing.T, m *metrics.Prometheus) map[string]float64 {
	t.Helper()
	server := httptest.NewServer(m.Handler())
	defer server.Close()
	response, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got := response.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/plain") {
		t.Errorf("content type %q, want text/plain", got)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(body))
}

func parse(t *testing.T, text string) map[string]float64 {
	t.Helper()
	series := map[string]float64{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cut := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(line[cut+1:], 64)
		if cut < 0 || err != nil {
			t.Fatalf("not a sample: %q", line)
		}
		series[line[:cut]] = value
	}
	return series
}

// expect fails unless each series has its value.
func expect(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for name, value := range want {
		if found, ok := got[name]; !ok || found != value {
			t.Errorf("%s is %v (exported: %v), want %v", name, found, ok, value)
		}
	}
}

// under returns the series whose name starts with prefix.
func under(series map[string]float64, prefix string) map[string]float64 {
	found := map[string]float64{}
	for name, value := range series {
		if strings.HasPrefix(name, prefix) {
			found[name] = value
		}
	}
	return found
}
