package main

import (
	"context"
	"database/sql"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/auth/django"
	"github.com/protoway/protoway/auth/django/postgres"
	"github.com/protoway/protoway/auth/django/sqlite"
	"github.com/protoway/protoway/internal/testpostgres"
)

// TestVectorsOfDjango replays the recorded cases with the users, passwords and
// sessions of a Django project, in PostgreSQL and in SQLite. Its rows are those of
// auth/django/testdata/fixtures.py, which has the users of the cases.
func TestVectorsOfDjango(t *testing.T) {
	const fixtures = "../../auth/django/testdata/auth."
	for _, kind := range []string{"postgres", "sqlite"} {
		statements, err := os.ReadFile(fixtures + kind + ".sql")
		if err != nil {
			t.Fatal(err)
		}
		store := openStore(t, kind, string(statements))
		sessions, err := store.Sessions(t.Context(), django.SessionConfig{
			SecretKey: "a SECRET_KEY of the tests, which has more than fifty letters",
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases(t) {
			t.Run(kind+"/"+c.Name, func(t *testing.T) {
				if c.Context.User != "" { // the key of a session is longer than a name
					c.Context.User = ("of" + c.Context.User + strings.Repeat("0", 32))[:32]
				}
				replay(t, c, serve(t, store, sessions.Identify))
			})
		}
	}
}

// openStore opens the users of a project in a database of its own.
func openStore(t *testing.T, kind, statements string) *django.Store {
	t.Helper()
	passwords, err := auth.NewPasswords(auth.PasswordConfig{Decoy: auth.HashPassword(password, 10)})
	if err != nil {
		t.Fatal(err)
	}
	config := django.Config{Passwords: passwords}
	var store *django.Store
	if kind == "postgres" {
		name := testpostgres.Database(t, statements)
		store, err = postgres.Open(t.Context(), testpostgres.Shared(t).URL(name), config)
	} else {
		file := filepath.Join(t.TempDir(), "db.sqlite3")
		fill(t, file, statements)
		store, err = sqlite.Open(t.Context(), file, config)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func fill(t *testing.T, file, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
}

// serve runs the server of the program on other users.
func serve(t *testing.T, users auth.Users, identify auth.Identify) running {
	t.Helper()
	issuer := auth.NewIssuer([]byte("a secret of the test, 32 or more"), auth.IssuerConfig{AccessLifetime: tokenLifetime})
	gateway, err := newServer(issuer, users, identify, false)
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := newTokens(issuer)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- gateway.Serve(ctx, listener, nil) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return running{URL: "ws://" + listener.Addr().String() + "/ws", Tokens: tokens}
}
