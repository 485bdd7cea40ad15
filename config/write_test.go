package config_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/protoway/protoway/config"
)

func TestWriteSaysWhereFrom(t *testing.T) {
	settings := read(t, `log: {level: debug}
limits:
  outbox_bytes: 2097152
pools: {sync_workers: 2}
paths: {/ws: {origins: ["*.example.com", "null"]}}`, "PROTOWAY_AUTH_SECRET="+longSecret, "PROTOWAY_LISTEN=:9000")
	var out bytes.Buffer
	if err := settings.Write(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"listen: :9000 # env PROTOWAY_LISTEN\n",
		"log:\n  level: debug # protoway.yaml:1\n  format: text # default\n",
		"auth:\n  secret: (set) # env PROTOWAY_AUTH_SECRET\n  secret_file: \"\" # default\n  old_secret: (not set) # default\n",
		"\nstrict: false # default\nwithout_system",
		"\nmin_api_version: 0 # default\nmode: auto # default\ntrusted_proxies: \"\" # default\ndrain_spread: 0s # default\n",
		"pools:\n  sync_workers: 2 # protoway.yaml:4\n  sync_queue: 32 # default\n",
		"limits:\n  max_connections: 0 # default\n",
		"  outbox_bytes: 2MiB # protoway.yaml:3\n",
		"  ticket_life: 10m # default\n",
		"paths:\n  /ws:\n    groups: [] # default\n    origins: ['*.example.com', \"null\"] # protoway.yaml:5\n    dialects: [protobuf, json, proto-socket] # default\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// TestWhatIsWrittenIsRead reads the output again, without secrets.
func TestWhatIsWrittenIsRead(t *testing.T) {
	for _, file := range []string{"", strings.NewReplacer("  secret: "+longSecret, "", "  old_secret: "+otherSecret, "", "tickets: {secret: "+otherSecret+"}", "").Replace(everything)} {
		var first, second bytes.Buffer
		if err := read(t, file).Write(&first); err != nil {
			t.Fatal(err)
		}
		var kept strings.Builder
		for line := range strings.Lines(first.String()) {
			if !strings.Contains(line, "secret") {
				kept.WriteString(line)
			}
		}
		if err := read(t, kept.String()).Write(&second); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(withoutSources(first.String()), withoutSources(second.String())); diff != "" {
			t.Errorf("written (-first +second):\n%s", diff)
		}
	}
}

func withoutSources(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		before, _, _ := strings.Cut(line, " #")
		b.WriteString(strings.TrimSpace(before) + "\n")
	}
	return b.String()
}

func TestValues(t *testing.T) {
	list := read(t, "strict: true\npaths: {/ws: {groups: [a]}}", "PROTOWAY_TICKETS_SECRET="+longSecret).Values()
	written, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"key":"listen","value":":8080","from":"default"}`,
		`{"key":"tickets.secret","value":"(set)","from":"env PROTOWAY_TICKETS_SECRET"}`,
		`{"key":"strict","value":true,"from":"protoway.yaml:1"}`,
		`{"key":"limits.outbox_bytes","value":4194304,"from":"default"}`,
		`{"key":"limits.heartbeat","value":"25s","from":"default"}`,
		`{"key":"paths./ws.groups","value":["a"],"from":"protoway.yaml:2"}`,
		`{"key":"paths./ws.origins","value":[],"from":"default"}`,
	} {
		if !strings.Contains(string(written), want) {
			t.Errorf("no %s in\n%s", want, written)
		}
	}
}

func TestExample(t *testing.T) {
	example := config.Example()
	settings := read(t, example)
	for _, v := range settings.Values() {
		if v.From != "default" {
			t.Errorf("the example states %s", v.Key)
		}
	}
	// With the # in front of each key removed, all keys are there.
	var all strings.Builder
	for line := range strings.Lines(example) {
		rest := strings.TrimLeft(line, " ")
		indent := line[:len(line)-len(rest)]
		if strings.HasPrefix(rest, "#") && !strings.HasPrefix(rest, "# ") {
			rest = rest[1:]
		}
		if !strings.Contains(rest, "secret") {
			all.WriteString(indent + rest)
		}
	}
	stated := make(map[string]bool)
	for _, v := range read(t, all.String()).Values() {
		stated[v.Key] = v.From != "default"
	}
	for _, key := range config.Keys() {
		if name := strings.Replace(key.Name, "<path>", "/ws", 1); !stated[name] && !strings.HasSuffix(name, "_file") && !strings.Contains(name, "secret") {
			t.Errorf("the example does not have %s", name)
		}
	}
	if strings.Count(example, "secret") < 6 {
		t.Error("the example has no secrets")
	}
}
