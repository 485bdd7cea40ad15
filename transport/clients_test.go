package transport_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/protoway/protoway/consumer"
)

// The clients of other people, and where they are.
const (
	python = "../.cache/python/bin/python"
	npm    = "../examples/chat/e2e"
)

// TestNode speaks to the server with the npm package ws.
func TestNode(t *testing.T) {
	t.Parallel()
	needs(t, npm+"/node_modules/ws", "the npm package ws is not installed: run 'npm ci' in examples/chat/e2e")
	folder, err := filepath.Abs(npm)
	if err != nil {
		t.Fatal(err)
	}
	speaks(t, "node", "testdata/mirror.cjs", folder)
}

// TestPython speaks to the server with the PyPI package websockets.
func TestPython(t *testing.T) {
	t.Parallel()
	needs(t, python, "the Python package websockets is not installed: run 'make tools-python'")
	speaks(t, python, "testdata/mirror.py")
}

// speaks runs a client against a server in each mode.
func speaks(t *testing.T, program string, args ...string) {
	t.Helper()
	inEachWay(t, consumer.Limits{MaxMessageBytes: 4 << 20}, func(s *site) {
		t := s.T
		url := strings.Replace(s.web.URL, "http", "ws", 1) + "/ws"
		ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
		defer cancel()
		said, err := exec.CommandContext(ctx, program, append(args, url)...).CombinedOutput()
		if err != nil || strings.TrimSpace(string(said)) != "done" {
			t.Errorf("%s: %v\n%s", program, err, said)
		}
		for _, code := range []consumer.CloseCode{4321, 4321, consumer.CloseByServer} {
			s.endsWith(t, code)
		}
	})
}

func needs(t *testing.T, path, otherwise string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Fatal(otherwise)
	}
}
