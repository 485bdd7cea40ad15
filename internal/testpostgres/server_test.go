package testpostgres_test

import (
	"bufio"
	"database/sql"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/protoway/protoway/internal/testpostgres"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(os.Exit))
}

// TestServer: databases are apart from each other, and nothing is left of a server.
func TestServer(t *testing.T) {
	server, err := testpostgres.Start()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		if err := server.Exec(t.Context(), "postgres", "CREATE DATABASE "+name); err != nil {
			t.Fatal(err)
		}
	}
	if err := server.Exec(t.Context(), "a", "CREATE TABLE x (n int); INSERT INTO x VALUES (7)"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"a": 7, "b": 0} {
		db, err := sql.Open("pgx", server.URL(name))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		if err := db.QueryRowContext(t.Context(), "SELECT n FROM x").Scan(&n); n != want || (err == nil) != (want > 0) {
			t.Errorf("%s has %d, %v", name, n, err)
		}
		_ = db.Close()
	}
	folder := server.Folder()
	server.Close()
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("the server left its folder: %v", err)
	}
	if err := server.Exec(t.Context(), "a", "SELECT 1"); err == nil {
		t.Error("the server answers after Close")
	}
}

// TestServerEndsWithItsProcess: tests that are killed leave no server behind. The
// child is this test binary, which says where its server is and waits to be killed.
func TestServerEndsWithItsProcess(t *testing.T) {
	const child = "TESTPOSTGRES_CHILD"
	if os.Getenv(child) != "" {
		server, err := testpostgres.Start()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = os.Stdout.WriteString(server.Folder() + "\n")
		select {}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestServerEndsWithItsProcess$")
	cmd.Env = append(os.Environ(), child+"=1")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	folder, err := bufio.NewReader(stdout).ReadString('\n')
	folder = strings.TrimSpace(folder)
	if _, statErr := os.Stat(folder); err != nil || statErr != nil {
		t.Errorf("the child said %q: %v, %v", folder, err, statErr)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for deadline := time.After(time.Minute); ; {
		if _, err := os.Stat(folder); os.IsNotExist(err) {
			return
		}
		select {
		case <-look.C:
		case <-deadline:
			t.Fatal("the server is still there")
		}
	}
}
