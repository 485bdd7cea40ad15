package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/protoway/protoway/config"
	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/transport"
	"github.com/protoway/protoway/wire"
)

const (
	longSecret  = "a secret of thirty-two bytes, ok"
	otherSecret = "another one of thirty-two bytes."
)

// read reads a file from memory.
func read(t *testing.T, file string, environ ...string) *config.Settings {
	t.Helper()
	settings, err := config.Read("protoway.yaml", strings.NewReader(file), environ)
	if err != nil {
		t.Fatal(err)
	}
	return settings
}

// write puts a file into a new folder and returns its name.
func write(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestEveryFormOfValue(t *testing.T) {
	got := read(t, `
listen: 127.0.0.1:9000
log: {level: debug, format: json}
auth:
  leeway: 1m30s
paths:
  /ws:
    groups: [lobby, "news"]
    origins: ["*.example.com"]
    dialects: [json, proto-socket]
  /plain:
strict: true
min_api_version: 7
drain_spread: 0s
limits:
  max_groups: 12
  outbox_bytes: 4096
  dedupe_bytes: 2GiB
  in_flight_bytes: 3 KiB
  ticket_life: 1h
pools:
`)
	want := &config.Settings{
		Listen: "127.0.0.1:9000",
		Log:    config.Log{Level: "debug", Format: "json"},
		Auth:   config.Auth{Leeway: 90 * time.Second},
		Paths: map[string]config.Path{
			"/plain": {},
			"/ws": {
				Groups: []string{"lobby", "news"}, Origins: []string{"*.example.com"},
				Dialects: []wire.Dialect{wire.JSON, wire.ProtoSocket},
			},
		},
		Strict: true, MinAPIVersion: 7, Mode: transport.Auto,
		Limits: consumer.Limits{MaxGroups: 12, OutboxBytes: 4096, DedupeBytes: 2 << 30, InFlightBytes: 3 << 10, TicketLife: time.Hour},
	}
	options := []cmp.Option{cmpopts.IgnoreUnexported(config.Settings{}, config.Secret{}), cmp.Comparer(func(a, b wire.Dialect) bool { return a == b })}
	if diff := cmp.Diff(want, got, options...); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestWhoWins(t *testing.T) {
	for _, test := range []struct {
		name, file string
		environ    []string
		want       int
	}{
		{"the default", "", nil, 0},
		{"the file over the default", "limits: {max_groups: 2}", nil, 2},
		{"a variable over the file", "limits: {max_groups: 2}", []string{"PROTOWAY_LIMITS_MAX_GROUPS=3"}, 3},
		{"a variable without a file", "", []string{"PROTOWAY_LIMITS_MAX_GROUPS=3"}, 3},
		{"an empty variable is not set", "limits: {max_groups: 2}", []string{"PROTOWAY_LIMITS_MAX_GROUPS="}, 2},
		{"the last of two variables", "", []string{"PROTOWAY_LIMITS_MAX_GROUPS=3", "PROTOWAY_LIMITS_MAX_GROUPS=4"}, 4},
		{"variables of others", "", []string{"LIMITS_MAX_GROUPS=3", "PROTOWAYLIMITS=1", "=C:=C:\\"}, 0},
		{"an anchor", "limits: {max_in_flight: &n 5, max_groups: *n}", nil, 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := read(t, test.file, test.environ...).Limits.MaxGroups; got != test.want {
				t.Errorf("max_groups is %d, want %d", got, test.want)
			}
		})
	}
}

func TestPathsOfTheVariableGoOnTopOfTheFile(t *testing.T) {
	got := read(t, "paths: {/ws: {groups: [a], origins: [a.example]}, /old: {groups: [b]}}",
		`PROTOWAY_PATHS={"/ws": {"origins": ["b.example"]}, "/new": {}}`)
	want := map[string]config.Path{
		"/ws":  {Groups: []string{"a"}, Origins: []string{"b.example"}},
		"/old": {Groups: []string{"b"}},
		"/new": {},
	}
	if diff := cmp.Diff(want, got.Paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
}

func TestVariablesOfServicesAreNotOurs(t *testing.T) {
	read(t, "",
		"PROTOWAY_SERVICE_HOST=10.0.0.1", "PROTOWAY_SERVICE_PORT=8080", "PROTOWAY_SERVICE_PORT_HTTP=8080",
		"PROTOWAY_PORT=tcp://10.0.0.1:8080", "PROTOWAY_PORT_8080_TCP=tcp://10.0.0.1:8080",
		"PROTOWAY_PORT_8080_TCP_PROTO=tcp", "PROTOWAY_REDIS_SERVICE_HOST=10.0.0.2",
		"PROTOWAY_REDIS_PORT=tcp://10.0.0.2:6379", "PROTOWAY_REDIS_PORT_6379_TCP_ADDR=10.0.0.2")
	for _, key := range config.Keys() {
		if _, err := config.Read("", strings.NewReader(""), []string{key.Variable + "=x y"}); err == nil {
			t.Errorf("%s=x y was not looked at", key.Variable)
		}
	}
}

func TestLoadFindsTheFile(t *testing.T) {
	one := write(t, "one.yaml", "listen: :1001")
	two := write(t, "two.yaml", "listen: :1002")
	for _, test := range []struct {
		name, file string
		environ    []string
		want       string
	}{
		{"no file", "", nil, ":8080"},
		{"the file", one, nil, ":1001"},
		{"the file of the variable", "", []string{"PROTOWAY_CONFIG=" + two}, ":1002"},
		{"the file that the program states", one, []string{"PROTOWAY_CONFIG=" + two}, ":1001"},
	} {
		t.Run(test.name, func(t *testing.T) {
			settings, err := config.Load(test.file, test.environ)
			if err != nil {
				t.Fatal(err)
			}
			if settings.Listen != test.want {
				t.Errorf("listen is %q, want %q", settings.Listen, test.want)
			}
		})
	}
}

func TestSecrets(t *testing.T) {
	file := write(t, "secret", otherSecret+"\r\n")
	for _, test := range []struct {
		name, yaml string
		environ    []string
		want       string
	}{
		{"none", "auth: {leeway: 1s}", nil, ""},
		{"in the configuration", "auth: {secret: '" + longSecret + "'}", nil, longSecret},
		{"of digits", "auth: {secret: 01234567890123456789012345678901}", nil, "01234567890123456789012345678901"},
		{"in a file", "auth: {secret_file: '" + file + "'}", nil, otherSecret},
		{"in a file beside the configuration", "auth: {secret_file: secret}", nil, otherSecret},
		{"in a variable", "", []string{"PROTOWAY_AUTH_SECRET=" + longSecret}, longSecret},
		{"in a variable, against a file", "auth: {secret_file: secret}", []string{"PROTOWAY_AUTH_SECRET=" + longSecret}, longSecret},
		{"in the file of a variable", "auth: {secret: '" + longSecret + "'}", []string{"PROTOWAY_AUTH_SECRET_FILE=" + file}, otherSecret},
	} {
		t.Run(test.name, func(t *testing.T) {
			name := filepath.Join(filepath.Dir(file), "protoway.yaml")
			settings, err := config.Read(name, strings.NewReader(test.yaml), test.environ)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(settings.Auth.Secret.Bytes()); got != test.want {
				t.Errorf("the secret is %q, want %q", got, test.want)
			}
		})
	}
}

// TestVariablesOfOthersAreLeftAlone: what the command line and "protoway routes"
// use does not stop a server.
func TestVariablesOfOthersAreLeftAlone(t *testing.T) {
	for _, pair := range []string{"PROTOWAY_TOKEN=x", "PROTOWAY_ROUTES_FILE=/tmp/routes"} {
		if _, err := config.Load("", []string{pair}); err != nil {
			t.Errorf("%s: %v", pair, err)
		}
	}
}
