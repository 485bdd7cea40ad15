package config_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/wire"
)

// everything states each key, none of them with its default.
var everything = `
listen: 127.0.0.1:9000
log: {level: debug, format: json}
auth:
  secret: ` + longSecret + `
  old_secret: ` + otherSecret + `
  leeway: 2s
tickets: {secret: ` + otherSecret + `}
public_by_default: true
strict: true
without_system: true
forward_errors: true
min_api_version: 3
drain_spread: 8s
no_query_token: true
cookies_without_origin: true
recheck: 9m
pools: {sync_workers: 1, sync_queue: 2, async_workers: 3, async_queue: 4}
trusted_proxies: [10.0.0.0/8, 127.0.0.1]
limits:
  max_connections: 21
  max_connections_per_address: 22
  max_connections_per_user: 23
  handshakes_per_second: 24
  handshake_burst: 25
  frames_per_second: 26
  frame_burst: 27
  bytes_per_second: 28KiB
  byte_burst: 29KiB
  read_timeout: 30s
  max_message_bytes: 1
  max_in_flight: 2
  in_flight_bytes: 3
  max_groups: 4
  outbox_bytes: 5
  handshake_timeout: 6s
  heartbeat: 7s
  handler_timeout: 8s
  write_timeout: 9s
  dedupe_window: 10s
  dedupe_per_user: 11
  dedupe_total: 12
  dedupe_bytes: 13
  ticket_life: 14m
  token_grace: 15s
mode: goroutine
paths: {/ws: {groups: [lobby], origins: [example.com], dialects: [json]}}
`

