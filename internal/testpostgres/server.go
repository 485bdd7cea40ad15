// Package testpostgres runs a real PostgreSQL for the project's own tests.
//
//	func TestMain(m *testing.M) { os.Exit(testpostgres.Main(m)) }
//	...
//	url := testpostgres.Database(t, string(schema))
package testpostgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// patience is how long the server may take for what it has to do, on a machine that
// is busy.
const patience = 2 * time.Minute

// Server is a PostgreSQL of its own, with data that nothing else knows. It listens
// on a socket in its folder and nowhere else.
type Server struct {
	folder string
	pipe   io.Closer // the server ends when it is closed, or this process ends
	ended  chan struct{}
	output *output
}

// Start makes a server and waits until it answers. Close ends it, and so does the
// end of this process, however it comes.
func Start() (*Server, error) {
	programs, err := find()
	if err != nil {
		return nil, err
	}
	owner, err := other()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "postgres")
	if err != nil {
		return nil, err
	}
	if owner != nil {
		err = os.Chown(folder, int(owner.Uid), int(owner.Gid))
	}
	s := &Server{folder: folder, ended: make(chan struct{}), output: &output{}}
	if err == nil {
		err = s.start(programs, owner)
	}
	if err != nil {
		_ = os.RemoveAll(folder)
		return nil, fmt.Errorf("%w\n%s", err, s.output)
	}
	if err := s.await(); err != nil {
		s.Close()
		return nil, fmt.Errorf("%w\n%s", err, s.output)
	}
	return s, nil
}

// The shell ends the server when its own standard input ends, so that none is left
// behind by tests that panic or are killed.
const guard = `"$@" </dev/null & server=$!
(cat >/dev/null; kill -QUIT $server) <&3 &
wait $server; rm -rf "$FOLDER"`

func (s *Server) start(programs string, owner *syscall.Credential) error {
	data := filepath.Join(s.folder, "data")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	//nolint:gosec // a program of this machine
	initdb := exec.CommandContext(ctx, filepath.Join(programs, "initdb"),
		"--pgdata="+data, "--username="+superuser, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
	s.prepare(initdb, owner)
	if err := initdb.Run(); err != nil {
		return fmt.Errorf("initdb: %w", err)
	}
	//nolint:gosec,noctx // programs of this machine; the pipe ends it
	server := exec.Command("/bin/sh", "-c", "exec 3<&0; "+guard, "guard", filepath.Join(programs, "postgres"), "-D", data, "-k", s.folder,
		"-c", "listen_addresses=", "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
		"-c", "shared_buffers=16MB", "-c", "max_connections=50", "-c", "logging_collector=off")
	s.prepare(server, owner)
	server.Env = append(server.Env, "FOLDER="+s.folder)
	pipe, err := server.StdinPipe()
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	s.pipe = pipe
	go func() {
		defer close(s.ended)
		_ = server.Wait() // it was killed
	}()
	return nil
}

// prepare lets a command run as somebody else, in a folder and an environment that
// are theirs, and out of the way of the terminal's signals.
func (s *Server) prepare(cmd *exec.Cmd, owner *syscall.Credential) {
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.folder, s.output, s.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner, Setpgid: true}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "HOME=" + s.folder, "TZ=UTC"}
}

// Close ends the server, at once, and waits for that.
func (s *Server) Close() {
	_ = s.pipe.Close()
	<-s.ended
	_ = os.RemoveAll(s.folder)
}

// superuser is who owns everything in the server.
const superuser = "postgres"

// URL returns where a database of the server is.
func (s *Server) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(superuser), Path: "/" + database, RawQuery: url.Values{"host": {s.folder}}.Encode()}
	return u.String()
}

// Folder is the host of libpq: where the socket is.
func (s *Server) Folder() string { return s.folder }

// Program returns the path of a program that comes with the server.
func Program(name string) (string, error) {
	folder, err := find()
	return filepath.Join(folder, name), err
}

// find returns the folder of the programs, which Debian does not put on the path.
func find() (string, error) {
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		return "", errors.Join(err, errors.New("PostgreSQL is not installed: run 'make tools-postgres'"))
	}
	slices.SortFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(found[len(found)-1]), nil
}

// version is the number in the path of a program.
func version(path string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	if err != nil {
		return 0
	}
	return n
}

// other returns who runs the server if this process is root's, whom it refuses.
func other() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		known, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(known.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(known.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody")
}

// output keeps what the programs say.
type output struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}
