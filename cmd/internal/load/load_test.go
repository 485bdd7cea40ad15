package load_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/protoway/protoway/cmd/internal/load"
)

// dialects are those of the gateway.
var dialects = []string{load.DialectBinary, load.DialectJSON, load.DialectProtoSocket}

// drivers are the ways to drive connections.
var drivers = map[string]func(context.Context, load.Config) (*load.Result, error){
	"best": load.Run, "goroutines": load.RunGoroutines,
}

func TestEveryRequestIsAcked(t *testing.T) {
	for name, measure := range drivers {
		for _, dialect := range dialects {
			t.Run(name+"/"+dialect, func(t *testing.T) {
				g := start(t)
				r := runWith(t, measure, load.Config{
					URL: g.url, Scenario: load.ScenarioRequest, Dialect: dialect, Tokens: []string{g.token},
					Script: script(t, dialect), Connections: 5, InFlight: 3,
				})
				whole(t, r)
				if r.Begun != g.greeted.Load() {
					t.Errorf("%d requests were sent, the server handled %d", r.Begun, g.greeted.Load())
				}
				if l := r.Latency; l == nil || l.P50 <= 0 || l.P50 > l.P90 || l.P90 > l.P99 || l.P99 > l.P999 || l.P999 > l.Max {
					t.Errorf("the latency is %+v", l)
				}
			})
		}
	}
}

func TestEveryMemberHearsEveryPublication(t *testing.T) {
	for name, measure := range drivers {
		for _, dialect := range dialects {
			t.Run(name+"/"+dialect, func(t *testing.T) {
				g := start(t)
				const members = 7
				r := runWith(t, measure, load.Config{
					URL: g.url, Scenario: load.ScenarioFanout, Dialect: dialect,
					Script: script(t, dialect), Connections: members, InFlight: 4,
				})
				whole(t, r)
				if r.Begun != members*g.published.Load() {
					t.Errorf("%d deliveries to %d members were begun, the server published %d times", r.Begun, members, g.published.Load())
				}
			})
		}
	}
}

func TestOpcodeServers(t *testing.T) {
	for _, scenario := range load.Scenarios() {
		t.Run(scenario, func(t *testing.T) {
			s, err := load.NewScript(load.ScriptBench, load.DialectOpcode, 16, "")
			if err != nil {
				t.Fatal(err)
			}
			r := run(t, load.Config{
				URL: startOpcode(t), Scenario: scenario, Dialect: load.DialectOpcode, Script: s, Connections: 3, InFlight: 3, Join: true,
			})
			if scenario == load.ScenarioIdle {
				return
			}
			if len(r.Errors) > 0 || r.Operations == 0 || scenario != load.ScenarioStorm && r.Begun != r.Done {
				t.Errorf("begun %d, done %d, errors %v", r.Begun, r.Done, r.Errors)
			}
		})
	}
}

func TestRates(t *testing.T) {
	g := start(t)
	const rate = 400
	for _, scenario := range []string{load.ScenarioRequest, load.ScenarioFanout} {
		r := run(t, load.Config{
			URL: g.url, Scenario: scenario, Script: script(t, load.DialectBinary), Connections: 4, InFlight: 16, Rate: rate,
		})
		whole(t, r)
		// 170 ms, and one round that is due at once. Being late is no error, more is.
		if most := uint64(rate*0.17) + 4 + rate/20; r.Begun > most || r.Begun == 0 {
			t.Errorf("%s: %d operations were begun, at most %d are due", scenario, r.Begun, most)
		}
	}
}

func TestStorm(t *testing.T) {
	for _, dialect := range dialects {
		t.Run(dialect, func(t *testing.T) {
			g := start(t)
			r := run(t, load.Config{
				URL: g.url, Scenario: load.ScenarioStorm, Dialect: dialect, Tokens: []string{g.token},
				Script: script(t, dialect), Connections: 3, Join: true, Resume: dialect != load.DialectProtoSocket,
			})
			if len(r.Errors) > 0 || r.Operations == 0 || r.Done > r.Begun || r.Begun-r.Done > 3 {
				t.Errorf("begun %d, done %d, errors %v", r.Begun, r.Done, r.Errors)
			}
			joins := g.signedIn.Load()
			if dialect == load.DialectProtoSocket && joins < r.Done || joins == 0 {
				t.Errorf("%d connections, %d of a user joined", r.Done, joins)
			}
			if dialect != load.DialectProtoSocket && joins > 3 {
				t.Errorf("%d joins of 3 visitors: the others were to resume", joins)
			}
		})
	}
}

