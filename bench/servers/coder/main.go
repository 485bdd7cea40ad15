// Coder is an echo and broadcast server on coder/websocket as its chat example
// is: a goroutine of each subscriber writes what a channel brings it, each write
// with a timeout. It speaks the opcode protocol of protoway bench.
package main

import (
	"context"
	"flag"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/protoway/protoway/bench/servers/probe"
)

// The bounds of the example.
const (
	messageBuffer = 16
	writeTimeout  = 5 * time.Second
)

type subscriber struct {
	ws       *websocket.Conn
	messages chan []byte
}

// closeSlow closes a subscriber that does not keep up.
func (s *subscriber) closeSlow() {
	_ = s.ws.Close(websocket.StatusPolicyViolation, "connection too slow to keep up with messages")
}

type server struct {
	mu          sync.Mutex // guards subscribers
	subscribers map[*subscriber]struct{}
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = ws.CloseNow() }()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	sub := &subscriber{ws, make(chan []byte, messageBuffer)}
	defer s.leave(sub)
	for {
		_, b, err := ws.Read(ctx)
		if err != nil {
			return
		}
		switch {
		case len(b) == 0:
		case b[0] == 'E':
			err = write(ctx, ws, b)
		case b[0] == 'S':
			s.join(ctx, sub)
			err = write(ctx, ws, b)
		case b[0] == 'P':
			s.publish(b)
		}
		if err != nil {
			return
		}
	}
}

func (s *server) join(ctx context.Context, sub *subscriber) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, in := s.subscribers[sub]; in {
		return
	}
	s.subscribers[sub] = struct{}{}
	go func() {
		for {
			select {
			case b := <-sub.messages:
				if write(ctx, sub.ws, b) != nil {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
}

func (s *server) leave(sub *subscriber) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.subscribers, sub)
}

func (s *server) publish(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sub := range s.subscribers {
		select {
		case sub.messages <- b:
		default:
			go sub.closeSlow()
		}
	}
}

func write(ctx context.Context, ws *websocket.Conn, b []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return ws.Write(ctx, websocket.MessageBinary, b)
}

func main() {
	var flags probe.Flags
	flags.Define(flag.CommandLine)
	flag.Parse()
	mux := http.NewServeMux()
	mux.Handle("/ws", &server{subscribers: map[*subscriber]struct{}{}})
	probe.Run(mux, flags, probe.Info{})
}
