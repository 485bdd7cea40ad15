package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// A new project tests, builds and runs as its README says, and its generated
// code is what generate makes.
func TestInit(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("GOFLAGS", "")
	said := must(t, ".", suite.binary, "init", "demo", "--local", suite.root)
	for _, want := range []string{"go mod tidy", "cd demo", "make run"} {
		if !strings.Contains(said, want) {
			t.Errorf("init does not say %q:\n%s", want, said)
		}
	}
	project, err := filepath.Abs("demo")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("make test", func(t *testing.T) {
		if out := must(t, project, "make", "test"); !strings.Contains(out, "ok  \texample.com/demo") {
			t.Errorf("make test says:\n%s", out)
		}
		must(t, project, "make", "lint")
		if out := must(t, project, "gofmt", "-l", "."); out != "" {
			t.Errorf("gofmt would change:\n%s", out)
		}
		if out := must(t, project, "make"); !strings.Contains(out, "generate") {
			t.Errorf("make says:\n%s", out)
		}
	})
	t.Run("make run", func(t *testing.T) { serve(t, project) })
	t.Run("generate", func(t *testing.T) { regenerate(t, project) })
}

// serve runs the project as make run does, but on a free port.
func serve(t *testing.T, project string) {
	t.Helper()
	program := filepath.Join(project, "bin", "demo")
	must(t, project, "go", "build", "-o", program, ".")
	command := exec.CommandContext(t.Context(), program, "-addr", "127.0.0.1:0")
	command.Dir = project
	ended := interruptWhenReady(t, command, func(url string) {
		talk(t, url)
		for path, want := range map[string]string{"/": "<title>demo</title>", "/gateway.js": "export class Gateway", "/healthz": "ok"} {
			if page := get(t, url+path); !strings.Contains(page, want) {
				t.Errorf("%s has no %q:\n%s", path, want, page)
			}
		}
	})
	if ended != nil {
		t.Errorf("after an interrupt the server ends with %v", ended)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, answer.Status, err)
	}
	return string(text)
}

// talk joins a room and says something, as the page does.
func talk(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, url+"/ws", &websocket.DialOptions{Subprotocols: []string{"protoway.v1.json"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	for _, frame := range []string{
		`{"hello": {}}`,
		`{"id": 1, "type": "join", "body": {"room": "tea", "name": "Ada"}}`,
		`{"id": 2, "type": "say", "body": {"room": "tea", "name": "Ada", "text": "hello"}}`,
	} {
		if err := conn.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
			t.Fatal(err)
		}
	}
	var all strings.Builder
	for want := []string{`"welcome":"Hello Ada"`, `"type":"said"`, `"re":2`}; len(want) > 0; {
		var frame json.RawMessage
		if err := wsjson.Read(ctx, conn, &frame); err != nil {
			t.Fatalf("no %q came: %v; there is\n%s", want, err, &all)
		}
		all.Write(append(frame, '\n'))
		want = slices.DeleteFunc(want, func(part string) bool { return strings.Contains(string(frame), part) })
	}
}

// regenerate generates the code of the project, in it and beside it.
func regenerate(t *testing.T, project string) {
	t.Helper()
	setBuf(t)
	made := filepath.Join(project, "gen")
	before := goFiles(t, made)
	if len(before) != 3 {
		t.Fatalf("init made %d files", len(before))
	}
	t.Chdir(filepath.Join(project, "web")) // below the project is in it
	other := t.TempDir()
	for _, args := range [][]string{{"generate"}, {"generate", "--output", other, "--buf", os.Getenv("BUF")}} {
		if did := cli(t, args...); did.code != exitOK {
			t.Fatalf("%v: %+v", args, did)
		}
	}
	for _, folder := range []string{made, filepath.Join(other, "gen")} {
		for name, text := range goFiles(t, folder) {
			if before[name] != text {
				t.Errorf("generate makes another %s than init", name)
			}
		}
	}
	if out := must(t, project, os.Getenv("BUF"), "lint"); out != "" {
		t.Errorf("buf lint says:\n%s", out)
	}
	must(t, project, os.Getenv("BUF"), "format", "-d", "--exit-code")

	schema := filepath.Join(project, "proto/demo/v1/demo.proto")
	write(t, schema, strings.Replace(read(t, schema), `reply: "Joined"`, `reply: "Joind"`, 1))
	did := cli(t, "generate")
	if did.code != exitFailed || !strings.Contains(did.err, `demo/v1/demo.proto:15:5: the reply is not a known message: "Joind"`) ||
		strings.Contains(did.err, "\nprotoway: ") {
		t.Errorf("with a mistake: %+v", did)
	}
}

func goFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "demo/v1/*.go"))
	if err != nil {
		t.Fatal(err)
	}
	names = append(names, filepath.Join(dir, "demo/v1/demov1way/demo.protoway.go"))
	files := make(map[string]string)
	for _, name := range names {
		below, _ := filepath.Rel(dir, name)
		files[below] = read(t, name)
	}
	return files
}

