package config_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/protoway/protoway/config"
)

func TestProblemsOfTheFile(t *testing.T) {
	for _, test := range []struct{ name, file, want string }{
		{"a key", "stric: true", `protoway.yaml:1:1: there is no key "stric"; did you mean "strict"?`},
		{"a key of a section", "limits:\n  max_group: 1", `protoway.yaml:2:3: there is no key "limits.max_group"; did you mean "limits.max_groups"?`},
		{"a key in camel case", "limits: {maxGroups: 1}", `protoway.yaml:1:10: there is no key "limits.maxGroups"; did you mean "limits.max_groups"?`},
		{"a key of another section", "max_groups: 1", `protoway.yaml:1:1: there is no key "max_groups"; did you mean "limits.max_groups"?`},
		{"a key in a section too many", "limits: {strict: true}", `protoway.yaml:1:10: there is no key "limits.strict"; did you mean "strict"?`},
		{"a key like no other", "tickets: {zzzzzzzzzz: 1}", `protoway.yaml:1:11: there is no key "tickets.zzzzzzzzzz"; there are secret, secret_file`},
		{"a section", "brokers: {}", `protoway.yaml:1:1: there is no key "brokers"; there are listen, log, auth, tickets, public_by_default, strict, without_system, forward_errors, min_api_version, mode, trusted_proxies, drain_spread, no_query_token, cookies_without_origin, recheck, pools, limits, paths`},
		{"a key twice", "strict: true\nlisten: :80\nstrict: true", `protoway.yaml:3:1: "strict" is given twice, first in line 1`},
		{"no section", "limits: 7", `protoway.yaml:1:9: limits: expected keys with values here, each as "key: value"`},
		{"a list for the file", "- a", `protoway.yaml:1:1: the file: expected keys with values here, each as "key: value"`},
		{"a list as key", "[a]: b", `protoway.yaml:1:1: the file: expected the name of a key`},
		{"a list as value", "strict: [true]", `protoway.yaml:1:9: strict: expected a single value`},
		{"no value", "strict:", `protoway.yaml:1:8: strict: has no value; leave the key out for its default`},
		{"a tag", "strict: !!bool true", `protoway.yaml:1:9: strict: tags are not understood here; write the value only, in quotes if it begins with !`},
		{"no bool", "strict: yes", `protoway.yaml:1:9: strict: expected true or false, not "yes"`},
		{"no integer", "limits: {max_groups: many}", `protoway.yaml:1:22: limits.max_groups: expected an integer of at least 1, not "many"`},
		{"zero", "limits: {max_groups: 0}", `protoway.yaml:1:22: limits.max_groups: expected an integer of at least 1, not "0"`},
		{"a huge integer", "min_api_version: 4294967296", `protoway.yaml:1:18: min_api_version: the number is too large`},
		{"a negative integer", "min_api_version: -1", `protoway.yaml:1:18: min_api_version: expected an integer of at least 0, not "-1"`},
		{"no size", "limits: {outbox_bytes: 4MB}", `protoway.yaml:1:24: limits.outbox_bytes: expected a size in bytes, or in KiB, MiB or GiB: 65536, 64KiB, not "4MB"`},
		{"a huge size", "limits: {outbox_bytes: 9223372036854775807GiB}", `protoway.yaml:1:24: limits.outbox_bytes: the size is too large`},
		{"no unit", "drain_spread: 10", `protoway.yaml:1:15: drain_spread: expected a duration such as 500ms, 10s or 5m, not "10"`},
		{"too short", "limits: {ticket_life: 1m}", `protoway.yaml:1:23: limits.ticket_life: 1m is too short: at least 10m is needed`},
		{"a negative leeway", "auth: {leeway: -1s}", `protoway.yaml:1:16: auth.leeway: -1s is too short: at least 0s is needed`},
		{"no level", "log: {level: loud}", `protoway.yaml:1:14: log.level: expected one of debug, info, warn, error, not "loud"`},
		{"no address", "listen: 8080", `protoway.yaml:1:9: listen: expected an address such as :8080 or 127.0.0.1:8080, not "8080"`},
		{"no path", "paths: {ws: {}}", `protoway.yaml:1:9: paths: expected a path that starts with / and has no braces and spaces, such as /ws, not "ws"`},
		{"no list", "paths: {/ws: {groups: a}}", `protoway.yaml:1:23: paths./ws.groups: expected a list: [one, two]`},
		{"no dialect", "paths: {/ws: {dialects: [xml]}}", `protoway.yaml:1:26: paths./ws.dialects: expected one of protobuf, json, proto-socket, not "xml"`},
		{"no dialects", "paths: {/ws: {dialects: []}}", `protoway.yaml:1:25: paths./ws.dialects: the list is empty; leave the key out for its default`},
		{"a group of the server", "paths: {/ws: {groups: [ok, '@all']}}", `protoway.yaml:1:28: paths./ws.groups: group "@all": names that start with "@" belong to the server`},
		{"no origin", "paths: {/ws: {origins: ['[']}}", `protoway.yaml:1:25: paths./ws.origins: expected a host, or a pattern of hosts such as *.example.com, not "["`},
		{"a key of a path", "paths: {/ws: {origin: [a]}}", `protoway.yaml:1:15: there is no key "paths./ws.origin"; did you mean "origins"?`},
		{"a list in a list", "paths: {/ws: {groups: [[a]]}}", `protoway.yaml:1:24: paths./ws.groups: expected a single value`},
		{"two documents", "strict: true\n---\nstrict: true", `protoway.yaml:2:1: a second document begins here, and there may be one`},
		{"no YAML", "a: b: c", `protoway.yaml:1: is not YAML: mapping values are not allowed in this context`},
		{"no YAML further down", "strict: true\nlisten\nlog: {}", `protoway.yaml:2: is not YAML: could not find expected ':'`},
		{"a bracket too many", "strict: true\n}", `protoway.yaml:2: is not YAML: did not find expected key`},
		{"no text", "strict: \x01", `protoway.yaml: is not YAML: control characters are not allowed`},
		{"an unknown anchor", "auth:\n  secret: *topsecret", `protoway.yaml: is not YAML: a value that begins with * needs quotes`},
		{"a short secret", "auth: {secret: short}", "protoway.yaml:1:16: auth.secret: has 5 bytes, at least 32 are needed; `openssl rand -base64 32` makes a good one"},
		{"two secrets", "auth: {secret: short, secret_file: s}", "protoway.yaml:1:36: auth.secret and auth.secret_file are both given: one is enough"},
		{"an empty secret", "tickets: {secret: ''}", "protoway.yaml:1:19: tickets.secret: is empty; leave the key out for none"},
		{"a secret of no file", "tickets: {secret_file: topsecret}", "protoway.yaml:1:24: tickets.secret_file: there is no such file"},
		{"a secret that is a folder", "tickets: {secret_file: .}", "protoway.yaml:1:24: tickets.secret_file: cannot be read: is a directory"},
		{"an old secret only", "auth: {old_secret: '" + longSecret + "'}", "protoway.yaml:1:20: auth.old_secret: needs auth.secret, the new one"},
		{"a long value", "listen: " + strings.Repeat("é", 100), `protoway.yaml:1:9: listen: expected an address such as :8080 or 127.0.0.1:8080, not "éééééééééééééééééééé…"`},
		{"a large file", strings.Repeat("#", 1<<20+1), "protoway.yaml: is larger than 1048576 bytes, so it is not a configuration"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := config.Read("protoway.yaml", strings.NewReader(test.file), nil)
			if err == nil || err.Error() != test.want {
				t.Errorf("error\n%v\nwant\n%s", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "topsecret") {
				t.Error("the error quotes a secret")
			}
		})
	}
}

