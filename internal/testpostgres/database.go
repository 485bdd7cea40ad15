package testpostgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver
)

// await waits until the server answers.
func (s *Server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	db, err := sql.Open("pgx", s.URL(superuser))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-s.ended:
			return errors.New("PostgreSQL has ended")
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL does not answer: %w", err)
		}
	}
}

// Exec runs statements in a database.
func (s *Server) Exec(ctx context.Context, database, statements string) error {
	db, err := sql.Open("pgx", s.URL(database)+"&default_query_exec_mode=simple_protocol") // which takes several
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(ctx, statements)
	return err
}

var (
	made   atomic.Int64 // databases
	shared struct {
		sync.Mutex
		server *Server
	}
)

// Main runs the tests of a package and ends the server that they started. It returns
// what they exit with.
func Main(m *testing.M) int {
	defer func() {
		shared.Lock()
		defer shared.Unlock()
		if shared.server != nil {
			shared.server.Close()
		}
	}()
	return m.Run()
}

// Shared returns the server of the test binary, which the first one who asks starts.
// The package needs [Main].
func Shared(t testing.TB) *Server {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		server, err := Start()
		if err != nil {
			t.Fatal(err)
		}
		shared.server = server
	}
	return shared.server
}

// Database returns the name of a new database of the shared server, in which
// statements were run.
func Database(t testing.TB, statements string) string {
	t.Helper()
	server := Shared(t)
	name := fmt.Sprintf("test%d", made.Add(1))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := server.Exec(ctx, superuser, "CREATE DATABASE "+name+" TEMPLATE template0")
	if err == nil {
		err = server.Exec(ctx, name, statements)
	}
	if err != nil {
		t.Fatal(err)
	}
	return name
}