// Another name has another length, and so have all texts in the descriptor.
func TestInitUnderAnotherName(t *testing.T) {
	t.Chdir(t.TempDir())
	did := cli(t, "init", "shop2", "--local", suite.root, "--module", "github.com/you/shop2", "--json")
	var made madeProject
	if err := json.Unmarshal([]byte(did.out), &made); err != nil || did.code != exitOK {
		t.Fatalf("%v: %+v", err, did)
	}
	if made.Module != "github.com/you/shop2" || !slices.Contains(made.Files, "gen/shop2/v1/shop2.pb.go") {
		t.Errorf("init says %+v", made)
	}
	for _, name := range made.Files {
		read(t, filepath.Join("shop2", name))
	}
	must(t, "shop2", "go", "test", "./...")
}

// Without a checkout, the release of this program is required.
func TestInitNeedsTheModule(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOFLAGS", "-modcacherw")
	t.Setenv("GOMODCACHE", t.TempDir())
	did := cli(t, "init", "demo")
	for _, want := range []string{"the project needs the Go module " + ownModule, "go mod tidy failed", "--local"} {
		if did.code != exitFailed || !strings.Contains(did.err, want) {
			t.Errorf("%+v, want %q", did, want)
		}
	}
	if lines := strings.Count(did.err, "\n"); lines > 12 {
		t.Errorf("init says %d lines:\n%s", lines, did.err)
	}
	if text := read(t, "demo/go.mod"); strings.Contains(text, "replace") || !strings.Contains(text, ownModule+" "+moduleVersion()) {
		t.Errorf("go.mod is\n%s", text)
	}
}

func TestInitRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "full/notes.txt", "mine")
	write(t, "file", "mine")
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"init", "full"}, exitFailed, "the folder full is not empty"},
		{[]string{"init", "file"}, exitFailed, "file is there and is no folder"},
		{[]string{"init"}, exitUsage, "NAME is missing; see protoway init --help"},
		{[]string{"init", "a", "b"}, exitUsage, `"b" is one argument too many`},
		{[]string{"init", "My-App"}, exitUsage, "use a lower-case letter and then lower-case letters and digits, 30 at most"},
		{[]string{"init", "../up"}, exitUsage, "cannot be the name of a project"},
		{[]string{"init", "internal"}, exitUsage, "means something else"},
		{[]string{"init", "a", "--module", "a//b"}, exitUsage, `"a//b" cannot be the path of a Go module`},
		{[]string{"init", "a", "--local", "full"}, exitUsage, "--local full is no checkout of Protoway"},
	} {
		if did := cli(t, test.args...); did.code != test.code || !strings.Contains(did.err, test.want) {
			t.Errorf("%v: %+v, want %q", test.args, did, test.want)
		}
	}
	if text := read(t, "full/notes.txt"); text != "mine" {
		t.Errorf("the notes are %q", text)
	}
}
