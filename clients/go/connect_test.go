package client_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/protoway/protoway"
	client "github.com/protoway/protoway/clients/go"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/status"
)

func TestConnectFailsForGood(t *testing.T) {
	h := newHost(t, newServer(t, protoway.Config{}, greet()))
	evil := http.Header{"Origin": {"https://evil.example"}}
	for name, tc := range map[string]struct {
		address string
		opts    []client.Option
		code    status.Code
	}{
		"wrong token":    {h.url, []client.Option{client.WithToken("rubbish")}, status.Unauthenticated},
		"refused origin": {h.url, []client.Option{client.WithHTTPHeader(evil)}, status.PermissionDenied},
		"no such path":   {h.url + "/nowhere", nil, status.NotFound},
		"dialect":        {h.url, []client.Option{client.WithDialect(foreign{dialects[1]})}, status.InvalidArgument},
		"no address":     {"example.com/ws", nil, status.InvalidArgument},
		"no host":        {"ws:///ws", nil, status.InvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			var phases []client.Phase
			c := client.New(tc.address, append(tc.opts, client.OnState(func(s client.State) { phases = append(phases, s.Phase) }))...)
			waiting := make(chan error, 1)
			go func() { waiting <- c.Call(t.Context(), &testv1.Greet{}, nil) }()
			err := c.Connect(deadline(t))
			if status.CodeOf(err) != tc.code {
				t.Errorf("Connect = %v, want %v", err, tc.code)
			}
			if got := await(t, "the end of the call", waiting); status.CodeOf(got) != tc.code {
				t.Errorf("a call that waits: %v", got)
			}
			await(t, "the end", c.Done())
			if !slices.Equal(phases, []client.Phase{client.PhaseConnecting, client.PhaseClosed}) || status.CodeOf(c.Err()) != tc.code {
				t.Errorf("phases %v, Err %v", phases, c.Err())
			}
			if err := c.Send(t.Context(), &testv1.Greet{}); status.CodeOf(err) != tc.code {
				t.Errorf("Send after the end: %v", err)
			}
		})
	}
}

func TestConnectEndsWithItsContext(t *testing.T) {
	h := newHost(t, newServer(t, protoway.Config{}, greet()))
	h.down()
	c := h.client()
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Connect(short); status.CodeOf(err) != status.DeadlineExceeded || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Connect = %v", err)
	}
	await(t, "the end", c.Done())
	if err := c.Connect(t.Context()); status.CodeOf(err) != status.DeadlineExceeded {
		t.Errorf("Connect again = %v", err)
	}
}

func TestCloseBeforeConnect(t *testing.T) {
	c := client.New("ws://localhost/ws")
	_ = c.Close()
	_ = c.Close()
	await(t, "the end", c.Done())
	if err := c.Connect(t.Context()); status.CodeOf(err) != status.Canceled || c.State().Phase != client.PhaseClosed {
		t.Errorf("Connect = %v", err)
	}
}

func TestConnectOnlyOnce(t *testing.T) {
	h := newHost(t, newServer(t, protoway.Config{}, greet()))
	if err := h.connected().Connect(t.Context()); status.CodeOf(err) != status.FailedPrecondition {
		t.Errorf("Connect = %v", err)
	}
}

// The server drains or is overloaded and says when to come again.
func TestRetryAfterOfTheUpgrade(t *testing.T) {
	var attempts atomic.Int32
	server := newServer(t, protoway.Config{}, greet())
	h := newHost(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := attempts.Add(1); n <= 2 {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "later", map[int32]int{1: http.StatusServiceUnavailable, 2: http.StatusTooManyRequests}[n])
			return
		}
		server.ServeHTTP(w, r)
	}))
	var mu sync.Mutex
	var waits []time.Duration
	c := h.client(client.OnState(func(s client.State) {
		if s.Phase == client.PhaseWaiting {
			mu.Lock()
			defer mu.Unlock()
			waits = append(waits, time.Until(s.Next))
		}
	}))
	if err := c.Connect(deadline(t)); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(waits) != 2 {
		t.Fatalf("waits %v", waits)
	}
	for _, wait := range waits {
		if wait < 900*time.Millisecond || wait > 1100*time.Millisecond {
			t.Errorf("waits %v", waits)
		}
	}
}
