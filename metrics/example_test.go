package metrics_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/protoway/protoway/metrics"
	"github.com/protoway/protoway/status"
)

func Example() {
	m := metrics.New(metrics.Config{OmitRuntime: true})
	m.Acked("say", status.PermissionDenied) // the gateway calls it

	scraped := httptest.NewRecorder()
	m.Handler().ServeHTTP(scraped, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(scraped.Body.String()) {
		if !strings.HasPrefix(line, "#") {
			fmt.Print(line)
		}
	}
	// Output: protoway_frames_acked_total{code="permission_denied",type="say"} 1
}