func TestIdleTellsMemory(t *testing.T) {
	g := start(t)
	collections := 0
	gc := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		collections++
		fmt.Fprintf(w, `{"goroutines":%d,"heap_inuse":%d,"stack_inuse":100}`, 2*collections, 1000*collections)
	}))
	defer gc.Close()
	r := run(t, load.Config{
		URL: g.url, Scenario: load.ScenarioIdle, Connections: 10, PID: os.Getpid(), GC: gc.URL, Ramp: 30 * time.Millisecond,
	})
	if s := r.Server; s == nil || s.HeapEach != 200 || s.GoroutinesEach != 0.4 || s.Resident == 0 {
		t.Errorf("the server is %+v", r.Server)
	}
	if r.Connections != 10 || r.ConnectSeconds < 0.027 || len(r.Errors) > 0 {
		t.Errorf("%d connections in %v s, errors %v", r.Connections, r.ConnectSeconds, r.Errors)
	}
	for _, part := range []string{"10 in 0.", "200 bytes of heap and stack and 0.40 goroutines", "errors"} {
		if !strings.Contains(r.Table(), part) {
			t.Errorf("the table lacks %q:\n%s", part, r.Table())
		}
	}
}

func TestRefusalsAreNamed(t *testing.T) {
	for _, dialect := range dialects {
		g := start(t)
		s := script(t, dialect)
		s.Messages[load.Request].Type = "nothing"
		r := run(t, load.Config{URL: g.url, Scenario: load.ScenarioRequest, Dialect: dialect, Script: s, Connections: 2})
		want := "refused: unimplemented"
		if dialect == load.DialectProtoSocket {
			want = "refused: error 404"
		}
		if r.Done != 0 || r.Errors[want] != r.Begun || r.Failures() != r.Begun || r.Begun == 0 {
			t.Errorf("%s: begun %d, done %d, errors %v, want %q", dialect, r.Begun, r.Done, r.Errors, want)
		}
	}
}

// TestLostConnectionsEndTheRun has a server that closes after a few messages.
func TestLostConnectionsEndTheRun(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		for range 3 {
			if _, message, err := ws.Read(r.Context()); err == nil {
				_ = ws.Write(r.Context(), websocket.MessageBinary, message)
			}
		}
		_ = ws.Close(websocket.StatusTryAgainLater, "enough")
	}))
	defer web.Close()
	for name, measure := range drivers {
		r := runWith(t, measure, load.Config{
			URL: strings.Replace(web.URL, "http", "ws", 1), Scenario: load.ScenarioRequest, Dialect: load.DialectOpcode, Connections: 2,
		})
		if r.Begun != 8 || r.Done != 6 || r.Errors["closed by the server with 1013 enough"] != 2 || r.Errors["lost with their connection"] != 2 {
			t.Errorf("%s: begun %d, done %d, errors %v", name, r.Begun, r.Done, r.Errors)
		}
	}
}

func TestRefusedConnections(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	for _, scenario := range load.Scenarios() {
		_, err := load.Run(t.Context(), load.Config{
			URL: web.URL, Scenario: scenario, Dialect: load.DialectOpcode, Connections: 2,
			Warmup: time.Millisecond, Duration: 20 * time.Millisecond,
		})
		if err == nil || !strings.Contains(err.Error(), "404 Not Found") {
			t.Errorf("%s: %v", scenario, err)
		}
	}
}

func TestMistakes(t *testing.T) {
	good := load.Config{URL: "ws://127.0.0.1:1/", Scenario: load.ScenarioRequest, Script: script(t, load.DialectBinary)}
	for want, change := range map[string]func(*load.Config){
		"must begin with ws://":           func(c *load.Config) { c.URL = "localhost:1" },
		"names no host":                   func(c *load.Config) { c.URL = "ws:///ws" },
		`the scenario "x" is not known`:   func(c *load.Config) { c.Scenario = "x" },
		`the dialect "x" is not known`:    func(c *load.Config) { c.Dialect = "x" },
		"connections must be 1":           func(c *load.Config) { c.Connections = -1 },
		"at most 1h0m0s":                  func(c *load.Config) { c.Duration = 2 * time.Hour },
		"the type of its request message": func(c *load.Config) { c.Script = load.Script{} },
		"only a storm resumes":            func(c *load.Config) { c.Resume = true },
		"process -1 cannot":               func(c *load.Config) { c.PID = -1 },
		"connection refused":              func(c *load.Config) {},
	} {
		config := good
		change(&config)
		if _, err := load.Run(t.Context(), config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
