package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/protoway/protoway"
)

func TestRoutes(t *testing.T) {
	t.Chdir(suite.root)
	line := []string{"routes", "./examples/chat", "--", "-addr", "127.0.0.1:0"}
	did := cli(t, line...)
	row := regexp.MustCompile(`(?m)^/ws +say +chat\.v1\.Say +- +everybody +\*room\.Chat\.Say +per room +30s, 4096 bytes$`)
	if did.code != exitOK || did.err != "" || !strings.HasPrefix(did.out, "PATH ") || !row.MatchString(did.out) {
		t.Errorf("%+v", did)
	}
	did = cli(t, append([]string{"routes", "--json"}, line[1:]...)...)
	var found struct{ Routes []protoway.Route }
	if err := json.Unmarshal([]byte(did.out), &found); err != nil {
		t.Fatalf("%v in %+v", err, did)
	}
	if len(found.Routes) < 4 || found.Routes[0].Message != "chat.v1.JoinRoom" || found.Routes[0].Reply != "chat.v1.RoomJoined" {
		t.Errorf("%+v", found)
	}
}

// A program of another module is asked from anywhere, by its folder.
func TestRoutesOfAnotherModule(t *testing.T) {
	t.Chdir(t.TempDir())
	did := cli(t, "routes", suite.root+"/examples/chat", "--", "-addr", "127.0.0.1:0")
	if did.code != exitOK || !strings.Contains(did.out, "chat.v1.Say") {
		t.Errorf("%+v", did)
	}
	write(t, "go.mod", "module example.com/outer\n")
	write(t, "inner/go.mod", "module example.com/inner\n")
	write(t, "inner/main.go", "package main\n\nfunc main() { nothing() }\n")
	if did := cli(t, "routes", "./inner"); did.code != exitFailed || !strings.Contains(did.err, "undefined: nothing") {
		t.Errorf("%+v", did)
	}
}

// What is wrong with a program is said, with what it printed.
func TestRoutesOfBadPrograms(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "go.mod", "module example.com/bad\n\ngo 1.26\n")
	write(t, "library/library.go", "package library\n")
	write(t, "broken/main.go", "package main\n\nfunc main() { nothing() }\n")
	write(t, "failing/main.go", `package main

import "os"

func main() {
	println("no database at", os.Args[1])
	os.Exit(3)
}
`)
	write(t, "strange/main.go", `package main

import "os"

func main() { _ = os.WriteFile(os.Getenv("PROTOWAY_ROUTES_FILE"), []byte("{"), 0o600) }
`)
	for line, want := range map[string]struct {
		code int
		err  string
	}{
		"./missing":              {exitFailed, "./missing does not build"},
		"./library":              {exitFailed, "./library has 0 programs: state one package with main, such as ./cmd/server"},
		"./broken":               {exitFailed, "undefined: nothing"},
		"./failing -- db:5432":   {exitFailed, "./failing did not write its routes: exit status 3 before protoway.New was through. It needs what it always needs to start: state arguments behind --, and variables. It printed:\nno database at db:5432\n"},
		"./strange":              {exitFailed, "./strange wrote routes that cannot be read"},
		"./failing other":        {exitUsage, `"other" is one argument too many: those of the program stand behind --`},
		"./failing other -- one": {exitUsage, `"other" is one argument too many`},
	} {
		did := cli(t, append([]string{"routes"}, strings.Fields(line)...)...)
		if did.code != want.code || !strings.Contains(did.err, want.err) || did.out != "" {
			t.Errorf("%s: %+v", line, did)
		}
	}
}

// A program that does not end is ended, with all that it has started.
func TestRoutesTimeLimit(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "go.mod", "module example.com/endless\n\ngo 1.26\n")
	write(t, "main.go", `package main

import (
	"net"
	"os"
	"os/exec"
)

func main() {
	conn, err := net.Dial("tcp", os.Args[1])
	if err != nil {
		panic(err)
	}
	file, err := conn.(*net.TCPConn).File()
	if err != nil {
		panic(err)
	}
	child := exec.Command("sleep", "600")
	child.Stdout = os.Stdout
	child.ExtraFiles = []*os.File{file} // open until both have ended
	if err := child.Start(); err != nil {
		panic(err)
	}
	println("ready")
	_ = child.Wait()
}
`)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	ended := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			_, err = io.Copy(io.Discard, conn)
		}
		ended <- err
	}()
	did := cli(t, "routes", "--timeout", "2s", "--", listener.Addr().String())
	if did.code != exitFailed || !strings.Contains(did.err, ". did not write its routes: it has not ended within 2s") || !strings.Contains(did.err, "ready") {
		t.Errorf("%+v", did)
	}
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("what it has started still runs")
	}
}

// The table says who may send what, and marks what nobody handles.
func TestRoutesTable(t *testing.T) {
	var out, err bytes.Buffer
	cmd := &cobra.Command{}
	cmd.SetOut(&out)
	cmd.SetErr(&err)
	printRoutes(cmd, []protoway.Route{
		{Type: "lost", Message: "x.Lost", Auth: true, TimeoutSeconds: 30, Once: true},
		{
			Path: "/ws", Type: "admin", Message: "x.Admin", Receivers: []string{"a.A.Admin", "b.B.Admin"}, Auth: true, Permissions: []string{"p", "q"},
			AllowGroups: [][]string{{"staff", "owners"}, {"paying"}}, DenyGroups: []string{"bad"}, TimeoutSeconds: 0.05, Identity: true,
		},
	})
	want := `PATH  TYPE   MESSAGE  REPLY  WHO MAY SEND IT                                                           RECEIVERS             LANE                   LIMITS
!     lost   x.Lost   -      signed in                                                                 nobody handles it     connection             30s
/ws   admin  x.Admin  -      permission p and q, group staff or owners, group paying, not group bad  a.A.Admin, b.B.Admin  connection, holds all  50ms, not deduplicated
`
	if strings.Join(strings.Fields(out.String()), " ") != strings.Join(strings.Fields(want), " ") {
		t.Errorf("\n%s", &out)
	}
	if !strings.HasPrefix(err.String(), "! 1 of 2 messages ") {
		t.Errorf("%s", &err)
	}
	out.Reset()
	if printRoutes(cmd, nil); out.String() != "No messages are handled.\n" {
		t.Errorf("%s", &out)
	}
}
