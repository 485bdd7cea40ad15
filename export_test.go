package protoway

import "github.com/protoway/protoway/consumer"

// Open starts a consumer on a connection of a test's own.
func (s *Server) Open(path string, conn consumer.Conn, opening consumer.Opening) *consumer.Consumer {
	opening.Path = s.paths[path]
	return s.node.Open(conn, opening)
}
