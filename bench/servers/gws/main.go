// Gws is an echo and broadcast server on lxzan/gws, as its README says: the read
// loop leaves the goroutine of the request, and a broadcaster encodes a
// publication once. It speaks the opcode protocol of protoway bench.
package main

import (
	"flag"
	"net/http"
	"sync"

	"github.com/lxzan/gws"

	"github.com/protoway/protoway/bench/servers/probe"
)

type server struct {
	gws.BuiltinEventHandler

	mu      sync.RWMutex // guards members
	members map[*gws.Conn]struct{}
}

// OnMessage answers E, takes S into the group and tells the group P.
func (s *server) OnMessage(c *gws.Conn, message *gws.Message) {
	defer func() { _ = message.Close() }() // gives the buffer back
	b := message.Bytes()
	switch {
	case len(b) == 0:
	case b[0] == 'E':
		_ = c.WriteMessage(message.Opcode, b)
	case b[0] == 'S':
		s.mu.Lock()
		s.members[c] = struct{}{}
		s.mu.Unlock()
		_ = c.WriteMessage(message.Opcode, b)
	case b[0] == 'P':
		s.publish(message.Opcode, b)
	}
}

func (s *server) publish(opcode gws.Opcode, b []byte) {
	broadcaster := gws.NewBroadcaster(opcode, b)
	defer func() { _ = broadcaster.Close() }() // gives the frame back
	s.mu.RLock()
	defer s.mu.RUnlock()
	for c := range s.members {
		_ = broadcaster.Broadcast(c)
	}
}

// OnClose forgets a connection.
func (s *server) OnClose(c *gws.Conn, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.members, c)
}

func main() {
	var flags probe.Flags
	flags.Define(flag.CommandLine)
	flag.Parse()
	upgrader := gws.NewUpgrader(&server{members: map[*gws.Conn]struct{}{}}, &gws.ServerOption{})
	mux := http.NewServeMux()
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r)
		if err != nil {
			return
		}
		go c.ReadLoop()
	})
	probe.Run(mux, flags, probe.Info{})
}