func TestProblemsOfVariables(t *testing.T) {
	for _, test := range []struct{ variable, want string }{
		{"PROTOWAY_STRIKT=true", `PROTOWAY_STRIKT: there is no such variable; did you mean "PROTOWAY_STRICT"?`},
		{"PROTOWAY_MAX_GROUPS=", `PROTOWAY_MAX_GROUPS: there is no such variable; did you mean "PROTOWAY_LIMITS_MAX_GROUPS"?`},
		{"PROTOWAY_LIMITS_MAXGROUPS=1", `PROTOWAY_LIMITS_MAXGROUPS: there is no such variable; did you mean "PROTOWAY_LIMITS_MAX_GROUPS"?`},
		{"PROTOWAY_CONFIGS=a", `PROTOWAY_CONFIGS: there is no such variable; did you mean "PROTOWAY_CONFIG"?`},
		{"PROTOWAY_PATHS_WS_ORIGINS=a", `PROTOWAY_PATHS_WS_ORIGINS: there is no such variable; all paths are in one: PROTOWAY_PATHS={"/ws": {"origins": ["example.com"]}}`},
		{"PROTOWAY_ZZZZZZZZ=a", "PROTOWAY_ZZZZZZZZ: there is no such variable; `protoway config --example` lists what may be configured"},
		{"PROTOWAY_PORT=8080", "PROTOWAY_PORT: there is no such variable; `protoway config --example` lists what may be configured"},
		{"PROTOWAY_STRICT=1", `PROTOWAY_STRICT: strict: expected true or false, not "1"`},
		{"PROTOWAY_PATHS=/ws", `PROTOWAY_PATHS:1:1: paths: expected keys with values here, each as "key: value"`},
		{`PROTOWAY_PATHS={"/ws": {"origin": []}}`, `PROTOWAY_PATHS:1:10: there is no key "paths./ws.origin"; did you mean "origins"?`},
		{`PROTOWAY_PATHS={`, `PROTOWAY_PATHS:1: is not YAML: did not find expected node content`},
		{"PROTOWAY_AUTH_SECRET=topsecret", "PROTOWAY_AUTH_SECRET: auth.secret: has 9 bytes, at least 32 are needed; `openssl rand -base64 32` makes a good one"},
		{"PROTOWAY_AUTH_SECRET_FILE=topsecret", "PROTOWAY_AUTH_SECRET_FILE: auth.secret_file: there is no such file"},
	} {
		t.Run(test.variable, func(t *testing.T) {
			_, err := config.Read("", strings.NewReader(""), []string{test.variable})
			if err == nil || err.Error() != test.want {
				t.Errorf("error\n%v\nwant\n%s", err, test.want)
			}
		})
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	_, err := config.Read("p.yaml", strings.NewReader("limits: {max_groups: 0}\nstric: true\nlisten: x"), []string{"PROTOWAY_STRICT=1", "PROTOWAY_A=1"})
	var problems config.Problems
	if !errors.As(err, &problems) {
		t.Fatalf("%T is not Problems", err)
	}
	var places []string
	for _, problem := range problems {
		places = append(places, problem.Place.String())
	}
	want := "p.yaml:1:22 p.yaml:2:1 p.yaml:3:9 PROTOWAY_A PROTOWAY_STRICT"
	if got := strings.Join(places, " "); got != want {
		t.Errorf("problems at %s, want %s", got, want)
	}
	if one := new(config.Problem); !errors.As(err, one) || one.Line != 1 {
		t.Errorf("the first problem is %v", one)
	}
}

func TestNoFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "none.yaml")
	_, err := config.Load(name, nil)
	if want := name + ": there is no such file; `protoway config --example` prints one to begin with"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestCheckLooksForNoOtherFiles(t *testing.T) {
	for _, test := range []struct{ file, want string }{
		{"auth: {secret_file: /run/secrets/none, old_secret_file: none}", ""},
		{"auth: {old_secret_file: none}", ":1:25: auth.old_secret: needs auth.secret, the new one"},
		{"strict: 1", `:1:9: strict: expected true or false, not "1"`},
	} {
		name := write(t, "protoway.yaml", test.file)
		switch err := config.Check(name); {
		case test.want == "" && err != nil, test.want != "" && (err == nil || err.Error() != name+test.want):
			t.Errorf("%s: error %v, want %q", test.file, err, test.want)
		}
	}
}
