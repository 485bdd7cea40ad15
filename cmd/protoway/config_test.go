package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/protoway/protoway/config"
)

const (
	testSecret  = "a secret of thirty-two bytes, ok"
	otherSecret = "another one of thirty-two bytes."
)

// quiet makes an empty folder the current one, and takes the variables that begin
// with PROTOWAY_ away.
func quiet(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, config.Prefix) {
			t.Setenv(name, "")
		}
	}
}

func TestConfigFindsTheFile(t *testing.T) {
	quiet(t)
	shows := func(want string, args ...string) {
		t.Helper()
		did := cli(t, append([]string{"config"}, args...)...)
		if did.code != exitOK || did.err != "" || !strings.Contains(did.out, want) {
			t.Errorf("%v: %+v, want %q", args, did, want)
		}
	}
	shows("listen: :8080 # default\n", "--print")
	shows("# What a program sets in code is not seen here: a default may be another one there.\n", "--print")
	write(t, configFile, "listen: :1001")
	shows("listen: :1001 # protoway.yaml:1\n")
	write(t, "other.yaml", "listen: :1002")
	t.Setenv("PROTOWAY_CONFIG", "other.yaml")
	shows("listen: :1002 # other.yaml:1\n", "--print")
	shows("listen: :1001 # protoway.yaml:1\n", "--file", configFile)
	t.Setenv("PROTOWAY_LISTEN", ":1003")
	shows("listen: :1003 # env PROTOWAY_LISTEN\n")
	t.Setenv("PROTOWAY_AUTH_SECRET", testSecret)
	shows("  secret: (set) # env PROTOWAY_AUTH_SECRET\n")
}

func TestConfigAsJSON(t *testing.T) {
	quiet(t)
	write(t, configFile, "strict: true")
	var result struct {
		Settings []config.Value
		Problems config.Problems
	}
	if err := json.Unmarshal([]byte(cli(t, "config", "--json").out), &result); err != nil {
		t.Fatal(err)
	}
	stated := 0
	for _, v := range result.Settings {
		if v.From != "default" {
			stated++
			if v.Key != "strict" || v.Value != true || v.From != "protoway.yaml:1" {
				t.Errorf("%+v", v)
			}
		}
	}
	if stated != 1 {
		t.Errorf("%d settings are stated", stated)
	}
	write(t, configFile, "strict: 1")
	did := cli(t, "config", "--json")
	if err := json.Unmarshal([]byte(did.out), &result); err != nil {
		t.Fatal(err)
	}
	want := config.Problem{Place: config.Place{File: configFile, Line: 1, Column: 9}, Text: `strict: expected true or false, not "1"`}
	if did.code != exitFailed || did.err != "" || len(result.Problems) != 1 || result.Problems[0] != want {
		t.Errorf("%+v", did)
	}
}

func TestConfigSaysWhatIsWrong(t *testing.T) {
	quiet(t)
	write(t, configFile, "strict: 1\nlistn: a")
	t.Setenv("PROTOWAY_AUTH_SECRET", "topsecret")
	did := cli(t, "config", "--print")
	want := `protoway.yaml:1:9: strict: expected true or false, not "1"
protoway.yaml:2:1: there is no key "listn"; did you mean "listen"?
PROTOWAY_AUTH_SECRET: auth.secret: has 9 bytes, at least 32 are needed; ` + "`openssl rand -base64 32` makes a good one\n"
	if did.code != exitFailed || did.out != "" || did.err != want {
		t.Errorf("%+v, want\n%s", did, want)
	}
	if did := cli(t, "config", "--file", "none.yaml"); did.code != exitFailed || !strings.HasPrefix(did.err, "none.yaml: there is no such file") {
		t.Errorf("without the file: %+v", did)
	}
}

func TestConfigExample(t *testing.T) {
	quiet(t)
	did := cli(t, "config", "--example")
	if did.code != exitOK || did.out != config.Example() {
		t.Errorf("%+v", did)
	}
	write(t, configFile, did.out)
	if did := cli(t, "config"); did.code != exitOK {
		t.Errorf("the example is not right: %+v", did)
	}
	if did := cli(t, "config", "--example", "--json"); did.code != exitUsage {
		t.Errorf("with --json: %+v", did)
	}
}