// TestEveryDataFieldHasAKey walks the fields of protoway.Config: one that is data
// and stays zero has no key.
func TestEveryDataFieldHasAKey(t *testing.T) {
	made, err := read(t, everything).Server(protoway.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for name, field := range dataFields(reflect.ValueOf(made), "Config") {
		if field.IsZero() {
			t.Errorf("%s has no key: add a row to keys, and to Settings if it is not of Limits or Pools", name)
		}
	}
	for name, field := range dataFields(reflect.ValueOf(made.Paths["/ws"]), "Path") {
		if field.IsZero() {
			t.Errorf("%s has no key: add a row to pathKeys", name)
		}
	}
	if made.Verifier == nil || made.Logger == nil {
		t.Error("the verifier or the logger is missing")
	}
}

// dataFields returns the fields that hold data: no interfaces, functions, pointers
// and lists of interfaces, but for the dialects, which have names.
func dataFields(of reflect.Value, name string) map[string]reflect.Value {
	found := make(map[string]reflect.Value)
	for i := range of.NumField() {
		field, full := of.Field(i), name+"."+of.Type().Field(i).Name
		switch kind := field.Kind(); {
		case kind == reflect.Struct:
			maps.Copy(found, dataFields(field, full))
		case kind == reflect.Interface, kind == reflect.Func, kind == reflect.Pointer:
		case kind == reflect.Slice && ofObjects(field.Type()):
		default:
			found[full] = field
		}
	}
	return found
}

// ofObjects reports whether the elements of a list are interfaces or functions.
func ofObjects(list reflect.Type) bool {
	kind := list.Elem().Kind()
	return (kind == reflect.Interface || kind == reflect.Func) && list != reflect.TypeFor[[]wire.Dialect]()
}

func TestDataFieldsAreFound(t *testing.T) {
	found := dataFields(reflect.ValueOf(protoway.Config{}), "Config")
	for _, name := range []string{"Config.Paths", "Config.Secret", "Config.Strict", "Config.Limits.TicketLife", "Config.Pools.AsyncQueue"} {
		if _, ok := found[name]; !ok {
			t.Errorf("%s is data and was not found", name)
		}
	}
	if _, ok := found["Config.Broker"]; ok {
		t.Error("Config.Broker is not data")
	}
}

func TestServerOfNothingIsTheCode(t *testing.T) {
	code := protoway.Config{
		Strict: true, Limits: consumer.Limits{MaxGroups: 5}, Pools: consumer.Pools{SyncQueue: 9},
		DrainSpread: time.Second, MinAPIVersion: 2, Secret: []byte(longSecret),
		Paths: map[string]protoway.Path{"/ws": {Groups: []string{"lobby"}}},
	}
	made, err := read(t, "").Server(code)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(code, made); diff != "" {
		t.Errorf("config (-code +made):\n%s", diff)
	}
}

func TestSettingsWinOverCode(t *testing.T) {
	list := []receivers.Receiver{nil}
	code := protoway.Config{
		Strict: true, Limits: consumer.Limits{MaxGroups: 5, MaxInFlight: 6},
		Paths: map[string]protoway.Path{
			"/ws":    {Receivers: list, Groups: []string{"lobby"}, Origins: []string{"code.example"}},
			"/admin": {Receivers: list},
		},
	}
	settings := read(t, "strict: false\nlimits: {max_groups: 7}\npaths: {/ws: {groups: [], origins: [file.example]}}")
	made, err := settings.Server(code)
	if err != nil {
		t.Fatal(err)
	}
	if made.Strict || made.Limits.MaxGroups != 7 || made.Limits.MaxInFlight != 6 {
		t.Errorf("strict %v, limits %+v", made.Strict, made.Limits)
	}
	ws := made.Paths["/ws"]
	if len(ws.Receivers) != 1 || len(ws.Groups) != 0 || ws.Origins[0] != "file.example" || len(made.Paths) != 2 {
		t.Errorf("paths %+v", made.Paths)
	}
	if code.Paths["/ws"].Origins[0] != "code.example" {
		t.Error("the paths of code were changed")
	}
}

func TestServerRefusesAPathThatCodeHasNot(t *testing.T) {
	settings := read(t, "paths:\n  /wss: {groups: [a]}")
	_, err := settings.Server(protoway.Config{Paths: map[string]protoway.Path{"/ws": {}, "/admin": {}}})
	want := `protoway.yaml:2:3: paths: this program has no path "/wss"; it has /admin, /ws`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestServerChecksWhatAProgramChanged(t *testing.T) {
	settings := read(t, "")
	settings.Limits.MaxGroups = 3
	if made, err := settings.Server(protoway.Config{}); err != nil || made.Limits.MaxGroups != 3 {
		t.Errorf("max_groups is %d, error %v", made.Limits.MaxGroups, err)
	}
	settings.Limits.MaxGroups = -1
	if _, err := settings.Server(protoway.Config{}); err == nil || !strings.HasPrefix(err.Error(), "limits.max_groups: expected") {
		t.Errorf("error %v", err)
	}
}

func TestObjectsOfCodeStay(t *testing.T) {
	verifier, logger := auth.HS256([]byte(otherSecret)), slog.New(slog.DiscardHandler)
	made, err := read(t, everything).Server(protoway.Config{Verifier: verifier, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	if made.Verifier != auth.Verifier(verifier) || made.Logger != logger {
		t.Error("the verifier or the logger of code was replaced")
	}
}

func TestVerifierAcceptsBothSecrets(t *testing.T) {
	verifier := read(t, everything).Verifier()
	for secret, accepted := range map[string]bool{longSecret: true, otherSecret: true, strings.Repeat("x", 32): false} {
		token, err := auth.NewIssuer([]byte(secret), auth.IssuerConfig{}).AccessToken(&auth.User{ID: "ann"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verifier.Verify(t.Context(), token); (err == nil) != accepted {
			t.Errorf("a token of %q: %v", secret, err)
		}
	}
	if _, err := read(t, "").Verifier().Verify(t.Context(), "x"); err == nil {
		t.Error("without a secret a token was accepted")
	}
}

func TestVerifierHasTheLeeway(t *testing.T) {
	settings := read(t, everything)
	settings.Auth.Leeway = time.Hour
	late := auth.IssuerConfig{Clock: func() time.Time { return time.Now().Add(-30 * time.Minute) }}
	token, err := auth.NewIssuer([]byte(longSecret), late).AccessToken(&auth.User{ID: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := settings.Verifier().Verify(t.Context(), token); err != nil {
		t.Error(err)
	}
}

func TestLogger(t *testing.T) {
	for file, want := range map[string]string{
		"log: {level: warn}":                "level=WARN msg=warned\n",
		"log: {level: error}":               "",
		"log: {level: info, format: json}":  `{"level":"WARN","msg":"warned"}` + "\n",
		"log: {level: debug, format: text}": "level=DEBUG msg=debugged\nlevel=WARN msg=warned\n",
	} {
		var out bytes.Buffer
		logger := read(t, file).Logger(&out)
		logger.Debug("debugged")
		logger.Warn("warned")
		var got strings.Builder
		for line := range strings.Lines(out.String()) {
			_, rest, _ := strings.Cut(line, " ")
			if strings.HasPrefix(line, "{") {
				_, rest, _ = strings.Cut(line, ",")
				rest = "{" + rest
			}
			got.WriteString(rest)
		}
		if got.String() != want {
			t.Errorf("%s logs %q, want %q", file, got.String(), want)
		}
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	settings := read(t, everything)
	var logged bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(handler).Info("settings", "settings", settings, "secret", settings.Auth.Secret)
	}
	if err := settings.Write(&logged); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o"} {
		fmt.Fprintf(&logged, verb+verb, settings.Auth, &settings.Tickets.Secret)
	}
	for _, form := range []string{longSecret, otherSecret, "%x", "%X", "%d", "%o"} {
		for _, secret := range []string{longSecret, otherSecret} {
			hidden := form
			if strings.HasPrefix(form, "%") {
				hidden = strings.Trim(fmt.Sprintf(form, []byte(secret[:4])), "[]")
			}
			if strings.Contains(logged.String(), hidden) {
				t.Errorf("a secret was printed as %s:\n%s", form, logged.String())
			}
		}
	}
}
