// Gorilla is an echo and broadcast server on gorilla/websocket, with a prepared
// message for each publication and the buffers of its chat example. It speaks the
// opcode protocol of protoway bench.
package main

import (
	"flag"
	"net/http"
	"sync"

	"github.com/gorilla/websocket"

	"github.com/protoway/protoway/bench/servers/probe"
)

// conn is a connection. Of a gorilla connection one goroutine at a time may
// write.
type conn struct {
	*websocket.Conn
	mu sync.Mutex // held while writing
}

func (c *conn) write(kind int, b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.WriteMessage(kind, b)
}

type server struct {
	mu      sync.RWMutex // guards members
	members map[*conn]struct{}
}

func (s *server) serve(c *conn) {
	defer func() {
		s.mu.Lock()
		delete(s.members, c)
		s.mu.Unlock()
		_ = c.Close()
	}()
	for {
		kind, b, err := c.ReadMessage()
		if err != nil {
			return
		}
		switch {
		case len(b) == 0:
		case b[0] == 'E':
			err = c.write(kind, b)
		case b[0] == 'S':
			s.mu.Lock()
			s.members[c] = struct{}{}
			s.mu.Unlock()
			err = c.write(kind, b)
		case b[0] == 'P':
			err = s.publish(kind, b)
		}
		if err != nil {
			return
		}
	}
}

func (s *server) publish(kind int, b []byte) error {
	prepared, err := websocket.NewPreparedMessage(kind, b)
	if err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for c := range s.members {
		c.mu.Lock()
		_ = c.WritePreparedMessage(prepared) // its reader sees the error too
		c.mu.Unlock()
	}
	return nil
}

func main() {
	var flags probe.Flags
	flags.Define(flag.CommandLine)
	flag.Parse()
	upgrader := websocket.Upgrader{ReadBufferSize: 1024, WriteBufferSize: 1024}
	s := &server{members: map[*conn]struct{}{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		ws, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		go s.serve(&conn{Conn: ws})
	})
	probe.Run(mux, flags, probe.Info{})
}
