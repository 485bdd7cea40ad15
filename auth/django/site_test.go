package django_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/auth/django"
	"github.com/protoway/protoway/auth/django/postgres"
	"github.com/protoway/protoway/auth/django/sqlite"
	"github.com/protoway/protoway/internal/testpostgres"
)

const (
	// patience is how long a test waits for what must come.
	patience = time.Minute
	python   = "../../.cache/python/bin/python"
	// quick is a hash that is quickly computed.
	quick = "pbkdf2_sha256$1$seasalt$OjHLoUaCbUYvwwmfEI/elE+zBcOD/VIIVyR6er6BvgE="
)

// model is what AUTH_USER_MODEL is in a project of testdata.
type model struct {
	name   string
	config django.Config
	id     func(number int, name string) string
	login  func(name string) string
}

func plain(name string) string { return name }

// models are all of them.
var models = []model{
	{"auth", django.Config{}, func(number int, _ string) string { return fmt.Sprint(number) }, plain},
	{
		"members",
		django.Config{UserTable: "members_member", NameColumn: "email"},
		func(number int, _ string) string { return fmt.Sprintf("00000000-00ab-cdef-0000-%012x", number) },
		func(name string) string { return name + "@example.com" },
	},
	{
		"people",
		django.Config{UserTable: "Crew", IDColumn: "handle", UserColumn: "person_id"},
		func(_ int, name string) string { return "h-" + name }, plain,
	},
	{"clerks", django.Config{UserTable: "clerks_clerk"}, func(number int, _ string) string { return fmt.Sprint(1<<40 + number) }, plain},
}

// site is a Django project with its database.
type site struct {
	*testing.T
	model
	kind string // of the database
	url  string
	open func(ctx context.Context, url string, config django.Config) (*django.Store, error)
	exec func(ctx context.Context, statements string) error
	// fail makes the database refuse queries until it is mended.
	fail func() (mend func())
}

// eachSite runs a test for each model on each database, with the rows of testdata.
func eachSite(t *testing.T, test func(s *site)) {
	t.Helper()
	for _, kind := range []string{"postgres", "sqlite"} {
		for _, m := range models {
			t.Run(kind+"/"+m.name, func(t *testing.T) {
				t.Parallel()
				statements, err := os.ReadFile(filepath.Join("testdata", m.name+"."+kind+".sql"))
				if err != nil {
					t.Fatal(err)
				}
				test(newSite(t, kind, m, string(statements)))
			})
		}
	}
}

// eachDatabase runs a test with auth.User on each database.
func eachDatabase(t *testing.T, test func(s *site)) {
	t.Helper()
	for _, kind := range []string{"postgres", "sqlite"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			statements, err := os.ReadFile(filepath.Join("testdata", "auth."+kind+".sql"))
			if err != nil {
				t.Fatal(err)
			}
			test(newSite(t, kind, models[0], string(statements)))
		})
	}
}

// newSite makes a database in which statements were run.
func newSite(t *testing.T, kind string, m model, statements string) *site {
	t.Helper()
	s := &site{T: t, model: m, kind: kind}
	if kind == "postgres" {
		name := testpostgres.Database(t, statements)
		server := testpostgres.Shared(t)
		s.url, s.open = server.URL(name), postgres.Open
		s.exec = func(ctx context.Context, statements string) error { return server.Exec(ctx, name, statements) }
		s.fail = func() func() {
			admin := func(statements string) {
				if err := server.Exec(context.Background(), "postgres", statements); err != nil {
					t.Error(err)
				}
			}
			admin("ALTER DATABASE " + name + " ALLOW_CONNECTIONS false; " +
				"SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = '" + name + "'")
			return func() { admin("ALTER DATABASE " + name + " ALLOW_CONNECTIONS true") }
		}
		return s
	}
	s.url, s.open = "sqlite://"+filepath.Join(t.TempDir(), "db 100%?#.sqlite3"), sqlite.Open
	db, err := sql.Open("sqlite", "file:"+escape.Replace(strings.TrimPrefix(s.url, "sqlite://"))+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	s.exec = func(ctx context.Context, statements string) error {
		_, err := db.ExecContext(ctx, statements)
		return err
	}
	if err := s.exec(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
	s.fail = func() func() {
		if err := s.exec(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := s.exec(context.Background(), "ROLLBACK"); err != nil {
				t.Error(err)
			}
		}
	}
	return s
}

var escape = strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23", " ", "%20")

// run changes the rows.
func (s *site) run(t *testing.T, statements string) {
	t.Helper()
	if err := s.exec(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
}

// store opens the users; change may change the configuration of the model.
func (s *site) store(t *testing.T, change func(*django.Config)) *django.Store {
	t.Helper()
	config := s.config
	config.Passwords = newPasswords(t)
	if change != nil {
		change(&config)
	}
	store, err := s.open(t.Context(), s.url, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// newPasswords has a decoy that is quickly computed.
func newPasswords(t *testing.T) *auth.Passwords {
	t.Helper()
	passwords, err := auth.NewPasswords(auth.PasswordConfig{Decoy: quick})
	if err != nil {
		t.Fatal(err)
	}
	return passwords
}

// live makes a site whose tables and rows Django makes now.
func live(t *testing.T, kind string, m model) *site {
	t.Helper()
	if _, err := os.Stat(python); err != nil {
		t.Fatal("Django is not installed: run 'make tools-python'")
	}
	s := newSite(t, kind, m, "")
	django := strings.TrimPrefix(s.url, "sqlite://")
	if kind == "postgres" {
		_, name, _ := strings.Cut(s.url, "@/")
		name, _, _ = strings.Cut(name, "?")
		django = fmt.Sprintf("host=%s user=postgres dbname=%s", testpostgres.Shared(t).Folder(), name)
	}
	runPython(t, "tables", m.name, django)
	return s
}

func runPython(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, python, append([]string{"-B", "testdata/fixtures.py"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	said, err := cmd.Output()
	if err != nil {
		t.Fatalf("fixtures.py %v: %v\n%s", args, err, &stderr)
	}
	return string(said)
}

// TestUpdate writes testdata anew if it is told to: make fixtures.
func TestUpdate(t *testing.T) {
	if !*update {
		return
	}
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range models {
		file := strings.TrimPrefix(live(t, "sqlite", m).url, "sqlite://")
		write("testdata/"+m.name+".sqlite.sql", runPython(t, "dump", file))
		write("testdata/"+m.name+".postgres.sql", dumpPostgres(t, live(t, "postgres", m)))
	}
	write("../testdata/django_hashes.json", runPython(t, "hashes"))
}

// noise is what pg_dump writes besides statements, and its settings of the session.
var noise = regexp.MustCompile(`(?m)^(--.*|\\.*|SET .*|SELECT pg_catalog\.set_config.*|)\n`)

func dumpPostgres(t *testing.T, s *site) string {
	t.Helper()
	program, err := testpostgres.Program("pg_dump")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "--inserts", "--no-owner", "--no-privileges", "--dbname="+s.url)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	said, err := cmd.Output()
	if err != nil {
		t.Fatal(errors.Join(err, errors.New(stderr.String())))
	}
	return noise.ReplaceAllString(string(said), "")
}
