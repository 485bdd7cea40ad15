package protoway_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/auth"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/internal/testpeer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/receivers"
	"github.com/protoway/protoway/wire"
)

// journal is a log in memory.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) has(text string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Contains(j.text.String(), text)
}

// unready fails when a client connects.
type unready struct{}

func (unready) Note(context.Context, *testv1.Note) error { return nil }

func (unready) Connected(context.Context) error {
	return errors.New("the pool of the database is empty")
}

// TestCausesAreLogged: what a client is not told, whoever runs the server is.
func TestCausesAreLogged(t *testing.T) {
	var log journal
	identify := func(r *http.Request) (*auth.User, error) {
		if r.Header.Get("X-Session") != "" {
			return nil, errors.New("the sessions cannot be read")
		}
		return nil, nil
	}
	_, url := start(t, protoway.Config{
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Paths:  map[string]protoway.Path{"/ws": {Identify: identify}},
	}, receivers.Discover(unready{}))
	p := testpeer.Dial(t, url, testpeer.Options{Silent: true})
	p.Write(&wire.Frame{Kind: wire.KindHello, Control: &protowayv1.Hello{}})
	if code := p.AwaitEnd(); code != int(consumer.CloseTryLater) {
		t.Errorf("closed with %d", code)
	}
	if _, err := testpeer.TryDial(t, url, testpeer.Options{Header: http.Header{"X-Session": {"a=b"}}}); err == nil {
		t.Error("the upgrade was not refused")
	}
	for _, cause := range []string{"the pool of the database is empty", "the sessions cannot be read"} {
		eventually(t, "the log says "+cause, func() bool { return log.has(cause) })
	}
}
