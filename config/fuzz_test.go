package config_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/config"
)

// FuzzRead checks that nothing panics, that each problem says where it is, and that
// what was read can be shown.
func FuzzRead(f *testing.F) {
	f.Add([]byte(everything), "PROTOWAY_STRICT=true")
	f.Add([]byte(config.Example()), `PROTOWAY_PATHS={"/ws": {"origins": ["a"]}}`)
	f.Add([]byte("a: &a [*a]\nlimits: *a"), "PROTOWAY_X=1")
	f.Add([]byte("limits: &l {max_groups: 1, limits: *l}\n? [a]\n: b"), "PROTOWAY_PATHS=&a {/ws: *a}")
	f.Add([]byte("paths: {/ws: &p {groups: [a]}, /b: *p}\n<<: *p"), "PROTOWAY_PATHS=*a")
	f.Add([]byte("--- !!map\nstrict: !x\n...\n---"), "")
	f.Fuzz(func(t *testing.T, file []byte, pair string) {
		if strings.Contains(string(file), "_file") || strings.Contains(pair, "_FILE") {
			return // other files are not for the fuzzer
		}
		settings, err := config.Read("protoway.yaml", bytes.NewReader(file), []string{pair})
		if err != nil {
			var problems config.Problems
			if !errors.As(err, &problems) || len(problems) == 0 {
				t.Fatalf("%T is no list of problems", err)
			}
			for _, problem := range problems {
				if problem.File == "" && problem.Variable == "" || problem.Text == "" {
					t.Errorf("a problem without a place or text: %+v", problem)
				}
			}
			return
		}
		if err := settings.Write(new(bytes.Buffer)); err != nil {
			t.Errorf("cannot be written: %v", err)
		}
		if _, err := settings.Server(protoway.Config{}); err != nil {
			t.Errorf("no server: %v", err)
		}
	})
}
